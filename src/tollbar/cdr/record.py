"""The call detail record: one row for one call attempt (docs/reference/records.md).

The names and their order are those of every native export. Times are UTC milliseconds since
the epoch, ``None`` where the thing never happened; durations are milliseconds. Account codes
stand here in clear, as strings: a record is what gets billed.

A *draft* is the record of a call that is not over, as one line of JSON, for the open calls on
disk. It must never lose a leading zero, and must read back what any earlier release wrote.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

# Forms of drafts.
_FIRST: Final = 1  # the whole, but had no kind
_WHOLE: Final = 2
_BEGUN: Final = 3  # what a call that has only begun knows


@dataclass(slots=True)
class Record:
    """One call attempt, or one interaction of another ``kind``: callback, chat, email.

    ``decision`` and ``code_changes`` are JSON texts ("" is none).
    """

    record_id: str
    tenant: str = "default"
    direction: str = "out"
    peer: str = ""
    trunk: str = ""
    tries: int = 0
    a_call_id: str = ""
    b_call_id: str = ""
    user: str = ""
    extension: str = ""
    workgroup: str = ""
    caller: str = ""
    dialled: str = ""
    standardized: str = ""
    classification: str = ""
    dial_group: str = ""
    account_code: str = ""
    account_code_description: str = ""
    code_source: str = ""
    code_changes: str = ""
    matrix_row: int = 0
    outcome: str = ""
    reason: str = ""
    sip_status: int = 0
    q850_cause: int = 0
    ended_by: str = ""
    setup: int = 0
    ringing: int | None = None
    answer: int | None = None
    end: int | None = None
    ring_ms: int = 0
    billable_ms: int = 0
    in_report: bool = False
    parent_record_id: str = ""
    decision: str = ""
    kind: str = "call"

    @property
    def dated(self) -> int:
        """The moment reports file it under: the answer, else the setup."""
        return self.setup if self.answer is None else self.answer

    @property
    def placed(self) -> bool:
        """Whether the call left for somewhere."""
        return self.tries > 0 and self.outcome != "refused"

    @property
    def untagged(self) -> bool:
        """Whether it was placed without an account code."""
        return self.placed and self.account_code == ""

    def values(self) -> tuple[Any, ...]:
        """Everything, in the order of ``COLUMNS``."""
        return _values(self)

    def begun(self) -> str:
        """The draft of a record that has only begun: what else there is to say comes later."""
        texts = '","'.join(_begun(self))
        if texts.count('"') != _QUOTES or "\\" in texts:
            return self.draft()
        # The decision is JSON already: spliced in, not quoted a second time.
        return f'[{_BEGUN},{self.matrix_row},{self.setup},"{texts}",{self.decision or "null"}]'

    def draft(self) -> str:
        """The record so far as one line of JSON; ``from_draft`` reads it."""
        row = compact((_WHOLE, *_drafted(self)))
        return f"{row[:-1]},{self.decision or 'null'}]"

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON: the two JSON texts opened, everything else as it is."""
        row = dict(zip(COLUMNS, _values(self), strict=True))
        row["code_changes"] = json.loads(self.code_changes) if self.code_changes else []
        row["decision"] = json.loads(self.decision) if self.decision else None
        return row


COLUMNS: Final = tuple(f.name for f in fields(Record))
"""The keys of every native export, in their order."""

_values: Final[Callable[[Record], tuple[Any, ...]]] = attrgetter(*COLUMNS)
# A draft's own order: what was added since the first release stands before the decision.
_DRAFTED: Final = tuple(name for name in COLUMNS if name != "decision")
_drafted: Final[Callable[[Record], tuple[Any, ...]]] = attrgetter(*_DRAFTED)
# The texts that a call begins with.
_AT_FIRST: Final = (
    "record_id",
    "tenant",
    "direction",
    "peer",
    "a_call_id",
    "user",
    "extension",
    "workgroup",
    "caller",
    "dialled",
    "standardized",
    "classification",
    "dial_group",
    "account_code",
    "account_code_description",
    "code_source",
    "reason",
    "kind",
)
_begun: Final[Callable[[Record], tuple[str, ...]]] = attrgetter(*_AT_FIRST)
_QUOTES: Final = 2 * (len(_AT_FIRST) - 1)
_IN_REPORT: Final = COLUMNS.index("in_report")
_UNREADABLE: Final = "not a draft this release can read"
# What is encoded here is made of tuples and cannot hold itself; the check costs a fifth.
compact: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode


def with_change(
    changes: str, at: int, by: str, before: str, after: str, source: str, **more: str
) -> str:
    """``code_changes`` and one more: at ``at``, UTC milliseconds, ``by`` made ``before`` into
    ``after``. ``more`` says that it was ``refused``, or its ``reason``; "" says nothing."""
    change: dict[str, str | int] = {
        "at": at,
        "by": by,
        "from": before,
        "to": after,
        "source": source,
        **{name: text for name, text in more.items() if text},
    }
    return f"{changes[:-1]},{compact(change)}]" if changes else compact([change])


def from_draft(draft: str) -> Record:
    """The record that ``begun`` or ``draft`` wrote; ValueError for anything else."""
    row = json.loads(draft, strict=False)  # control characters stand as they are
    if not isinstance(row, list) or not row:
        raise ValueError(_UNREADABLE)
    decision = "" if row[-1] is None else compact(row[-1])
    if row[0] == _BEGUN and len(row) == len(_AT_FIRST) + 4:
        record = Record(**dict(zip(_AT_FIRST, row[3:-1], strict=True)))
        record.matrix_row, record.setup = row[1:3]
        record.decision = decision
        return record
    if row[0] == _FIRST and len(row) == len(COLUMNS):
        row.insert(-1, "call")
    elif row[0] != _WHOLE or len(row) != len(COLUMNS) + 1:
        raise ValueError(_UNREADABLE)
    return from_values((*row[1:-2], decision, row[-2]))


def from_values(row: Sequence[Any]) -> Record:
    """The record of a row in the order of ``COLUMNS``, as a database gives it."""
    values = list(row)
    # First: a compiled record takes nothing but a bool.
    values[_IN_REPORT] = bool(values[_IN_REPORT])
    return Record(*values)

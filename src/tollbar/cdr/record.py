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

_VERSION: Final = 2  # of drafts
_FIRST: Final = 1  # had no kind


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

    def draft(self) -> str:
        """The record so far as one line of JSON; ``from_draft`` reads it."""
        # The decision is JSON already: spliced in, not quoted a second time.
        decision = self.decision or "null"
        if self.ringing is None and self.answer is None and self.end is None:
            row = _BEGUN % _begun(self)
            if row.count('"') == _QUOTES and "\\" not in row:
                return f"{row},{decision}]"
        row = compact((_VERSION, *_drafted(self)))
        return f"{row[:-1]},{decision}]"

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
# A call that has only begun, as nearly every draft has it: nothing in it to escape.
_LATER: Final = ("ringing", "answer", "end")
_TEXTS: Final = frozenset(f.name for f in fields(Record) if f.type is str)
_BEGUN: Final = f"[{_VERSION}," + ",".join(
    "null" if name in _LATER else '"%s"' if name in _TEXTS else "%d" for name in _DRAFTED
)
_QUOTES: Final = _BEGUN.count('"')
_begun: Final[Callable[[Record], tuple[Any, ...]]] = attrgetter(
    *(name for name in _DRAFTED if name not in _LATER)
)
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
    """The record that ``Record.draft`` wrote; ValueError for anything else."""
    row = json.loads(draft, strict=False)  # control characters stand as they are
    if not isinstance(row, list) or not row:
        raise ValueError(_UNREADABLE)
    if row[0] == _FIRST and len(row) == len(COLUMNS):
        row.insert(-1, "call")
    elif row[0] != _VERSION or len(row) != len(COLUMNS) + 1:
        raise ValueError(_UNREADABLE)
    decision = "" if row[-1] is None else compact(row[-1])
    return from_values((*row[1:-2], decision, row[-2]))


def from_values(row: Sequence[Any]) -> Record:
    """The record of a row in the order of ``COLUMNS``, as a database gives it."""
    values = list(row)
    # First: a compiled record takes nothing but a bool.
    values[_IN_REPORT] = bool(values[_IN_REPORT])
    return Record(*values)

"""The account code report, and its like for calls without a code (docs/reference/records.md).

Calls that were placed and carried a code at disconnect, codes in *string* order. Pure: takes
calls and groups that are in order already, yields rows; ``cdr.export`` writes them. It must
never turn a code into a number.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from tollbar.cdr.record import Record
from tollbar.policy.attempt import IN

BY_DATE: Final = "date"
BY_USER: Final = "user"
BY_CODE: Final = "code"
BY_WORKGROUP: Final = "workgroup"
UNTAGGED: Final = "untagged"
"""Calls without a code, by user and day."""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    BY_CODE: ("account_code",),
    BY_DATE: ("account_code", "date", "user"),
    BY_USER: ("account_code", "user", "date"),
    BY_WORKGROUP: ("account_code", "workgroup", "user"),
    UNTAGGED: ("user", "date"),
}
"""What a summary groups by, in the order of its rows."""

_SUMS: Final[dict[str, tuple[str, ...]]] = {
    BY_CODE: (),
    BY_DATE: (),
    BY_USER: ("account_code", "user"),
    BY_WORKGROUP: ("account_code", "workgroup"),
    UNTAGGED: ("user",),
}
"""After which of these keys' values a sum is told, besides the total."""

DETAIL_ORDER: Final[dict[str, tuple[str, ...]]] = {
    BY_CODE: ("account_code", "user"),
    BY_DATE: ("account_code", "user"),
    BY_USER: ("account_code", "user"),
    BY_WORKGROUP: ("account_code", "workgroup", "user"),
    UNTAGGED: ("user",),
}
"""By what a detail is ordered, before the date."""

DETAILED: Final = (
    "record_id",
    "direction",
    "user",
    "extension",
    "workgroup",
    "caller",
    "dialled",
    "standardized",
    "account_code",
    "account_code_description",
    "setup",
    "answer",
    "billable_ms",
)
"""What a detail needs of a record."""

_HEADINGS: Final = {
    "account_code": "Account Code",
    "description": "Name",
    "user": "User",
    "workgroup": "Workgroup",
    "extension": "Extension",
    "date": "Date",
    "time": "Time",
    "direction": "In / Out",
    "remote_number": "Remote Number",
    "duration": "Duration",
    "record_id": "Record",
}
_CALL: Final = ("extension", "date", "time", "direction", "remote_number", "duration")
_DETAIL: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys((BY_CODE, BY_DATE, BY_USER), ("account_code", "description", "user", *_CALL)),
    BY_WORKGROUP: ("account_code", "description", "workgroup", "user", *_CALL),
    UNTAGGED: ("user", *_CALL, "record_id"),
}
_SUM_HEADINGS: Final = ("Total Calls", "Answered", "Total Duration", "Avg. Duration")

_DIRECTIONS: Final = {"in": "In", "out": "Out", "internal": "Internal"}


@dataclass(slots=True)
class Detail:
    """One call. ``date`` is YYYY-MM-DD, ``time`` HH:MM:SS, in the report's time zone."""

    record_id: str
    account_code: str
    description: str
    user: str
    workgroup: str
    extension: str
    date: str
    time: str
    direction: str
    remote_number: str
    answered: bool
    billable_ms: int

    @property
    def duration(self) -> str:
        """For people."""
        return clock(self.billable_ms)


@dataclass(slots=True)
class Summary:
    """One group; or, with ``level`` "code", "user", "workgroup" or "total", the sum of what is
    above it. Keys a row does not have are "".
    """

    account_code: str = ""
    description: str = ""
    user: str = ""
    workgroup: str = ""
    date: str = ""
    attempts: int = 0
    answered: int = 0
    billable_ms: int = 0
    level: str = ""

    @property
    def average_ms(self) -> int:
        """Average over the answered calls."""
        return round(self.billable_ms / self.answered) if self.answered else 0


def detail(calls: Iterable[Record], zone: tzinfo) -> Iterator[Detail]:
    """A row a call, in the order the calls have."""
    for call in calls:
        when = datetime.fromtimestamp(call.dated // 1000, zone)
        yield Detail(
            call.record_id,
            call.account_code,
            call.account_code_description,
            call.user,
            call.workgroup,
            call.extension,
            when.date().isoformat(),
            when.time().isoformat("seconds"),
            _DIRECTIONS.get(call.direction, call.direction),
            remote_number(call),
            call.answer is not None,
            call.billable_ms,
        )


def detail_headings(by: str) -> tuple[str, ...]:
    """What stands over ``detail_cells``."""
    return tuple(_HEADINGS[name] for name in _DETAIL[by])


def detail_cells(row: Detail, by: str) -> tuple[str, ...]:
    """``row`` as text."""
    return tuple(getattr(row, name) for name in _DETAIL[by])


def with_sums(groups: Iterable[Summary], by: str) -> Iterator[Summary]:
    """Groups that come in order, sums after what they sum up, the total last."""
    keys = _SUMS[by]
    total = Summary(level="total")
    running: list[Summary] = []  # the sum of the first key, that of the first two, ...
    for group in groups:
        while running and not _holds(running[-1], group, keys[: len(running)]):
            yield running.pop()
        while len(running) < len(keys):
            running.append(_sum(group, keys[: len(running) + 1]))
        for row in (*running, total):
            row.attempts += group.attempts
            row.answered += group.answered
            row.billable_ms += group.billable_ms
        yield group
    yield from reversed(running)
    yield total


def summary_keys(by: str) -> tuple[str, ...]:
    """What a row of the summary is told by: its keys, a code with its name."""
    first, *rest = GROUPS[by]
    return (first, "description", *rest) if first == "account_code" else (first, *rest)


def summary_headings(by: str) -> tuple[str, ...]:
    """What stands over ``summary_cells``."""
    return (*(_HEADINGS[name] for name in summary_keys(by)), *_SUM_HEADINGS)


def summary_cells(row: Summary, by: str) -> tuple[str, ...]:
    """``row`` as text."""
    return (
        *(getattr(row, name) for name in summary_keys(by)),
        str(row.attempts),
        str(row.answered),
        clock(row.billable_ms),
        clock(row.average_ms),
    )


def remote_number(record: Record) -> str:
    """The far end's number: the caller of an incoming call, else what was dialled."""
    if record.direction == IN:
        return record.caller
    return record.standardized or record.dialled


def clock(ms: int) -> str:
    """A duration as H:MM:SS, rounded to the nearest second."""
    seconds = (ms + 500) // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _holds(total: Summary, group: Summary, keys: tuple[str, ...]) -> bool:
    return all(getattr(total, key) == getattr(group, key) for key in keys)


def _sum(group: Summary, keys: tuple[str, ...]) -> Summary:
    total = Summary(description=group.description, level=keys[-1].removeprefix("account_"))
    for key in keys:
        setattr(total, key, getattr(group, key))
    return total

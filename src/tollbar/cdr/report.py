"""The account code report: detail and summary (docs/reference/records.md).

Calls that were placed and carried a code at disconnect, codes in *string* order. Pure: takes
records, yields rows; ``cdr.export`` writes them. It must never turn a code into a number.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from tollbar.cdr.record import Record
from tollbar.policy.attempt import IN

BY_DATE: Final = "date"
BY_USER: Final = "user"
BY_CODE: Final = "code"


@dataclass(slots=True)
class Detail:
    """One call. ``date`` is YYYY-MM-DD, ``time`` HH:MM:SS, in the report's time zone."""

    account_code: str
    description: str
    user: str
    extension: str
    date: str
    time: str
    direction: str
    remote_number: str
    answered: bool
    billable_ms: int


@dataclass(slots=True)
class Summary:
    """One group; or, with ``level`` "code", "user" or "total", the sum of what is above it.

    Keys a row does not have are "".
    """

    account_code: str = ""
    description: str = ""
    user: str = ""
    date: str = ""
    attempts: int = 0
    answered: int = 0
    billable_ms: int = 0
    level: str = ""

    @property
    def average_ms(self) -> int:
        """Average over the answered calls."""
        return round(self.billable_ms / self.answered) if self.answered else 0


DETAIL_HEADINGS: Final = (
    "Account Code",
    "Name",
    "User",
    "Extension",
    "Date",
    "Time",
    "In / Out",
    "Remote Number",
    "Duration",
)
SUMMARY_HEADINGS: Final = {
    BY_DATE: ("Account Code", "Name", "Date", "User"),
    BY_USER: ("Account Code", "Name", "User", "Date"),
    BY_CODE: ("Account Code", "Name"),
}
SUM_HEADINGS: Final = ("Total Calls", "Answered", "Total Duration", "Avg. Duration")

_DIRECTIONS: Final = {"in": "In", "out": "Out", "internal": "Internal"}


def detail(records: Iterable[Record], zone: tzinfo) -> Iterator[Detail]:
    """Calls in the report, by code, user, date and time ascending."""
    rows = [(r.account_code, r.user, r.dated, r.record_id, r) for r in records if r.in_report]
    rows.sort(key=lambda row: row[:4])
    for *_, record in rows:
        when = _local(record, zone)
        yield Detail(
            record.account_code,
            record.account_code_description,
            record.user,
            record.extension,
            when.date().isoformat(),
            when.time().isoformat("seconds"),
            _DIRECTIONS.get(record.direction, record.direction),
            remote_number(record),
            record.answer is not None,
            record.billable_ms,
        )


def detail_cells(row: Detail) -> tuple[str, ...]:
    """``row`` as text under ``DETAIL_HEADINGS``."""
    return (
        row.account_code,
        row.description,
        row.user,
        row.extension,
        row.date,
        row.time,
        row.direction,
        row.remote_number,
        clock(row.billable_ms),
    )


_Key = tuple[str, ...]

# The sort key of a group, and of which leading parts subtotals are printed.
_GROUPS: Final[dict[str, Callable[[str, str, str], _Key]]] = {
    BY_DATE: lambda code, user, date: (code, date, user),
    BY_USER: lambda code, user, date: (code, user, date),
    BY_CODE: lambda code, user, date: (code,),  # noqa: ARG005
}


def summary(records: Iterable[Record], by: str, zone: tzinfo) -> Iterator[Summary]:
    """Groups in order, sums after their groups, the total last.

    By date: code, date, user. By user: code, user, date with sums per user and per code.
    By code: one row a code. Memory grows with the groups, not with the records."""
    key = _GROUPS[by]
    groups: dict[_Key, Summary] = {}
    newest: dict[str, tuple[int, str]] = {}
    total = Summary(level="total")
    for record in records:
        if not record.in_report:
            continue
        code = record.account_code
        user = "" if by == BY_CODE else record.user
        date = "" if by == BY_CODE else _local(record, zone).date().isoformat()
        place = key(code, user, date)
        group = groups.get(place)
        if group is None:
            group = groups[place] = Summary(code, "", user, date)
        for row in (group, total):
            row.attempts += 1
            row.billable_ms += record.billable_ms
            if record.answer is not None:
                row.answered += 1
        # A code renamed within the period shows its latest name, in every row the same.
        named = (record.dated, record.account_code_description)
        if code not in newest or named > newest[code]:
            newest[code] = named
    of_user = of_code = None
    for place in sorted(groups):
        group = groups[place]
        group.description = newest[group.account_code][1]
        if by == BY_USER:
            if of_user is not None and place[:2] != (of_user.account_code, of_user.user):
                yield of_user
                of_user = None
            if of_code is not None and place[0] != of_code.account_code:
                yield of_code
                of_code = None
            of_user = _added(
                of_user or Summary(group.account_code, group.description, group.user), group
            )
            of_user.level = "user"
            of_code = _added(of_code or Summary(group.account_code, group.description), group)
            of_code.level = "code"
        yield group
    for rest in (of_user, of_code):
        if rest is not None:
            yield rest
    yield total


def summary_cells(row: Summary, by: str) -> tuple[str, ...]:
    """``row`` as text under ``SUMMARY_HEADINGS[by] + SUM_HEADINGS``."""
    keys: tuple[str, ...] = (row.account_code, row.description)
    if by == BY_DATE:
        keys += (row.date, row.user)
    elif by == BY_USER:
        keys += (row.user, row.date)
    return (
        *keys,
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


def _local(record: Record, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(record.dated // 1000, zone)


def _added(total: Summary, group: Summary) -> Summary:
    total.attempts += group.attempts
    total.answered += group.answered
    total.billable_ms += group.billable_ms
    return total

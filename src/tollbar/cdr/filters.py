"""Which records a list or a report is about.

Plain data, understood twice: ``matches`` in memory and the store's reader in SQL; both must
always agree. Codes compare as strings: ``1`` to ``2`` holds ``1``, ``1234`` and ``2``.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tollbar.cdr.record import Record
from tollbar.cdr.zone import DAY, offset


@dataclass(slots=True)
class Filters:
    """Empty means any. ``since`` and ``until`` bound ``Record.dated``, ``until`` excluded.

    ``codes`` and ``code_ranges`` (both ends included) together say which codes. ``hours`` are
    milliseconds of the day in ``zone``, the second excluded; over midnight if it is not later
    than the first.
    """

    tenant: str | None = None
    since: int | None = None
    until: int | None = None
    users: tuple[str, ...] = ()
    workgroups: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    code_ranges: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    trunks: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    in_report: bool | None = None
    untagged: bool | None = None
    hours: tuple[int, int] | None = None
    zone: tzinfo = UTC

    def matches(self, record: Record) -> bool:
        """Whether ``record`` is meant."""
        when = record.dated
        code = record.account_code
        return (
            (self.tenant is None or record.tenant == self.tenant)
            and (self.since is None or when >= self.since)
            and (self.until is None or when < self.until)
            and (not self.users or record.user in self.users)
            and (not self.workgroups or record.workgroup in self.workgroups)
            and (not self.extensions or record.extension in self.extensions)
            and (not (self.codes or self.code_ranges) or self._means(code))
            and (not self.outcomes or record.outcome in self.outcomes)
            and (not self.directions or record.direction in self.directions)
            and (not self.peers or record.peer in self.peers)
            and (not self.trunks or record.trunk in self.trunks)
            and (not self.record_ids or record.record_id in self.record_ids)
            and (self.in_report is None or record.in_report == self.in_report)
            and (self.untagged is None or record.untagged == self.untagged)
            and (self.hours is None or self._within(when, self.hours))
        )

    def _within(self, when: int, hours: tuple[int, int]) -> bool:
        clock = (when + offset(when, self.zone)) % DAY
        first, last = hours
        if first < last:
            return first <= clock < last
        return clock >= first or clock < last

    def _means(self, code: str) -> bool:
        return code in self.codes or any(low <= code <= high for low, high in self.code_ranges)


def days(first: date | None, last: date | None, zone: tzinfo) -> tuple[int | None, int | None]:
    """``since`` and ``until`` for calendar days of ``zone``, both days included; behind the last
    day of the calendar there is none."""
    since = None if first is None else _midnight(first, zone)
    until = None if last is None or last == date.max else _midnight(last + timedelta(days=1), zone)
    return since, until


def _midnight(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)

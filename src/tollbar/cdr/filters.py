"""Which records a list or a report is about (SPEC G4).

Plain data, understood twice: ``matches`` in memory and the store's reader in SQL; both must
always agree. Codes compare as strings: ``1`` to ``2`` holds ``1``, ``1234`` and ``2``.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from tollbar.cdr.record import Record


@dataclass(slots=True)
class Filters:
    """Empty means any. ``since`` and ``until`` bound ``Record.dated``, ``until`` excluded."""

    tenant: str | None = None
    since: int | None = None
    until: int | None = None
    users: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    code_ranges: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    trunks: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    in_report: bool | None = None

    def matches(self, record: Record) -> bool:
        """Whether ``record`` is meant."""
        raise NotImplementedError


def days(first: date | None, last: date | None, zone: tzinfo) -> tuple[int | None, int | None]:
    """``since`` and ``until`` for calendar days of ``zone``, both days included."""
    since = None if first is None else _midnight(first, zone)
    until = None if last is None else _midnight(last + timedelta(days=1), zone)
    return since, until


def _midnight(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)

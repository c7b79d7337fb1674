"""When a dial group is open: lines such as ``mon-fri 08:00-18:00``, in the configured time zone.

A line is days and hours. Days are weekdays (``mon-fri``, ``sat,sun``), a date or ``from..to``;
hours are ``08:00-18:00``, several with commas, ``closed``, or left out for the whole day.
Hours that end before they begin go on over midnight and belong to the day they begin on. Lines
about a date replace those about its weekday. Judged by the clock on the wall, so an hour that
comes twice in autumn is open twice. It must never decide about an emergency call.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from tollbar.policy.finding import PatternError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 1440
_LONGEST_RANGE: Final = 366
_HOURS: Final = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE: Final = "write it as mon-fri 08:00-18:00, or 2026-12-24 closed"


@dataclass(slots=True)
class Hours:
    """The minutes of a day, a bit each: ``own`` on the day itself, ``night`` on the next."""

    own: int = 0
    night: int = 0


_CLOSED: Final = Hours()


class Schedule:
    """The lines of one dial group, compiled."""

    __slots__ = ("_dated", "_weekly", "_zone")

    def __init__(self, lines: Sequence[str], zone: tzinfo) -> None:
        """Raises PatternError."""
        self._zone = zone
        self._weekly = [Hours() for _ in WEEKDAYS]
        self._dated: dict[int, Hours] = {}
        for line in lines:
            days, _, times = line.strip().lower().partition(" ")
            hours = _hours(times.strip())
            for hours_of in self._named(days):
                hours_of.own |= hours.own
                hours_of.night |= hours.night

    def _named(self, days: str) -> list[Hours]:
        """The entries of the days that are named."""
        if _DATE.match(days):
            return [self._dated.setdefault(day, Hours()) for day in _dates(days)]
        return [self._weekly[place] for place in _weekdays(days)]

    def open(self, utc: float) -> bool:
        """Whether it is open at this instant."""
        local = datetime.fromtimestamp(utc, self._zone)
        minute = local.hour * 60 + local.minute
        ordinal = local.toordinal()
        weekday = local.weekday()
        today = self._dated.get(ordinal) or self._weekly[weekday]
        if today.own >> minute & 1:
            return True
        before = self._dated.get(ordinal - 1) or self._weekly[weekday - 1]
        return bool(before.night >> minute & 1)


def _weekdays(text: str) -> list[int]:
    found: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            raise PatternError(f"{text!r} names no days; {_EXAMPLE}")
        start = WEEKDAYS.index(first)
        count = (WEEKDAYS.index(last) - start) % 7 if dash else 0
        found += [(start + n) % 7 for n in range(count + 1)]
    return found


def _dates(text: str) -> range:
    first, dots, last = text.partition("..")
    start = _date(first)
    end = _date(last) if dots else start
    if not start <= end < start + _LONGEST_RANGE:
        raise PatternError(f"{text!r} is no range of dates; at most a year, the earlier first")
    return range(start, end + 1)


def _date(text: str) -> int:
    if not _DATE.fullmatch(text):
        raise PatternError(f"{text!r} is no date; {_EXAMPLE}")
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise PatternError(f"{text!r} is not in the calendar") from None


def _hours(text: str) -> Hours:
    if text == "closed":
        return _CLOSED
    found = Hours()
    for piece in (text or "00:00-24:00").split(","):
        match = _HOURS.fullmatch(piece.strip())
        if match is None:
            raise PatternError(f"{text!r} are no hours; {_EXAMPLE}")
        numbers = [int(number) for number in match.groups()]
        start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
        if max(numbers[1], numbers[3]) > 59 or start >= _DAY or end > _DAY or start == end:
            raise PatternError(f"{piece.strip()!r} are no hours of a day; 00:00-24:00 is all of it")
        if start < end:
            found.own |= _between(start, end)
        else:
            found.own |= _between(start, _DAY)
            found.night |= _between(0, end)
    return found


def _between(start: int, end: int) -> int:
    return (1 << end) - (1 << start)

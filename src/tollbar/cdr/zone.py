"""What a time zone's clocks show, as arithmetic on UTC milliseconds: for databases, which know
no time zones, and for ``Filters`` in memory, which must agree with them.
"""

from datetime import date, datetime, tzinfo
from typing import Final

DAY: Final = 86_400_000
_STEP: Final = DAY // 4
_SECOND: Final = 1000
_EPOCH: Final = date(1970, 1, 1).toordinal()

Offset = tuple[int, int]
"""Up to which moment (excluded), and what is to be added to UTC until then."""


def offset(ms: int, zone: tzinfo) -> int:
    """What local clocks are ahead of UTC at a moment."""
    ahead = datetime.fromtimestamp(ms // _SECOND, zone).utcoffset()
    return round(ahead.total_seconds() * _SECOND) if ahead is not None else 0


def offsets(zone: tzinfo, first: int, last: int) -> list[Offset]:
    """The offsets from ``first`` to ``last``, in order; the last one holds on."""
    found: list[Offset] = []
    at, ahead = first, offset(first, zone)
    while at < last:
        after = min(at + _STEP, last)
        then = offset(after, zone)
        if then != ahead:
            change = _change(zone, at, after, ahead)
            found.append((change, ahead))
            after, ahead = change, offset(change, zone)
        at = after
    return [*found, (last, ahead)]


def day(number: int) -> str:
    """The day that is so many days after 1970-01-01, as YYYY-MM-DD."""
    return date.fromordinal(_EPOCH + number).isoformat()


def _change(zone: tzinfo, before: int, after: int, ahead: int) -> int:
    """The first second in (before, after] at which clocks are not ``ahead`` any more."""
    low, high = before // _SECOND, after // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle * _SECOND, zone) == ahead:
            low = middle
        else:
            high = middle
    return high * _SECOND

"""What it takes to make one list of entries another: changes, entry by entry.

Where the order of entries did not change their places stay, and an entry that is put between
two others gets a place between theirs: one row is written, not all that follow.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tollbar.directory.entry import GAP, ORDERED, Entry
from tollbar.policy import finding

# What is referred to comes before what refers to it.
KINDS: Final = (
    finding.CODE,
    finding.CLASSIFICATION,
    finding.LIST,
    finding.ROLE,
    finding.WORKGROUP,
    finding.USER,
    finding.DEFAULT_USER,
    finding.FAR_END,
    finding.DIAL_OBJECT,
)


@dataclass(slots=True)
class Change:
    """One entry added, changed, moved or removed.

    ``before`` and ``after`` are its bodies, None where there is none. ``place`` is the one it
    gets. ``version`` is the version that ``before`` had, 0 where there was no such entry.
    """

    tenant: str
    kind: str
    key: str
    before: str | None
    after: str | None
    place: int
    version: int


Part = dict[str, Entry]


def difference(before: Iterable[Entry], after: Iterable[Entry]) -> list[Change]:
    """The changes from one to the other, by tenant, kind and key or place.

    Of ``after`` the places say no more than the order.
    """
    old, new = _parts(before), _parts(after)
    changes: list[Change] = []
    for tenant in sorted({tenant for tenant, _kind in (*old, *new)}):
        for kind in KINDS:
            was, now = old.get((tenant, kind), {}), new.get((tenant, kind), {})
            places = _places(was, now) if kind in ORDERED else {}
            changes += _changes(was, now, places)
    return changes


def _parts(entries: Iterable[Entry]) -> dict[tuple[str, str], Part]:
    found: dict[tuple[str, str], Part] = {}
    for entry in entries:
        found.setdefault((entry.tenant, entry.kind), {})[entry.key] = entry
    return found


def _changes(was: Part, now: Part, places: dict[str, int]) -> list[Change]:
    found: list[Change] = []
    for key, old in was.items():
        if key not in now:
            found.append(Change(old.tenant, old.kind, key, old.body, None, old.place, old.version))
    for key, new in now.items():
        place = places.get(key, 0)
        before = was.get(key)
        if before is None:
            found.append(Change(new.tenant, new.kind, key, None, new.body, place, 0))
        elif before.body != new.body or (places and before.place != place):
            found.append(
                Change(new.tenant, new.kind, key, before.body, new.body, place, before.version)
            )
    found.sort(key=lambda change: (change.place, change.key))
    return found


def _places(was: Part, now: Part) -> dict[str, int]:
    """The places of the new order, most of them the old ones."""
    rank = {entry.key: number for number, entry in enumerate(sorted(was.values(), key=_order))}
    order = [entry.key for entry in sorted(now.values(), key=_order)]
    staying = _longest_rise([rank.get(key, -1) for key in order])
    fixed = [was[key].place if stays else None for key, stays in zip(order, staying, strict=True)]
    return dict(zip(order, _spread(fixed), strict=True))


def _order(entry: Entry) -> tuple[int, str]:
    return (entry.place, entry.key)


def _longest_rise(ranks: Sequence[int]) -> list[bool]:
    """Which of the numbers make the longest rising row; -1 is in none."""
    tails: list[int] = []
    ends: list[int] = []
    before = [-1] * len(ranks)
    for index, rank in enumerate(ranks):
        if rank < 0:
            continue
        length = bisect_left(tails, rank)
        before[index] = ends[length - 1] if length else -1
        tails[length : length + 1] = [rank]
        ends[length : length + 1] = [index]
    chosen = [False] * len(ranks)
    index = ends[-1] if ends else -1
    while index >= 0:
        chosen[index] = True
        index = before[index]
    return chosen


def _spread(fixed: Sequence[int | None]) -> list[int]:
    """Places for those that have none, between their neighbours'.

    Where there is no room a neighbour gives up its place too, on either side in turn.
    """
    places = list(fixed)
    start = 0
    while start < len(places):
        if places[start] is not None:
            start += 1
            continue
        low, high = start - 1, start
        while high < len(places) and places[high] is None:
            high += 1
        right = True
        while not _room(places, low, high):
            if right and high < len(places):
                high += 1
                while high < len(places) and places[high] is None:
                    high += 1
            elif low >= 0:
                low -= 1
            right = not right
        _fill(places, low, high)
        start = high
    return [place for place in places if place is not None]


def _room(places: Sequence[int | None], low: int, high: int) -> bool:
    """Whether what lies between two places has room there; beyond the ends there is room."""
    below = places[low] if low >= 0 else None
    above = places[high] if high < len(places) else None
    return below is None or above is None or above - below >= high - low


def _fill(places: list[int | None], low: int, high: int) -> None:
    below = places[low] if low >= 0 else None
    above = places[high] if high < len(places) else None
    count = high - low
    for number in range(1, count):
        if below is not None and above is not None:
            place = below + (above - below) * number // count
        elif below is not None:
            place = below + number * GAP
        elif above is not None:
            place = above - (count - number) * GAP
        else:
            place = number * GAP
        places[low + number] = place

"""What it takes to make one list of entries another: changes, entry by entry."""

from dataclasses import dataclass


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

"""The sticky codes of all callers: what a feature code set goes for every later call.

What stands here is on disk. It must never be logged.
"""

from collections.abc import Iterable
from typing import Final

MOST: Final = 100_000  # callers with a sticky code; one more is refused (503)

Holder = tuple[str, str]


class Sticky:
    """``codes`` by tenant and holder; policy reads it."""

    __slots__ = ("codes",)

    def __init__(self) -> None:
        self.codes: dict[Holder, str] = {}

    def has_room(self, holder: Holder, code: str) -> bool:
        return not code or holder in self.codes or len(self.codes) < MOST

    def put(self, holder: Holder, code: str) -> None:
        if code:
            self.codes[holder] = code
        else:
            self.codes.pop(holder, None)

    def restore(self, rows: Iterable[tuple[Holder, str]]) -> None:
        self.codes.update(rows)

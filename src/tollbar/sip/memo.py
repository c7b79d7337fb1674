"""What was made of bytes that come again and again: a peer's address, its Via, its URI.

Most header values repeat call after call, and taking one apart costs far more than finding it
again. A memo is bounded in entries and in the size of each, and holds only values that nobody
changes. It must never keep an error.
"""

from collections.abc import Callable
from typing import Final, TypeVar

MOST: Final = 4096  # entries; one more, and all of them make room
LONGEST: Final = 160  # bytes of a key

T = TypeVar("T")


class Kept(dict[bytes, T]):
    """What was put in with ``keep``, as long as there is room."""

    def keep(self, key: bytes, made: T) -> T:
        if len(key) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[key] = made
        return made


class Memo(Kept[T]):
    """``memo[key]`` is ``make(key)``, made once as long as it is kept."""

    def __init__(self, make: Callable[[bytes], T]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, key: bytes) -> T:
        return self.keep(key, self.make(key))

"""First match over many patterns, all of them read at once.

For each place and character one integer says, a bit per pattern, who accepts that character
there. Reading a number is one ``and`` per character, and the lowest bit left is the first
pattern in order: 10,000 patterns cost little more than ten, whatever they look like.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tollbar.policy import charset
from tollbar.policy.number import LONGEST
from tollbar.policy.pattern import Pattern

_DEEPEST: Final = 64
"""Places beyond this are not tabled; a pattern that long is read by itself."""


class Matcher:
    """The compiled form of an ordered list of patterns."""

    __slots__ = ("_ends", "_goes_on", "_grows", "_verify", "count", "patterns", "tables")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        self.count = len(patterns)
        depth = min(max((len(p.columns) for p in patterns), default=0), _DEEPEST)
        self.tables = [self._column(place) for place in range(depth)]
        self._ends: list[int] = []
        self._grows: list[int] = []
        self._goes_on = 0
        self._measure()
        self._verify = bits(
            self.count,
            (n for n, p in enumerate(patterns) if not p.exact or len(p.columns) > _DEEPEST),
        )

    def _measure(self) -> None:
        by_length: dict[tuple[int, int | None], list[int]] = {}
        for number, pattern in enumerate(self.patterns):
            by_length.setdefault((pattern.shortest, pattern.longest), []).append(number)
        who = {lengths: bits(self.count, found) for lengths, found in by_length.items()}
        for length in range(max((longest or shortest for shortest, longest in who), default=0) + 1):
            ends = grows = 0
            for (shortest, longest), found in who.items():
                if shortest <= length and (longest is None or length <= longest):
                    ends |= found
                if longest is None or length < longest:
                    grows |= found
            self._ends.append(ends)
            self._grows.append(grows)
        for (_, longest), found in who.items():
            if longest is None:
                self._goes_on |= found

    def _column(self, place: int) -> list[int]:
        by_mask: dict[int, list[int]] = {}
        for number, pattern in enumerate(self.patterns):
            mask = pattern.columns[place] if place < len(pattern.columns) else charset.ANY
            by_mask.setdefault(mask, []).append(number)
        everywhere = bits(self.count, by_mask.pop(charset.ANY, ()))
        column = [everywhere] * charset.SIZE
        for mask, found in by_mask.items():
            who = bits(self.count, found)
            for code in charset.members(mask):
                column[code] |= who
        return column

    def first(self, number: str, among: int) -> int:
        """The first pattern of ``among`` (bits) that matches, or -1.

        The reading is ``_read`` written out: this is the one loop every call goes through.
        """
        length = len(number)
        if length > LONGEST:
            return -1
        ends = self._ends
        left = among & (ends[length] if length < len(ends) else self._goes_on)
        codes = number.encode() if number.isascii() else charset.fold(number)
        for table, code in zip(self.tables, codes):  # noqa: B905
            left &= table[code]
        verify = self._verify
        while left:
            low = left & -left
            place = low.bit_length() - 1
            if not low & verify or self._accepts(place, number):
                return place
            left ^= low
        return -1

    def every(self, number: str, among: int) -> Iterator[int]:
        """Every pattern of ``among`` that matches, in order."""
        if len(number) > LONGEST:
            return
        ends = self._ends[len(number)] if len(number) < len(self._ends) else self._goes_on
        left = self._read(number, among & ends)
        while left:
            low = left & -left
            place = low.bit_length() - 1
            if not low & self._verify or self._accepts(place, number):
                yield place
            left ^= low

    def incomplete(self, number: str, among: int) -> bool:
        """Whether a pattern of ``among`` could match with more characters behind."""
        if len(number) > LONGEST:
            return False
        grows = self._grows[len(number)] if len(number) < len(self._grows) else self._goes_on
        left = self._read(number, among & grows)
        while left:
            low = left & -left
            if self.patterns[low.bit_length() - 1].may_grow(number):
                return True
            left ^= low
        return False

    def _accepts(self, place: int, number: str) -> bool:
        pattern = self.patterns[place]
        if len(pattern.columns) > _DEEPEST:
            return pattern.accepts(number)
        return pattern.matches(number)

    def _read(self, number: str, left: int) -> int:
        for table, code in zip(self.tables, charset.fold(number), strict=False):
            left &= table[code]
            if not left:
                break
        return left


class Cover:
    """Which patterns accept everything that another one does, read off a matcher's tables.

    Only patterns that their columns describe wholly are said to cover, so some cover is missed.
    """

    __slots__ = ("_by_length", "_by_set", "_matcher", "_plain")

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._by_set: dict[tuple[int, int], int] = {}
        self._by_length: dict[tuple[int, int | None], int] = {}
        self._plain = bits(
            matcher.count,
            (n for n, p in enumerate(matcher.patterns) if p.exact and len(p.columns) <= _DEEPEST),
        )

    def before(self, place: int) -> list[int]:
        """The patterns before ``place`` that cover the one there."""
        pattern = self._matcher.patterns[place]
        if pattern.regular:
            return []
        before = (1 << place) - 1
        return members(self.over(pattern.columns, pattern.longest, before))

    def over(self, columns: Sequence[int], longest: int | None, among: int) -> int:
        """Those of ``among`` that accept all numbers that begin with these columns."""
        left = among & self._reaching(len(columns), longest)
        for column, chars in enumerate(columns[: len(self._matcher.tables)]):
            if not left:
                break
            left &= self._accepting(column, chars)
        return left

    def _reaching(self, shortest: int, longest: int | None) -> int:
        """Patterns whose lengths include these; kept, because lengths are few."""
        if (shortest, longest) not in self._by_length:
            self._by_length[shortest, longest] = self._plain & bits(
                self._matcher.count,
                (
                    n
                    for n, p in enumerate(self._matcher.patterns)
                    if p.shortest <= shortest and (p.longest is None or p.longest == longest)
                ),
            )
        return self._by_length[shortest, longest]

    def _accepting(self, column: int, chars: int) -> int:
        """Patterns that accept every character of a set in one place."""
        if (column, chars) not in self._by_set:
            who = self._plain
            for code in charset.members(chars):
                who &= self._matcher.tables[column][code]
            self._by_set[column, chars] = who
        return self._by_set[column, chars]


def members(mask: int) -> list[int]:
    """The places of the bits that are set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def bits(count: int, numbers: Iterable[int]) -> int:
    """An integer with these bits set; built through bytes, because a shift each is quadratic."""
    raw = bytearray(count // 8 + 1)
    for number in numbers:
        raw[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(raw, "little")

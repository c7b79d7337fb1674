"""The pattern language (docs/guide.md): input patterns, and output fields that repeat wildcards.

An input pattern is a list of tokens. Most patterns have all their wildcards at fixed places;
those with ``?`` before their end, and regular expressions, need the slower expression.
A pattern never looks at anything but the number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tollbar.policy import charset
from tollbar.policy.finding import PatternError
from tollbar.policy.number import FORMATTING

LITERAL: Final = 0
ONE: Final = 1  # X Y N and sets
LISTED: Final = 2  # $
MANY: Final = 3  # ?
REST: Final = 4  # Z

EXPRESSION: Final = "re:"
LITERALS: Final = "0123456789+^/*#,@:_=&"

_MOST_INSIDE: Final = 3
"""So many ``?`` before the end; with each more a number can take a hundred times as long."""

_SETTABLE: Final = charset.DIGITS | charset.of("*#")


@dataclass(slots=True)
class Token:
    """One place of a pattern: a literal character, or a wildcard and what it may stand for."""

    kind: int
    chars: int
    text: str


_WILDCARDS: Final = {
    "X": Token(ONE, charset.DIGITS, "X"),
    "Y": Token(ONE, charset.NOT_ZERO, "Y"),
    "N": Token(ONE, charset.TWO_UP, "N"),
    "$": Token(LISTED, charset.DIGITS, "$"),
    "?": Token(MANY, charset.DIALLED, "?"),
    "Z": Token(REST, charset.ANY, "Z"),
}
_PLAIN: Final = {
    **_WILDCARDS,
    **{letter.lower(): token for letter, token in _WILDCARDS.items()},
    **{c: Token(LITERAL, charset.of(c), c) for c in LITERALS},
}
"""The characters that mean the same wherever they stand; tokens are shared, never changed."""


def tokens(text: str, *, output: bool = False) -> list[Token]:
    """Split a pattern or an output field; an output keeps its formatting characters."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        c = text[place]
        place += 1
        token = _PLAIN.get(c)
        if token is not None:
            found.append(token)
        elif c == '"':
            end = text.find('"', place)
            if end < 0:
                raise PatternError("a quote is not closed")
            found.extend(_literal(quoted) for quoted in text[place:end])
            place = end + 1
        elif c == "[":
            end = text.find("]", place)
            if end < 0:
                raise PatternError("a set [ is not closed")
            inside = text[place:end]
            found.append(Token(ONE, _set(inside), f"[{inside}]"))
            place = end + 1
        elif c in FORMATTING:
            if output:
                found.append(_literal(c))
        else:
            raise PatternError(f"{c!r} has no meaning here; put text in double quotes")
    return found


def _literal(c: str) -> Token:
    if not c.isprintable() or not c.isascii():
        raise PatternError(f"the character {c!r} cannot stand in a pattern")
    return Token(LITERAL, charset.of(c), c)


def _set(inside: str) -> int:
    mask = 0
    place = 0
    while place < len(inside):
        low = inside[place]
        high = low
        if inside[place + 1 : place + 2] == "-":
            high = inside[place + 2 : place + 3]
            place += 2
        if not high or not low.isascii() or not high.isascii() or high < low:
            raise PatternError(f"the set [{inside}] is not well-formed")
        mask |= charset.of("".join(chr(n) for n in range(ord(low), ord(high) + 1)))
        place += 1
    if not mask or mask & ~_SETTABLE:
        raise PatternError(f"the set [{inside}] may hold digits, * and # only")
    return mask


class Pattern:
    """One compiled input pattern.

    ``shortest`` and ``longest`` bound the numbers it matches (``longest`` None: no bound).
    ``columns`` are the sets for its leading places and ``tail`` the set for every place
    after them; where both say all there is to say, ``exact`` is true. ``spans`` are the
    places of its wildcards, end None being the rest; None where the places are not fixed.
    """

    __slots__ = (
        "columns",
        "exact",
        "expression",
        "listed",
        "longest",
        "shortest",
        "spans",
        "tail",
        "text",
        "tokens",
    )

    def __init__(self, text: str, entries: Iterable[str] | None = None) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.columns: list[int] = []
        self.tail = charset.ANY
        self.shortest = 0
        self.longest: int | None = None
        self.spans: list[tuple[int, int | None]] | None = None
        self.expression: re.Pattern[str] | None = None
        self.listed: tuple[int, int, frozenset[str]] | None = None
        self.exact = False
        if text == EXPRESSION:
            raise PatternError("the pattern is empty")
        if text.startswith(EXPRESSION):
            try:
                self.expression = re.compile(text[len(EXPRESSION) :])
            except re.error as error:
                raise PatternError(f"not a regular expression: {error}") from None
            return
        self.tokens = tokens(text)
        if not self.tokens:
            raise PatternError("the pattern is empty")
        self._measure()
        self._list(entries)

    @property
    def regular(self) -> bool:
        """Whether this is a regular expression, about which nothing can be proved."""
        return not self.tokens

    def _measure(self) -> None:
        kinds = [token.kind for token in self.tokens]
        if REST in kinds[:-1]:
            raise PatternError("Z must be the last character of a pattern")
        self.shortest = sum(kind < MANY for kind in kinds)
        open_ended = kinds[-1] >= MANY
        self.longest = None if MANY in kinds or open_ended else len(kinds)
        fixed = kinds[:-1] if open_ended else kinds
        if fixed.count(MANY) > _MOST_INSIDE:
            raise PatternError(f"at most {_MOST_INSIDE} ? may stand before the end of a pattern")
        if MANY in fixed:
            self.columns = [token.chars for token in self.tokens[: kinds.index(MANY)]]
            self.expression = re.compile("".join(map(_expression, self.tokens)), re.DOTALL)
            return
        self.columns = [token.chars for token in self.tokens[: len(fixed)]]
        self.spans = [(n, n + 1) for n, kind in enumerate(fixed) if kind != LITERAL]
        if open_ended:
            self.tail = self.tokens[-1].chars
            self.spans.append((len(fixed), None))
        self.exact = self.tail == charset.ANY or self.longest is not None

    def _list(self, entries: Iterable[str] | None) -> None:
        places = [n for n, token in enumerate(self.tokens) if token.kind == LISTED]
        if not places:
            return
        if entries is None:
            raise PatternError("$ needs a number list")
        start, stop = places[0], places[-1] + 1
        if len(places) != stop - start:
            raise PatternError("the $ of a pattern must stand side by side")
        if any(token.kind == MANY for token in self.tokens[:start]):
            raise PatternError("$ cannot follow ?")
        fitting = frozenset(entry for entry in entries if len(entry) == stop - start)
        if not fitting:
            raise PatternError(f"the number list has no entry of {stop - start} digits")
        self.listed = (start, stop, fitting)
        for place in range(start, stop):
            chars = charset.of("".join(entry[place - start] for entry in fitting))
            self.columns[place] = chars
        self.exact = False

    def matches(self, number: str) -> bool:
        """Whether the number matches, for one that passed ``columns`` and the lengths."""
        if self.exact:
            return True
        if self.listed is not None:
            start, stop, entries = self.listed
            if number[start:stop] not in entries:
                return False
        if self.expression is not None:
            return self.expression.fullmatch(number) is not None
        return self.longest is not None or _within(number[len(self.columns) :], self.tail)

    def accepts(self, number: str) -> bool:
        """Whether the number matches, asked of this pattern alone."""
        codes = charset.fold(number)
        if len(codes) < self.shortest or (self.longest is not None and len(codes) > self.longest):
            return False
        for mask, code in zip(self.columns, codes, strict=False):
            if not mask >> code & 1:
                return False
        return self.matches(number)

    def may_grow(self, number: str) -> bool:
        """Whether more characters could make the number match, columns having passed."""
        if self.regular:
            return False
        if self.listed is not None:
            start, stop, entries = self.listed
            given = number[start:stop]
            if len(given) < stop - start:
                return any(entry.startswith(given) for entry in entries)
            if given not in entries:
                return False
        if self.exact or self.longest is not None:
            return True
        return any(state < len(self.tokens) for state in _states(self.tokens, number))


def _within(text: str, mask: int) -> bool:
    return mask == charset.ANY or all(mask >> code & 1 for code in charset.fold(text))


def _expression(token: Token) -> str:
    if token.kind == LITERAL:
        return re.escape(token.text)
    if token.kind == REST:
        return "(.*)"
    inside = "".join(re.escape(chr(code)) for code in charset.members(token.chars))
    return f"([{inside}]*)" if token.kind == MANY else f"([{inside}])"


def _states(pattern: Sequence[Token], number: str) -> set[int]:
    """The places of a pattern that can be reached by reading the number."""
    states = _skip(pattern, {0})
    for code in charset.fold(number):
        reached = set()
        for state in states:
            if state < len(pattern) and pattern[state].chars >> code & 1:
                reached.add(state if pattern[state].kind >= MANY else state + 1)
        states = _skip(pattern, reached)
    return states


def _skip(pattern: Sequence[Token], states: set[int]) -> set[int]:
    found = set(states)
    for state in states:
        while state < len(pattern) and pattern[state].kind >= MANY:
            state += 1
            found.add(state)
    return found

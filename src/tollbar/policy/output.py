"""Output fields: standardized number, dial strings, display string, rewritten callers.

An output repeats its pattern's wildcards, all of them and in order. It is compiled into the
cheapest way to build the text: as dialled, slices between literals, or groups of an expression.
"""

import re
from typing import Final

from tollbar.policy.finding import PatternError
from tollbar.policy.number import FORMATTING
from tollbar.policy.pattern import LITERAL, MANY, Pattern, Token, tokens

_AS_DIALLED: Final = 0
_SLICES: Final = 1
_GROUPS: Final = 2

_REFERENCE: Final = re.compile(r"\\([0-9])")

Part = str | tuple[int, int | None]


class Output:
    """One compiled output field. ``tokens`` is None where it is as dialled or by reference."""

    __slots__ = ("_how", "_parts", "_pattern", "_slices", "_suffix", "tokens")

    def __init__(self, pattern: Pattern, text: str, *, formatted: bool = False) -> None:
        self._pattern = pattern
        self._how = _AS_DIALLED
        self._slices: list[tuple[str, int, int | None]] = []
        self._suffix = ""
        self._parts: list[Part] = []
        self.tokens: list[Token] | None = None
        if not text:
            return
        if pattern.regular:
            self._refer(text)
            return
        self.tokens = [
            token
            for token in tokens(text, output=True)
            if formatted or token.kind != LITERAL or token.text not in FORMATTING
        ]
        if not self.tokens:
            raise PatternError("is formatting and nothing else")
        self._compare()
        self._compile()

    def _refer(self, text: str) -> None:
        expression = self._pattern.expression
        assert expression is not None
        for number in _REFERENCE.findall(text):
            if int(number) > expression.groups:
                raise PatternError(f"\\{number} refers to no group of the expression")
        rest = _REFERENCE.sub("", text)
        if not rest.isprintable():
            raise PatternError("an output holds a control character")
        if "\\" in rest:
            raise PatternError("a \\ stands before the number of a group and nowhere else")
        self._how = _GROUPS
        for place, piece in enumerate(_REFERENCE.split(text)):
            self._parts.append((int(piece), None) if place % 2 else piece)

    def _compare(self) -> None:
        assert self.tokens is not None
        wanted = [token for token in self._pattern.tokens if token.kind != LITERAL]
        given = [token for token in self.tokens if token.kind != LITERAL]
        if len(wanted) != len(given):
            raise PatternError(
                f"has {len(given)} wildcards where the pattern has {len(wanted)} "
                "(quote letters that are text)"
            )
        for place, (want, give) in enumerate(zip(wanted, given, strict=True), 1):
            if want.kind != give.kind or want.chars != give.chars:
                raise PatternError(
                    f"has {give.text} as wildcard {place} where the pattern has {want.text}"
                )

    def _compile(self) -> None:
        assert self.tokens is not None
        spans = self._pattern.spans
        if spans is None:
            self._how = _GROUPS
            count = 0
            for token in self.tokens:
                count += token.kind != LITERAL
                self._add(token.text if token.kind == LITERAL else (count, None))
            return
        rest = iter(spans)
        for token in self.tokens:
            self._add(token.text if token.kind == LITERAL else next(rest))
        self._how = _SLICES
        before = ""
        for part in self._parts:
            if isinstance(part, str):
                before = part
            else:
                self._slices.append((before, *part))
                before = ""
        self._suffix = before

    def _add(self, part: Part) -> None:
        """Append a part, joining it to the one before where both are one piece."""
        last = self._parts[-1] if self._parts else None
        if isinstance(part, str) and isinstance(last, str):
            self._parts[-1] = last + part
        elif (
            self._how != _GROUPS
            and not isinstance(part, str)
            and last is not None
            and not isinstance(last, str)
            and last[1] == part[0]
        ):
            self._parts[-1] = (last[0], part[1])
        else:
            self._parts.append(part)

    @property
    def fixed(self) -> str:
        """What a regular expression's output is for every number, or ""."""
        texts = [part for part in self._parts if isinstance(part, str)]
        return "".join(texts) if len(texts) == len(self._parts) else ""

    @property
    def hollow(self) -> bool:
        """Whether some number gives nothing at all."""
        if self.tokens is not None:
            return all(token.kind >= MANY for token in self.tokens)
        return self._how == _GROUPS and not any(isinstance(p, str) and p for p in self._parts)

    def render(self, number: str) -> str:
        """The text for a number that the pattern matched."""
        how = self._how
        if how == _AS_DIALLED:
            return number
        if how == _SLICES:
            text = ""
            for before, start, stop in self._slices:
                text += before + number[start:stop]
            return text + self._suffix
        expression = self._pattern.expression
        found = expression.fullmatch(number) if expression is not None else None
        if found is None:
            return number
        return "".join([p if isinstance(p, str) else found.group(p[0]) or "" for p in self._parts])

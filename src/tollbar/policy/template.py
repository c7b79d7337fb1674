"""Digit templates: an account code dialled with the number.

A template is text with ``CODE`` and ``NUMBER`` in it: ``*61*CODE#NUMBER``, ``CODE**NUMBER``,
``NUMBER**CODE``. One that begins with text of its own owns every number that begins so, and
its code may be anything, to be refused as malformed; one that begins with CODE or NUMBER
owns only what begins with digits. The code must never stay in the number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from tollbar.policy import charset
from tollbar.policy.finding import TEMPLATE, Finding, PatternError

DEEPEST: Final = 8
"""So many templates may stand one behind the other; it bounds the work a caller can ask for."""

_FIELDS: Final = re.compile("(CODE|NUMBER)")
_TEXT: Final = frozenset("0123456789*#+,")


@dataclass(slots=True)
class Step:
    """One step of a reading of dialled digits: a set of characters, once or any number of times."""

    chars: int
    repeats: bool


class Template:
    """One compiled template; ``literals`` is its text without CODE and NUMBER."""

    __slots__ = ("_expression", "head", "literals", "steps", "text")

    def __init__(self, text: str) -> None:
        """Raises PatternError."""
        self.text = text
        pieces = _FIELDS.split(text)
        if sorted(pieces[1::2]) != ["CODE", "NUMBER"]:
            raise PatternError("needs CODE and NUMBER, each once")
        self.head, first, between, second, end = pieces
        if not between:
            raise PatternError("needs text between CODE and NUMBER")
        self.literals = self.head + between + end
        if not set(self.literals) <= _TEXT:
            raise PatternError("may hold digits, * # + and comma beside CODE and NUMBER")
        if self.head:
            leading = charset.ANY & ~charset.of(between[0])
        elif between[0].isdigit() or (between[0] == "+" and first == "NUMBER"):
            raise PatternError("cannot tell where its first field ends")
        else:
            leading = charset.DIGITS
        plus = "" if self.head or first == "CODE" else "[+]?"
        inside = f"[^{re.escape(between[0])}]*" if self.head else "[0-9]*"
        self._expression = re.compile(
            f"{re.escape(self.head)}(?P<{first}>{plus}{inside}){re.escape(between)}"
            f"(?P<{second}>.*){re.escape(end)}",
            re.DOTALL,
        )
        self.steps = [
            *literal(self.head),
            *([Step(charset.of("+"), repeats=True)] if plus else []),
            Step(leading, repeats=True),
            *literal(between),
            Step(charset.ANY, repeats=True),
            *literal(end),
        ]

    def split(self, dialled: str) -> tuple[str, str] | None:
        """Number and code, or None where the template does not match."""
        found = self._expression.fullmatch(dialled)
        return None if found is None else (found["NUMBER"], found["CODE"])


def literal(text: str) -> list[Step]:
    """The reading of a text as it stands."""
    return [Step(charset.of(c), repeats=False) for c in text]


class Templates:
    """The ordered list of templates that are on.

    ``owned`` are the beginnings no object of a dial plan is reached with; ``signed`` says that
    digits alone make none of the templates, nor the beginning of one's code.
    """

    __slots__ = ("_heads", "_marked", "owned", "signed", "templates")

    def __init__(self, templates: Sequence[Template]) -> None:
        self.templates = templates
        self._heads = tuple(t.head for t in templates if t.head)
        # What begins with more than digits is never a number of the dial plan.
        self.owned = tuple(head for head in self._heads if not head.isdigit())
        self.signed = not any(t.head.isdigit() or t.literals.isdigit() for t in templates)
        # Most numbers hold no character that any template needs; one look tells them.
        self._marked = [(_mark(template), template) for template in templates]

    def split(self, dialled: str) -> tuple[str, str, str] | None:
        """Number, code and the template's text, or None where no template matches."""
        for mark, template in self._marked:
            if mark in dialled:
                found = template.split(dialled)
                if found is not None:
                    return found[0], found[1], template.text
        return None

    def begun(self, dialled: str) -> str:
        """The beginning of a template that was dialled, or "": what follows may be a code.

        Where the dial plan has an entry for what was dialled, only one of ``owned`` says that a
        template was meant.
        """
        return next((head for head in self._heads if dialled.startswith(head)), "")

    def inside(self, dialled: str) -> int:
        """Where a template begins behind a prefix, or -1."""
        places = (dialled.find(head) for head in self.owned)
        return min((place for place in places if place >= 0), default=-1)

    def begins(self, dialled: str) -> bool:
        """Whether more digits could make it the beginning of a template."""
        return any(head.startswith(dialled) for head in self._heads)


def _mark(template: Template) -> str:
    """A literal run without which the template cannot match."""
    return max(_FIELDS.split(template.text)[::2], key=len)


def compile_templates(texts: Sequence[str]) -> tuple[list[Template], list[Finding]]:
    """Compile templates; findings name those not well-formed and pairs that are ambiguous."""
    found: list[Finding] = []
    good: list[tuple[int, Template]] = []
    for index, text in enumerate(texts):
        try:
            good.append((index, Template(text)))
        except PatternError as error:
            found.append(Finding(TEMPLATE, text, f"template {text}: {error}", index))
    for (_, one), (index, other) in combinations(good, 2):
        example = both_match(one.steps, other.steps)
        if example is not None:
            found.append(
                Finding(
                    TEMPLATE,
                    other.text,
                    f"template {other.text}: {one.text} can match the same digits, "
                    f"for example {example}",
                    index,
                )
            )
    return [template for _, template in good], found


def both_match(one: Sequence[Step], other: Sequence[Step]) -> str | None:
    """A string that both readings accept, found over pairs of places; None if there is none."""
    waiting: list[tuple[int, int, str]] = [(0, 0, "")]
    seen = {(0, 0)}
    while waiting:
        a, b, text = waiting.pop(0)
        if a == len(one) and b == len(other):
            return text
        moves: list[tuple[int, int, str]] = []
        if a < len(one) and one[a].repeats:
            moves.append((a + 1, b, text))
        if b < len(other) and other[b].repeats:
            moves.append((a, b + 1, text))
        if a < len(one) and b < len(other):
            both = one[a].chars & other[b].chars
            if both:
                moves.append(
                    (
                        a if one[a].repeats else a + 1,
                        b if other[b].repeats else b + 1,
                        text + charset.pick(both),
                    )
                )
        for move in moves:
            if move[:2] not in seen:
                seen.add(move[:2])
                waiting.append(move)
    return None

"""The obvious way to match patterns: one expression each, tried one after the other.

Slow, and written from docs/guide.md alone: nothing of it comes from ``policy``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LETTERS = {"X": "[0-9]", "Y": "[1-9]", "N": "[2-9]", "?": "[0-9#*,]*", "Z": ".*"}
OPEN_ENDED = ("[0-9#*,]*", ".*")


def spelled(pattern: str, entries: Sequence[str] = ()) -> list[list[str]]:
    """A pattern as expressions for one character after the other, once for each list entry."""
    alike: list[list[str]] = [[]]
    for piece in re.findall(r'"[^"]*"|\[[^]]*\]|\$+|.', pattern):
        if piece.startswith('"'):
            more = [[re.escape(c) for c in piece[1:-1]]]
        elif piece.startswith("$"):
            more = [list(entry) for entry in entries if len(entry) == len(piece)]
        elif piece.startswith("["):
            more = [[piece]]
        elif piece in " -().":
            more = [[]]
        else:
            more = [[LETTERS.get(piece.upper(), re.escape(piece))]]
        alike = [[*before, *after] for before in alike for after in more]
    return alike


def expressions(pattern: str, entries: Sequence[str] = ()) -> list[str]:
    if pattern.startswith("re:"):
        return [pattern[3:]]
    return ["".join(parts) for parts in spelled(pattern, entries)]


def matches(pattern: str, number: str, entries: Sequence[str] = ()) -> bool:
    return any(
        re.compile(expression, re.DOTALL).fullmatch(number)
        for expression in expressions(pattern, entries)
    )


def first(patterns: Sequence[str], number: str, entries: Sequence[str] = ()) -> int:
    for place, pattern in enumerate(patterns):
        if matches(pattern, number, entries):
            return place
    return -1


def incomplete(patterns: Sequence[str], number: str, entries: Sequence[str] = ()) -> bool:
    """Whether a beginning of a pattern matches and something of it can still follow."""
    for pattern in patterns:
        if pattern.startswith("re:"):
            continue
        for parts in spelled(pattern, entries):
            for length in range(len(parts) + 1):
                more = length < len(parts) or (parts and parts[-1] in OPEN_ENDED)
                if more and re.compile("".join(parts[:length]), re.DOTALL).fullmatch(number):
                    return True
    return False


@dataclass
class Object:
    """What of a dial-plan object decides whether it is the one."""

    pattern: str
    emergency: bool = False
    locations: tuple[str, ...] = ()


def met(one: Object, location: str) -> bool:
    return not one.locations or location in one.locations


def every(plan: Sequence[Object], number: str, location: str, entries: Sequence[str]) -> list[int]:
    """All that match, emergency first; an emergency object wherever it is."""
    order = sorted(range(len(plan)), key=lambda n: not plan[n].emergency)
    return [
        n
        for n in order
        if (plan[n].emergency or met(plan[n], location))
        and matches(plan[n].pattern, number, entries)
    ]


def deciding(plan: Sequence[Object], number: str, location: str, entries: Sequence[str]) -> int:
    """The one that decides: among emergency objects one of the caller's place is preferred."""
    found = every(plan, number, location, entries)
    urgent = [n for n in found if plan[n].emergency]
    here = [n for n in urgent if met(plan[n], location)]
    return next(iter(here or urgent or found), -1)

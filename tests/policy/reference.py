"""The obvious way to match patterns: one expression each, tried one after the other."""

import re
from collections.abc import Sequence
from itertools import product

LETTERS = {"X": "[0-9]", "Y": "[1-9]", "N": "[2-9]", "?": "[0-9#*,]*", "Z": ".*"}


def expression(pattern: str, entries: Sequence[str] = ()) -> re.Pattern[str]:
    found = ""
    for piece in re.findall(r"\[[^]]*\]|\$+|.", pattern):
        if piece.startswith("["):
            found += piece
        elif piece.startswith("$"):
            fitting = [entry for entry in entries if len(entry) == len(piece)]
            found += "(?:" + "|".join(fitting) + ")"
        else:
            found += LETTERS.get(piece.upper(), re.escape(piece))
    return re.compile(found, re.DOTALL)


def first(patterns: Sequence[str], number: str, entries: Sequence[str] = ()) -> int:
    for place, pattern in enumerate(patterns):
        if expression(pattern, entries).fullmatch(number):
            return place
    return -1


def incomplete(
    patterns: Sequence[str], number: str, alphabet: str, most: int, entries: Sequence[str] = ()
) -> bool:
    compiled = [expression(pattern, entries) for pattern in patterns]
    return any(
        one.fullmatch(number + "".join(more))
        for length in range(1, most + 1)
        for more in product(alphabet, repeat=length)
        for one in compiled
    )

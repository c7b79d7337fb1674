"""The obvious way to match patterns: one expression each, tried one after the other."""

import re
from collections.abc import Sequence

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


def incomplete(patterns: Sequence[str], number: str, entries: Sequence[str] = ()) -> bool:
    """Whether a beginning of a pattern matches and something of it can still follow."""
    for pattern in patterns:
        for spelled in unlisted(pattern, entries):
            pieces = re.findall(r"\[[^]]*\]|.", spelled)
            for length in range(len(pieces) + 1):
                more = length < len(pieces) or pieces[-1] in "?Z"
                if more and expression("".join(pieces[:length])).fullmatch(number):
                    return True
    return False


def unlisted(pattern: str, entries: Sequence[str]) -> list[str]:
    """The pattern with each entry written out."""
    run = "$" * pattern.count("$")
    if not run:
        return [pattern]
    return [pattern.replace(run, entry) for entry in entries if len(entry) == len(run)]

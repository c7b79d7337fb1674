"""KEY=VALUE as it is typed, put into an entry in the words of directory.yaml.

``access+=0815`` adds to a list, ``access-=0815`` takes away, ``name=`` removes the value.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tollbar.directory.editing import path_of, put
from tollbar.directory.wording import Words
from tollbar.document import Wrong

LISTS: Final = frozenset(
    (
        *("extensions", "numbers", "workgroups", "roles", "access", "classifications"),
        *("modify_queue", "administer", "dial_groups"),
    )
)
"""What holds several values; they are typed with commas between, or as JSON."""

_ASSIGNMENT: Final = re.compile(r"([a-z_]+(?:\.[^=]+?)?)(\+=|-=|=)(.*)", re.DOTALL)


@dataclass(slots=True)
class Assignment:
    """``sign`` is one of ``=``, ``+=`` and ``-=``."""

    name: str
    sign: str
    text: str


def assignment(text: str) -> Assignment | None:
    """None where it is none."""
    found = _ASSIGNMENT.fullmatch(text)
    return Assignment(*found.groups()) if found else None


def assign(kind: str, words: Words, assignments: Iterable[Assignment]) -> None:
    """Change a wording; raises ``Wrong``. Whether it then reads well is to be found out."""
    for given in assignments:
        path = path_of(kind, given.name)
        if given.sign == "=":
            text = given.text
            put(words, path, (listed(text) if path[-1] in LISTS else text) if text else None)
            continue
        if path[-1] not in LISTS:
            raise Wrong(f"{given.name} is no list", f"write {given.name}=VALUE")
        held: Any = words
        for step in path:
            held = held.get(step, []) if isinstance(held, dict) else []
        values = [held] if isinstance(held, str) else list(held)
        for value in listed(given.text):
            if given.sign == "+=" and value not in values:
                values.append(value)
            elif given.sign == "-=" and value in values:
                values.remove(value)
            elif given.sign == "-=":
                raise Wrong(f'{given.name} has no "{value}"')
        # Who states no classification may dial all of them: an empty list says none.
        put(words, path, values if values or path == ("classifications",) else None)


def listed(text: str) -> list[Any]:
    """The values of a list as it is typed: ``4711, 0815``, or JSON in brackets."""
    if not text.startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong("starts with [ and is not JSON", "commas between names") from None
    return list(found)

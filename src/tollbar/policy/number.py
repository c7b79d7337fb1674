"""A dialled number as policy compares it: without scheme, formatting or parameters.

It must never turn a number into something dialled by nobody: what it drops carries no digit.
"""

from typing import Final
from urllib.parse import unquote

FORMATTING: Final = " -()."
LONGEST: Final = 128
"""Numbers beyond this match nothing; it bounds the work a caller can ask for."""

SOS: Final = "urn:service:sos"

_DROP: Final = {ord(c): None for c in FORMATTING}
_SCHEMES: Final = ("sip:", "sips:", "tel:")


def normalise(dialled: str) -> str:
    """The number in ``dialled``: a number as received, or a ``sip:``, ``sips:`` or ``tel:`` URI.

    A name with letters keeps its dots and dashes, because there they are not formatting.
    """
    if dialled.isdigit():
        return dialled
    number = dialled.strip()
    head, colon, rest = number.partition(":")
    if colon:
        scheme = head.lower() + ":"
        if scheme in _SCHEMES:
            number = unquote(rest.partition("@")[0])
        elif scheme == "urn:":
            return number.lower()
    if "%" in number:
        number = number.replace("%23", "#")
    if ";" in number:
        number = number.partition(";")[0]
    bare = number.translate(_DROP)
    for c in bare:
        if c.isalpha():
            return number
    return bare


def destination(standardized: str) -> str:
    """A standardized number without its extension: ``^`` and ``/`` are stored, not dialled."""
    if "^" in standardized or "/" in standardized:
        for place, c in enumerate(standardized):
            if place and c in "^/":
                return standardized[:place]
    return standardized

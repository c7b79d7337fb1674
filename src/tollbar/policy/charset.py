"""Sets of characters as bit sets, so that patterns can be intersected and subtracted.

Bit ``n`` is the ASCII character ``n``; bit 127 stands for every character beyond ASCII.
"""

from functools import cache
from typing import Final

SIZE: Final = 128
OTHER: Final = 127
ANY: Final = (1 << SIZE) - 1


def of(characters: str) -> int:
    """The set of the characters given, all of them ASCII."""
    mask = 0
    for c in characters:
        mask |= 1 << ord(c)
    return mask


DIGITS: Final = of("0123456789")
NOT_ZERO: Final = of("123456789")
TWO_UP: Final = of("23456789")
DIALLED: Final = of("0123456789#*,")


def members(mask: int) -> list[int]:
    """The codes in a set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


@cache
def pick(mask: int) -> str:
    """One member, a digit if there is one: for the sample numbers that findings show."""
    mask = (mask & DIGITS) or (mask & ~(1 << OTHER)) or mask
    code = (mask & -mask).bit_length() - 1
    return "\N{REPLACEMENT CHARACTER}" if code == OTHER else chr(code)


def fold(number: str) -> bytes:
    """A number as one code per character; beyond ASCII all are alike."""
    if number.isascii():
        return number.encode("ascii")
    return bytes(ord(c) if ord(c) < OTHER else OTHER for c in number)

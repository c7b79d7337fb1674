"""The explicit account code of an attempt, gathered from every place it can come from.

Several places may say the same; where they differ it is a conflict. Headers and
parameters count from trusted peers only; dialled digits are the caller's own.
"""

from collections.abc import Sequence
from typing import Final

from tollbar.policy.refusal import CONFLICT

DIGITS: Final = "digits"

Source = tuple[str, str]


def gather(codes: Sequence[Source], dialled: Sequence[str]) -> tuple[str, str, str]:
    """Source, code, and ``conflict`` or ""; empty values are none, white space is dropped.

    ``dialled`` are the codes that digit templates found.
    """
    source = code = ""
    for place, value in codes:
        value = value.strip()
        if not value:
            continue
        if not source:
            source, code = place, value
        elif value != code:
            return source, code, CONFLICT
    for value in dialled:
        if not value:
            continue
        if not source:
            source, code = DIGITS, value
        elif value != code:
            return source, code, CONFLICT
    return source, code, ""

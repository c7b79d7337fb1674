"""Account codes: what they are (SPEC A2, A4) and whether one counts today (SPEC C2).

A code is a string: ``001``, ``01`` and ``1`` are three codes, and nothing here may ever turn
one into a number. Days of validity are calendar days in the configured time zone, turned
into instants once, when the codes are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Code:
    """One account code. Both days are included; None leaves that side open."""

    code: str
    description: str = ""
    active: bool = True
    valid_from: date | None = None
    valid_until: date | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

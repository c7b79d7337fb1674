"""The dial plan: an ordered list of objects of which the first that matches decides (SPEC D1).

Emergency objects come before all others whatever their place or location (SPEC C3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EMERGENCY: Final = "emergency"
INTERCOM: Final = "intercom"
BLOCKED: Final = "blocked"
CATEGORIES: Final = (
    "local",
    "long_distance",
    "international",
    "toll_free",
    EMERGENCY,
    "information",
    INTERCOM,
    "premium",
    BLOCKED,
)


@dataclass(slots=True)
class GroupUse:
    """One line of an object's dial groups: used where location and classification fit.

    ``location`` is one name, several with commas, or "" for all. ``classification`` "" is
    the object's; ``dial_string`` "" is the object's default.
    """

    group: str
    location: str = ""
    classification: str = ""
    dial_string: str = ""


@dataclass(slots=True)
class DialObject:
    """One dial-plan object.

    ``pattern`` is an input pattern of SPEC D2, or ``re:`` and a regular expression. Output
    fields ("" is the number as dialled) repeat the pattern's wildcards in order; those of a
    regular expression write ``\\1`` to ``\\9`` for its groups. ``list_name`` names the number
    list that ``$`` reads. ``location`` as in ``GroupUse``.
    """

    pattern: str
    classification: str
    list_name: str = ""
    location: str = ""
    standardized: str = ""
    dial_string: str = ""
    display: str = ""
    description: str = ""
    verification: bool = False
    groups: Sequence[GroupUse] = ()
    allow_bypass: str = ""
    shadow: bool = False

    @property
    def key(self) -> str:
        """The object's identity in words: pattern, list and location filter."""
        text = self.pattern
        if self.list_name:
            text += f" list {self.list_name}"
        if self.location:
            text += f" at {self.location}"
        return text

"""The dial plan: an ordered list of objects of which the first that matches decides.

Emergency objects come before all others whatever their place or location: among
them one that meets the caller's location is preferred, but none is ever left out for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tollbar.policy import charset
from tollbar.policy.hunting import Group
from tollbar.policy.matcher import Matcher, bits
from tollbar.policy.number import SOS, destination
from tollbar.policy.output import Output
from tollbar.policy.pattern import MANY, Pattern

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


_EVERYWHERE: Final[frozenset[str]] = frozenset()


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

    ``pattern`` is an input pattern (docs/guide.md), or ``re:`` and a regular expression. Output
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


def locations(filtering: str) -> frozenset[str]:
    """The places a location filter names; empty for all."""
    if not filtering:
        return _EVERYWHERE
    return frozenset(name for name in map(str.strip, filtering.split(",")) if name)


@dataclass(slots=True)
class Use:
    """A compiled ``GroupUse``. ``internal`` says that its group holds no trunk."""

    group: Group
    locations: frozenset[str]
    classification: str
    dial_string: Output
    internal: bool


@dataclass(slots=True)
class Entry:
    """A compiled dial-plan object. ``index`` is its place in the plan as it was written;
    ``hollow`` says that a number may leave nothing to dial."""

    source: DialObject
    index: int
    key: str
    pattern: Pattern
    standardized: Output
    display: Output
    dial_string: Output
    category: str
    classification: str
    locations: frozenset[str]
    verification: bool
    emergency: bool
    blocked: bool
    uses: Sequence[Use]
    allow_bypass: bool
    shadow: bool
    hollow: bool = False

    def dials(self, number: str) -> bool:
        """Whether something of the number is left to dial."""
        return all(use.dial_string.render(number) for use in self.uses)


class DialPlan:
    """A compiled dial plan. ``entries`` are in matching order, emergency first."""

    __slots__ = ("_anywhere", "_by_location", "_emergency", "entries", "matcher")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = sorted(entries, key=lambda entry: (not entry.emergency, entry.index))
        count = len(self.entries)
        self.matcher = Matcher([entry.pattern for entry in self.entries])
        self._emergency = bits(count, (n for n, e in enumerate(self.entries) if e.emergency))
        anywhere = bits(count, (n for n, e in enumerate(self.entries) if not e.locations))
        # Whose filter a place meets, and these with all emergency entries.
        self._anywhere = (anywhere, anywhere | self._emergency)
        found: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            for name in entry.locations:
                found.setdefault(name, []).append(place)
        self._by_location: dict[str, tuple[int, int]] = {}
        for name, places in found.items():
            meeting = anywhere | bits(count, places)
            self._by_location[name] = (meeting, meeting | self._emergency)

    @property
    def locations(self) -> list[str]:
        """Every place a filter names."""
        return sorted(self._by_location)

    def match(self, number: str, location: str) -> Entry | None:
        """The entry that decides about a number."""
        meeting, among = self._by_location.get(location, self._anywhere)
        place = self.matcher.first(number, among)
        if place < 0:
            return None
        entry = self.entries[place]
        if entry.emergency and not meeting >> place & 1:
            fitting = self.matcher.first(number, meeting & self._emergency)
            if fitting >= 0:
                return self.entries[fitting]
        return entry

    def every(self, number: str, location: str) -> list[Entry]:
        """Every entry that matches, in order: what people expect a simulator to list."""
        _, among = self._by_location.get(location, self._anywhere)
        return [self.entries[place] for place in self.matcher.every(number, among)]

    def incomplete(self, number: str, location: str) -> bool:
        """Whether more digits could still match."""
        _, among = self._by_location.get(location, self._anywhere)
        return self.matcher.incomplete(number, among)

    def sos(self, urn: str, location: str) -> tuple[Entry, str] | None:
        """The entry for ``urn:service:sos`` or one of its kinds, and the number it stands for
        there; None for what is no such urn."""
        if not urn.startswith(SOS) or urn[len(SOS) : len(SOS) + 1] not in ("", "."):
            return None
        emergency = [e for e in self.entries if e.emergency and plainest(e)]
        if not emergency:
            return None
        entry = min(
            emergency,
            key=lambda e: (
                bool(e.locations) and location not in e.locations,
                e.pattern.regular,
                e.pattern.spans != [],
                e.index,
            ),
        )
        return entry, plainest(entry)

    @property
    def asks(self) -> bool:
        """Whether any entry asks for a code."""
        return any(entry.verification for entry in self.entries)


def plainest(entry: Entry) -> str:
    """The plainest number an entry is met with; of a regular expression what is always sent,
    or "" where that depends on the number."""
    if entry.pattern.regular:
        return entry.dial_string.fixed or destination(entry.standardized.fixed)
    return sample(entry.pattern)


def sample(pattern: Pattern) -> str:
    """The plainest number a pattern matches."""
    if pattern.listed is not None:
        start, stop, entries = pattern.listed
        first = min(entries)
    else:
        start, stop, first = 0, 0, ""
    return "".join(
        first[place - start] if start <= place < stop else charset.pick(token.chars)
        for place, token in enumerate(pattern.tokens)
        if token.kind < MANY
    )

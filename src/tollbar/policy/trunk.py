"""Peers and dial groups as they are configured, and tables of numbers that go with them.

It holds rules only: which trunk is down is told by the situation, never counted here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tollbar.policy.matcher import Matcher
from tollbar.policy.output import Output
from tollbar.policy.pattern import Pattern

PBX: Final = "pbx"
TRUNK: Final = "trunk"
SEQUENTIAL: Final = "sequential"
ROUND_ROBIN: Final = "round_robin"
WEIGHTED: Final = "weighted"
HUNTS: Final = (SEQUENTIAL, ROUND_ROBIN, WEIGHTED)


@dataclass(slots=True)
class PeerRules:
    """The policy part of a configured peer.

    ``rewrite`` turns caller numbers from this peer into the directory's spelling: (pattern,
    output) in the language of ``pattern``, first match. ``incoming`` and ``incoming_numbers``
    (called pattern to PBX, first match) say where a trunk's calls go; ``transit`` lets them
    leave on a trunk.
    """

    name: str
    role: str
    tenant: str = "default"
    location: str = ""
    trust_identity: bool = False
    trust_code: bool = False
    reveal_reason: bool = False
    rewrite: Sequence[tuple[str, str]] = ()
    incoming: str = ""
    incoming_numbers: Mapping[str, str] = field(default_factory=dict)
    transit: bool = False
    trust_workgroup: bool = False


@dataclass(slots=True)
class DialGroup:
    """An ordered set of peers; ``hunt`` is the rule by which they are tried.

    ``weights`` counts for WEIGHTED, 1 where a member has none. ``schedule`` says when the group
    is open (``policy.schedule``); none: always.
    """

    name: str
    members: Sequence[str]
    hunt: str = SEQUENTIAL
    weights: Mapping[str, int] = field(default_factory=dict)
    schedule: Sequence[str] = ()


class Rewrite:
    """Numbers from one spelling into another: the first pattern that matches gives its output."""

    __slots__ = ("_everything", "_matcher", "_outputs")

    def __init__(self, rules: Iterable[tuple[str, str]]) -> None:
        """Raises PatternError."""
        patterns = []
        self._outputs = []
        for text, output in rules:
            pattern = Pattern(text)
            patterns.append(pattern)
            self._outputs.append(Output(pattern, output))
        self._matcher = Matcher(patterns)
        self._everything = (1 << len(patterns)) - 1

    def apply(self, number: str) -> str:
        """The number rewritten, or as it is where nothing matches."""
        if not self._outputs:
            return number
        place = self._matcher.first(number, self._everything)
        return number if place < 0 else self._outputs[place].render(number)


class Called:
    """A trunk's table of called numbers: which PBX gets which."""

    __slots__ = ("_everything", "_matcher", "_targets")

    def __init__(self, table: Mapping[str, str]) -> None:
        """Raises PatternError."""
        self._targets = list(table.values())
        self._matcher = Matcher([Pattern(text) for text in table])
        self._everything = (1 << len(self._targets)) - 1

    def find(self, number: str) -> str:
        """The PBX for a called number, or ""."""
        place = self._matcher.first(number, self._everything)
        return "" if place < 0 else self._targets[place]

"""Peers as policy sees them, dial groups, and the order in which trunks are tried (SPEC D5, D8).

It holds rules only: which trunk is down is told by the situation, never counted here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PBX: Final = "pbx"
TRUNK: Final = "trunk"


@dataclass(slots=True)
class PeerRules:
    """The policy part of a configured peer.

    ``rewrite`` turns caller numbers from this peer into the directory's spelling: (pattern,
    output) in the language of SPEC D2, first match. ``incoming`` and ``incoming_numbers``
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


@dataclass(slots=True)
class DialGroup:
    """An ordered set of peers; ``hunt`` is the rule by which they are tried."""

    name: str
    members: Sequence[str]
    hunt: str = "sequential"

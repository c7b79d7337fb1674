"""What policy sees of a call, and what it answers: attempt, situation, decision.

Plain data without SIP in it: the room ``b2bua`` fills an attempt from an INVITE and carries
a decision out; the command ``tollbar simulate`` fills one from its options.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FORWARD: Final = "forward"
REJECT: Final = "reject"

OUT: Final = "out"
IN: Final = "in"
INTERNAL: Final = "internal"


@dataclass(slots=True)
class Attempt:
    """One call someone wants to place.

    ``peer`` is the configured name of the peer it came from. ``dialled`` is the number as
    dialled, percent-decoded, without URI parameters; for a ``urn:`` the whole urn.
    ``asserted`` holds the user parts of P-Asserted-Identity, ``from_user`` that of From,
    ``diverters`` those of Diversion (topmost first), else of History-Info.
    ``codes`` holds every explicit account code as (source, value as received), sources being
    ``header``, ``uri_parameter`` and ``from_parameter``, repeats included.
    """

    peer: str
    dialled: str
    asserted: Sequence[str] = ()
    from_user: str = ""
    diverters: Sequence[str] = ()
    codes: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class Situation:
    """What the moment adds to an attempt; the engine owns it.

    ``utc`` is seconds since the epoch. ``live`` counts calls in progress by peer name;
    ``down`` names trunks that are out of service; ``draw`` is one random number in [0, 1).
    """

    utc: float
    live: Mapping[str, int] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    draw: float = 0.0


@dataclass(slots=True)
class Route:
    """One try to make: the peer it goes to and the dial string to send there."""

    peer: str
    dial_string: str
    dial_group: str = ""


@dataclass(slots=True)
class Decision:
    """What is to happen with an attempt, and everything a record or an explanation says of it.

    ``action`` is FORWARD or REJECT. A rejection has ``status`` (SIP), ``reason`` (a word of
    ``refusal``, for records and logs) and ``text`` (what the caller may read).
    ``routes`` are the tries in order. ``matrix_row`` is 1-12, or 0 where the matrix did not
    judge (emergency, incoming, an earlier refusal, account codes off).
    ``account_code`` is the accepted code or ""; ``code_check`` is "valid", "none" or the
    reason against it. ``steps`` is the explanation in order, (what was looked at, what was found).
    ``q850`` is the cause that goes with a refusal. ``location`` is the caller's, for the
    dial plan and for who answers an emergency call. With ``shadow`` the call is forwarded
    although ``reason`` would have refused it.
    """

    action: str
    tenant: str = "default"
    direction: str = OUT
    user: str = ""
    extension: str = ""
    caller: str = ""
    dialled: str = ""
    standardized: str = ""
    display: str = ""
    dial_object: str = ""
    classification: str = ""
    emergency: bool = False
    dial_group: str = ""
    routes: Sequence[Route] = ()
    account_code: str = ""
    account_code_description: str = ""
    code_source: str = ""
    code_check: str = "none"
    verification: bool = False
    matrix_row: int = 0
    in_report: bool = False
    status: int = 0
    q850: int = 0
    reason: str = ""
    text: str = ""
    location: str = ""
    shadow: bool = False
    steps: Sequence[tuple[str, str]] = ()

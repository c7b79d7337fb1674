"""What policy sees of a call, and what it answers: attempt, situation, decision.

Plain data without SIP in it: the room ``b2bua`` fills an attempt from an INVITE and carries
a decision out; the command ``tollbar simulate`` fills one from its options.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tollbar.policy.guess import Guess

FORWARD: Final = "forward"
REJECT: Final = "reject"
ANSWER: Final = "answer"
"""Neither placed nor refused: a feature code, done and confirmed to the caller by us."""

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
    ``header``, ``uri_parameter`` and ``from_parameter``, repeats included. ``workgroups`` holds
    every value under which a workgroup was named, as received.
    """

    peer: str
    dialled: str
    asserted: Sequence[str] = ()
    from_user: str = ""
    diverters: Sequence[str] = ()
    codes: Sequence[tuple[str, str]] = ()
    workgroups: Sequence[str] = ()


@dataclass(slots=True)
class Situation:
    """What the moment adds to an attempt; the engine owns it.

    ``utc`` is seconds since the epoch. ``live`` counts calls in progress by peer name;
    ``down`` names trunks that are out of service; ``draw`` is one random number in [0, 1).
    ``cursor`` counts by dial group the calls that were hunted through it. ``sticky`` holds the
    callers' sticky codes and ``guesses`` what is held against those who guess codes, both by
    ``Decision.holder``.
    """

    utc: float
    live: Mapping[str, int] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    draw: float = 0.0
    cursor: Mapping[str, int] = field(default_factory=dict)
    sticky: Mapping[tuple[str, str], str] = field(default_factory=dict)
    guesses: Mapping[tuple[str, str], Guess] = field(default_factory=dict)


@dataclass(slots=True)
class Route:
    """One try to make: the peer it goes to and the dial string to send there."""

    peer: str
    dial_string: str
    dial_group: str = ""


@dataclass(slots=True)
class Decision:
    """What is to happen with an attempt, and everything a record or an explanation says of it.

    ``action`` is FORWARD, REJECT or ANSWER. A rejection has ``status`` (SIP), ``reason`` (a word of
    ``refusal``, for records and logs) and ``text`` (what the caller may read).
    ``routes`` are the tries in order. ``matrix_row`` is 1-12, or 0 where the matrix did not
    judge (emergency, incoming, an earlier refusal, account codes off).
    ``account_code`` is the accepted code or ""; ``code_check`` is "valid", "none" or the
    reason against it. ``steps`` is the explanation in order, (what was looked at, what was found).
    ``q850`` is the cause that goes with a refusal. ``location`` is the caller's, for the
    dial plan and for who answers an emergency call. With ``shadow`` the call is forwarded
    although ``reason`` would have refused it. ``holder`` is (tenant, user or caller's number):
    whose sticky code and whose guesses these are. ``sticky`` is the sticky code that an ANSWER
    sets, "" that it clears it. ``workgroup`` is the one on whose behalf the call is made.
    ``guessed`` says that a code was looked at and not accepted, which is held against ``holder``
    and the peer (``guess``). ``hunted`` names the dial groups among the routes' that take turns:
    the engine moves the cursor of one when the first try through it is made. ``callback`` is
    the number at which whoever makes an emergency call is called back.
    """

    action: str
    tenant: str = "default"
    direction: str = OUT
    user: str = ""
    extension: str = ""
    caller: str = ""
    dialled: str = ""
    location: str = ""
    holder: tuple[str, str] = ("", "")
    steps: list[tuple[str, str]] = field(default_factory=list)
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
    shadow: bool = False
    sticky: str = ""
    workgroup: str = ""
    guessed: bool = False
    hunted: Sequence[str] = ()
    callback: str = ""

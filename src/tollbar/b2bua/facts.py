"""What happened, in the past tense: the one stream that records, metrics and logs fold.

Every fact carries its ``number`` (ascending, without gaps), the ``call`` it is about (the
record id), ``now`` (monotonic seconds) and ``utc`` (seconds since the epoch). ``kept`` is
opaque to everyone but this room: what a restart needs to carry the call on.
A fact with ``durable`` set must be on disk before the step that waits for it goes on;
the others ride along.
"""

from typing import Final

from tollbar.policy.attempt import Attempt, Decision

CALL: Final = "call"
CHAT: Final = "chat"


class Fact:
    """One thing that happened to one call."""

    __slots__ = ("call", "kept", "now", "number", "utc")
    durable = True

    def __init__(self, number: int, call: str, now: float, utc: float, kept: bytes = b"") -> None:
        self.number = number
        self.call = call
        self.now = now
        self.utc = utc
        self.kept = kept


class Attempted(Fact):
    """A call or the first MESSAGE of a chat came in, was decided, and will be forwarded,
    answered or refused next.

    ``peer`` is where it came from. ``a_call_id`` is the Call-ID on the caller's side. ``kind``
    is CALL or CHAT.
    """

    __slots__ = ("a_call_id", "attempt", "decision", "kind", "peer")
    attempt: Attempt
    decision: Decision
    peer: str
    a_call_id: str
    kind: str


class TurnedAway(Attempted):
    """An attempt was refused at once, its record not waited for: by overload, drain or a
    guessing lock. The whole of it: no Ended follows."""

    __slots__ = ()
    durable = False


class Tried(Fact):
    """One INVITE is about to go to one trunk or PBX; emitted with or after Attempted."""

    __slots__ = ("b_call_id", "tries", "trunk")
    b_call_id: str
    trunk: str
    tries: int


class Rang(Fact):
    """The far end alerts (the first 180 to 189 that is not 100)."""

    __slots__ = ()
    durable = False


class Answered(Fact):
    """The far end answered with 2xx; the billable clock starts."""

    __slots__ = ()


class AnsweredLate(Fact):
    """The far end answered when nobody wanted that any more; ``kept`` names the dialog, which
    is ACKed and ended. The record knows nothing of it."""

    __slots__ = ()


class Assigned(Fact):
    """A code was given to a call or chat in progress, changed or taken away ("").

    ``by`` is who did it, ``source`` how. With ``refused`` (why) it was only tried, and
    nothing changed.
    """

    __slots__ = ("by", "code", "description", "refused", "source")
    code: str
    description: str
    source: str
    by: str
    refused: str


class Remembered(Fact):
    """A sticky code was set, or cleared (""), for ``holder`` (tenant, who)."""

    __slots__ = ("code", "holder")
    holder: tuple[str, str]
    code: str


class Written(Fact):
    """One more MESSAGE of an open chat; ``kept`` says when."""

    __slots__ = ()
    durable = False


class Moved(Fact):
    """A side of an answered call is reached at another address from now on."""

    __slots__ = ()


class Ended(Fact):
    """The attempt is over: refused, failed, cancelled or hung up. Exactly one per call.

    ``outcome`` is a word of ``causes`` (answered, busy, no_answer, cancelled, failed, refused,
    interrupted); ``reason`` a word behind it, or "". ``status`` is the SIP status the caller
    got (0 where there was none to give); ``q850`` the cause (0 unknown); ``ended_by`` is
    "caller", "callee", "gateway" or "operator". ``alive`` is 0, or the UTC second the call
    was last known alive where that, not ``utc``, is its end.
    """

    __slots__ = ("alive", "ended_by", "outcome", "q850", "reason", "status")
    outcome: str
    reason: str
    status: int
    q850: int
    ended_by: str
    alive: float


class Closed(Fact):
    """Both sides know that the call is over: what was kept for it can go."""

    __slots__ = ()
    durable = False


class Noticed(Fact):
    """Something for log and metric without a record; ``call`` may be "".

    ``kind`` is a bounded word (for example "unknown_source", "malformed", "emergency",
    "overflow"), ``peer`` the peer's name or "", ``detail`` free text without codes in it.
    ``holder`` is whom it is held against (tenant, who), where it is about a guess, ``by`` the
    operator who did it.
    """

    __slots__ = ("by", "detail", "holder", "kind", "peer")
    durable = False
    kind: str
    peer: str
    detail: str
    holder: tuple[str, str]
    by: str

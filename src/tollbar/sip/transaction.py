"""The four transactions (RFC 3261 17, with the Accepted state of RFC 6026), as tables.

A table maps (state, event) to (next state, step). Every other cell is listed in ``IGNORED``
with the reason it does nothing, so the tables are total and can be drawn. A transaction
sends through its stack, tells its user, and never looks inside a dialog or a call.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from tollbar.sip.flow import Hop, Target
from tollbar.sip.message import TO, Message

if TYPE_CHECKING:
    from tollbar.sip.stack import Stack

# Events.
REQUEST: Final = 0  # the request again, from the network
ACK: Final = 1
PROVISIONAL: Final = 2  # a response: from our user (server side) or from the network (client)
SUCCESS: Final = 3
FAILURE: Final = 4
LOST: Final = 5  # the connection broke or the bytes could not be sent
REPEAT: Final = 6  # timers A, E and G: send again; a server's: who asks repeats slowly by now
GIVE_UP: Final = 7  # timers B, F and H: nobody answers
LINGER: Final = 8  # timers D, I, J, K, L and M: late repeats are over
EVENTS: Final = (
    "request",
    "ack",
    "1xx",
    "2xx",
    "3xx-6xx",
    "lost",
    "repeat",
    "give up",
    "linger",
)

# States.
TRYING: Final = 0  # "Calling" for an INVITE client
PROCEEDING: Final = 1
COMPLETED: Final = 2
CONFIRMED: Final = 3
ACCEPTED: Final = 4
TERMINATED: Final = 5
LINGERING: Final = frozenset((COMPLETED, CONFIRMED, ACCEPTED))
STATES: Final = ("trying", "proceeding", "completed", "confirmed", "accepted", "terminated")

SPENT: Final = Message()  # stands where a request was that has its final response

Step = Callable[[Any, Any, float], None]
Rules = dict[tuple[int, int], tuple[int, Step]]
Ignored = dict[str, tuple[tuple[int, int], ...]]
Table = list[list[tuple[int, Step]]]
Merge = tuple[bytes, bytes, int, bytes]  # Call-ID, From-tag, CSeq: the same by another path


class ServerUser(Protocol):
    """Whoever answers a server transaction."""

    def confirmed(self, now: float, /) -> None:
        """The ACK of our failure came; over a connection that is ``finished`` already."""

    def finished(self, transaction: "Transaction", now: float, /) -> None: ...


class ClientUser(Protocol):
    """Whoever started a client transaction."""

    def response(self, client: Any, message: Message, now: float, /) -> None: ...

    def failed(self, client: Any, status: int, now: float, /) -> None:
        """No final response: 408 after the time-out, 503 when the request cannot be sent."""

    def finished(self, transaction: "Transaction", now: float, /) -> None: ...


def ignore(_transaction: "Transaction", _argument: object, _now: float) -> None:
    """The step of every cell in which an event means nothing."""


def lay_out(rules: Rules) -> list[list[tuple[int, Step]]]:
    """Rules as lists, so that a step is two index operations."""
    return [
        [rules.get((state, event), (state, ignore)) for event in range(len(EVENTS))]
        for state in range(len(STATES))
    ]


class Transaction:
    """State, key and hop; the four kinds below add their table and steps.

    ``data`` is what is sent again: a client's request, a server's last response.
    """

    __slots__ = ("data", "hop", "key", "level", "method", "stack", "state", "table", "user")

    def __init__(
        self, table: Table, state: int, stack: "Stack", key: bytes, method: bytes, hop: Hop
    ) -> None:
        self.table = table
        self.state = state
        self.stack = stack
        self.key = key
        self.method = method
        self.hop: Hop = hop
        self.level = 0
        self.data = b""
        self.user: Any = None

    def feed(self, event: int, argument: Any, now: float) -> None:
        """Take one step of the table."""
        self.state, step = self.table[self.state][event]
        step(self, argument, now)

    def expired(self, event: int, now: float) -> None:
        self.state, step = self.table[self.state][event]
        step(self, None, now)

    def again(self, _argument: object, _now: float) -> None:
        if self.data:
            self.stack.repeat(self.hop, self.data)

    def finish(self, _argument: object, now: float) -> None:
        """Leave the stack and tell the user; nothing of this object waits anywhere after."""
        self.state = TERMINATED
        self.stack.forget(self)
        user, self.user = self.user, None
        if user is not None:
            user.finished(self, now)


class _Server(Transaction):
    """What both server transactions share: the request they answer."""

    __slots__ = ("fallback", "merge", "mirror", "request", "tagged", "to")

    def __init__(
        self,
        table: Table,
        state: int,
        stack: "Stack",
        key: bytes,
        message: Message,
        mirror: bytes,
        hop: Hop,
        fallback: Target | None,
    ) -> None:
        Transaction.__init__(self, table, state, stack, key, message.method, hop)
        self.request = message
        self.fallback = fallback  # where a response goes when the connection is gone (18.2.2)
        self.mirror = mirror  # the header lines every response repeats, To left out
        self.to = message.fields[TO]
        self.tagged = message.to_tag != b""
        self.merge: Merge | None = None

    def spend(self) -> None:
        """The final response is out and is all that is sent again: let the request go."""
        self.stack.held -= len(self.request.data)
        self.request = SPENT
        self.mirror = self.to = b""

    def respond(self, status: int, data: bytes, now: float) -> None:
        """Send a response, already serialised, as this state allows."""
        event = PROVISIONAL if status < 200 else SUCCESS if status < 300 else FAILURE
        self.state, step = self.table[self.state][event]
        step(self, data, now)

    def send(self, data: bytes, _now: float) -> None:
        self.data = data
        self.stack.send(self.hop, data, data[8:11])

    def divert(self, _argument: object, _now: float) -> None:
        """The connection broke: what was said, and what is still to say, goes by a new one."""
        if self.fallback is not None:
            self.hop = self.fallback
            self.fallback = None
            if self.data:
                self.stack.send(self.hop, self.data, self.data[8:11])


class InviteServer(_Server):
    """RFC 3261 17.2.1 and RFC 6026 7.1. A 2xx is repeated by the leg, not here."""

    __slots__ = ()

    def __init__(
        self,
        stack: "Stack",
        key: bytes,
        message: Message,
        mirror: bytes,
        hop: Hop,
        fallback: Target | None,
    ) -> None:
        _Server.__init__(
            self, _INVITE_SERVER, PROCEEDING, stack, key, message, mirror, hop, fallback
        )

    def accept(self, data: bytes, now: float) -> None:
        self.send(data, now)
        self.spend()
        self.stack.linger_long.arm(self, now)

    def complete(self, data: bytes, now: float) -> None:
        self.send(data, now)
        self.spend()
        if not self.hop.reliable:
            self.level = 0
            self.stack.repeats[0].arm(self, now)
        self.stack.give_up.arm(self, now)

    def repeat(self, _argument: object, now: float) -> None:
        self.stack.repeat(self.hop, self.data)
        self.level = min(self.level + 1, len(self.stack.repeats) - 1)
        self.stack.repeats[self.level].arm(self, now)

    def confirm(self, _argument: object, now: float) -> None:
        self.stack.repeats[self.level].cancel(self)
        self.stack.give_up.cancel(self)
        if self.hop.reliable:
            self.finish(None, now)
        else:
            self.stack.linger_short.arm(self, now)
            if self.user is not None:
                self.user.confirmed(now)


class Server(_Server):
    """RFC 3261 17.2.2, with the late 100 of RFC 4320. An answer later than 64*T1 reaches nobody,
    so it waits no longer."""

    __slots__ = ()

    def __init__(
        self,
        stack: "Stack",
        key: bytes,
        message: Message,
        mirror: bytes,
        hop: Hop,
        fallback: Target | None,
    ) -> None:
        _Server.__init__(self, _SERVER, TRYING, stack, key, message, mirror, hop, fallback)

    def trying(self, _argument: object, now: float) -> None:
        self.send(self.stack.response(self, 100), now)

    def complete(self, data: bytes, now: float) -> None:
        self.send(data, now)
        self.spend()
        self.stack.slow.cancel(self)
        self.stack.give_up.cancel(self)
        if self.hop.reliable:
            self.finish(None, now)
        else:
            self.stack.linger_long.arm(self, now)


class _Client(Transaction):
    """What both client transactions share. ``spare`` is a hop to fall back to (18.1.1);
    ``inside``: the request belongs to a dialog, an early one too."""

    __slots__ = ("inside", "spare")

    def __init__(self, table: Table, stack: "Stack", key: bytes, method: bytes, hop: Hop) -> None:
        Transaction.__init__(self, table, TRYING, stack, key, method, hop)
        self.spare: Hop | None = None
        self.inside = False

    def start(self, data: bytes, now: float) -> None:
        """Send the request and arm what repeats it and what gives it up."""
        self.data = data
        if not self.hop.reliable:
            self.stack.repeats[0].arm(self, now)
        self.stack.give_up.arm(self, now)
        self.stack.send(self.hop, data, self.method)

    def tell(self, message: Message, now: float) -> None:
        self.user.response(self, message, now)

    def time_out(self, _argument: object, now: float) -> None:
        self.quiet()
        self.user.failed(self, 408, now)
        self.finish(None, now)

    def lose(self, _argument: object, now: float) -> None:
        """The request could not be sent: by the spare hop if there is one, else it failed."""
        if self.spare is not None:
            self.stack.redirect(self, self.spare)
            self.spare = None
            self.state = TRYING
            self.quiet()
            self.start(self.data, now)
            return
        if self.inside and not self.hop.reliable:
            # Only an answer or silence ends a dialog (12.2.1.2): who is being restarted may know
            # it again before the repeats are over.
            self.state = TRYING
            return
        self.quiet()
        self.user.failed(self, 503, now)
        self.finish(None, now)

    def quiet(self) -> None:
        """Stop repeating and stop waiting to give up."""
        self.stack.repeats[min(self.level, 3)].cancel(self)
        self.stack.give_up.cancel(self)


class InviteClient(_Client):
    """RFC 3261 17.1.1 and RFC 6026 7.2: several 2xx may come, also after a failure (a proxy
    sends them on, 16.7), and all are told."""

    __slots__ = ("ack", "cancelled")

    def __init__(self, stack: "Stack", key: bytes, method: bytes, hop: Hop) -> None:
        _Client.__init__(self, _INVITE_CLIENT, stack, key, method, hop)
        self.ack = b""
        self.cancelled = False

    def quiet(self) -> None:
        self.stack.doubling[self.level].cancel(self)
        self.stack.give_up.cancel(self)

    def wait_for_final(self, now: float) -> None:
        """A CANCEL is out: the final response comes within 64*T1 or never (9.1)."""
        self.stack.give_up.arm(self, now)

    def repeat(self, _argument: object, now: float) -> None:
        self.stack.repeat(self.hop, self.data)
        self.level += 1
        if self.level < len(self.stack.doubling):
            self.stack.doubling[self.level].arm(self, now)
        else:
            self.level = 0

    def start(self, data: bytes, now: float) -> None:
        self.data = data
        self.level = 0
        if not self.hop.reliable:
            self.stack.doubling[0].arm(self, now)
        self.stack.give_up.arm(self, now)
        self.stack.send(self.hop, data, self.method)

    def proceed(self, message: Message, now: float) -> None:
        self.quiet()
        self.user.response(self, message, now)

    def accept(self, message: Message, now: float) -> None:
        self.quiet()
        self.data = b""
        self.stack.linger_long.arm(self, now)
        self.user.response(self, message, now)

    def complete(self, message: Message, now: float) -> None:
        self.quiet()
        self.ack = self.stack.ack_failure(self, message)
        self.stack.send(self.hop, self.ack, b"ACK")
        if self.hop.reliable:
            self.user.response(self, message, now)
            self.finish(None, now)
        else:
            self.stack.linger_long.arm(self, now)
            self.user.response(self, message, now)

    def ack_again(self, _argument: object, _now: float) -> None:
        self.stack.repeat(self.hop, self.ack)


class Client(_Client):
    """RFC 3261 17.1.2."""

    __slots__ = ()

    def __init__(self, stack: "Stack", key: bytes, method: bytes, hop: Hop) -> None:
        _Client.__init__(self, _CLIENT, stack, key, method, hop)

    def repeat(self, _argument: object, now: float) -> None:
        self.stack.repeat(self.hop, self.data)
        self.level = 3 if self.state == PROCEEDING else min(self.level + 1, 3)
        self.stack.repeats[self.level].arm(self, now)

    def complete(self, message: Message, now: float) -> None:
        self.quiet()
        if self.hop.reliable:
            self.user.response(self, message, now)
            self.finish(None, now)
        else:
            self.stack.linger_short.arm(self, now)
            self.user.response(self, message, now)


INVITE_SERVER_RULES: Final[Rules] = {
    (PROCEEDING, REQUEST): (PROCEEDING, Transaction.again),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, _Server.send),
    (PROCEEDING, SUCCESS): (ACCEPTED, InviteServer.accept),
    (PROCEEDING, FAILURE): (COMPLETED, InviteServer.complete),
    (PROCEEDING, LOST): (PROCEEDING, _Server.divert),
    (ACCEPTED, SUCCESS): (ACCEPTED, _Server.send),
    (ACCEPTED, LOST): (ACCEPTED, _Server.divert),
    (ACCEPTED, LINGER): (TERMINATED, Transaction.finish),
    (COMPLETED, REQUEST): (COMPLETED, Transaction.again),
    (COMPLETED, ACK): (CONFIRMED, InviteServer.confirm),
    (COMPLETED, LOST): (COMPLETED, _Server.divert),
    (COMPLETED, REPEAT): (COMPLETED, InviteServer.repeat),
    (COMPLETED, GIVE_UP): (TERMINATED, Transaction.finish),
    (CONFIRMED, LINGER): (TERMINATED, Transaction.finish),
}
INVITE_SERVER_IGNORED: Final[Ignored] = {
    "an ACK for a final response not sent yet": ((PROCEEDING, ACK),),
    "the 2xx is repeated by its leg until its ACK comes (RFC 6026 7.1)": (
        (ACCEPTED, REQUEST),
        (ACCEPTED, ACK),
    ),
    "the final response is out; another cannot follow": (
        (ACCEPTED, PROVISIONAL),
        (ACCEPTED, FAILURE),
        (COMPLETED, PROVISIONAL),
        (COMPLETED, SUCCESS),
        (COMPLETED, FAILURE),
        (CONFIRMED, PROVISIONAL),
        (CONFIRMED, SUCCESS),
        (CONFIRMED, FAILURE),
    ),
    "the ACK came; repeats of anything before it are late": (
        (CONFIRMED, REQUEST),
        (CONFIRMED, ACK),
        (CONFIRMED, LOST),
        (CONFIRMED, REPEAT),
        (CONFIRMED, GIVE_UP),
    ),
    "this timer is not armed in this state": (
        (PROCEEDING, REPEAT),
        (PROCEEDING, GIVE_UP),
        (PROCEEDING, LINGER),
        (ACCEPTED, REPEAT),
        (ACCEPTED, GIVE_UP),
        (COMPLETED, LINGER),
    ),
}
_INVITE_SERVER: Final = lay_out(INVITE_SERVER_RULES)


SERVER_RULES: Final[Rules] = {
    (TRYING, PROVISIONAL): (PROCEEDING, _Server.send),
    (TRYING, SUCCESS): (COMPLETED, Server.complete),
    (TRYING, FAILURE): (COMPLETED, Server.complete),
    (TRYING, LOST): (TRYING, _Server.divert),
    (TRYING, REPEAT): (PROCEEDING, Server.trying),
    (TRYING, GIVE_UP): (TERMINATED, Transaction.finish),
    (PROCEEDING, REQUEST): (PROCEEDING, Transaction.again),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, _Server.send),
    (PROCEEDING, SUCCESS): (COMPLETED, Server.complete),
    (PROCEEDING, FAILURE): (COMPLETED, Server.complete),
    (PROCEEDING, LOST): (PROCEEDING, _Server.divert),
    (PROCEEDING, GIVE_UP): (TERMINATED, Transaction.finish),
    (COMPLETED, REQUEST): (COMPLETED, Transaction.again),
    (COMPLETED, LOST): (COMPLETED, _Server.divert),
    (COMPLETED, LINGER): (TERMINATED, Transaction.finish),
}
SERVER_IGNORED: Final[Ignored] = {
    "nothing has been answered yet": ((TRYING, REQUEST),),
    "no ACK belongs to a request that is not INVITE": (
        (TRYING, ACK),
        (PROCEEDING, ACK),
        (COMPLETED, ACK),
    ),
    "the final response is out; another cannot follow": (
        (COMPLETED, PROVISIONAL),
        (COMPLETED, SUCCESS),
        (COMPLETED, FAILURE),
    ),
    "this timer is not armed in this state": (
        (TRYING, LINGER),
        (PROCEEDING, REPEAT),
        (PROCEEDING, LINGER),
        (COMPLETED, REPEAT),
        (COMPLETED, GIVE_UP),
    ),
}
_SERVER: Final = lay_out(SERVER_RULES)


INVITE_CLIENT_RULES: Final[Rules] = {
    (TRYING, PROVISIONAL): (PROCEEDING, InviteClient.proceed),
    (TRYING, SUCCESS): (ACCEPTED, InviteClient.accept),
    (TRYING, FAILURE): (COMPLETED, InviteClient.complete),
    (TRYING, LOST): (TERMINATED, _Client.lose),
    (TRYING, REPEAT): (TRYING, InviteClient.repeat),
    (TRYING, GIVE_UP): (TERMINATED, _Client.time_out),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, _Client.tell),
    (PROCEEDING, SUCCESS): (ACCEPTED, InviteClient.accept),
    (PROCEEDING, FAILURE): (COMPLETED, InviteClient.complete),
    (PROCEEDING, GIVE_UP): (TERMINATED, _Client.time_out),
    (ACCEPTED, SUCCESS): (ACCEPTED, _Client.tell),
    (ACCEPTED, LINGER): (TERMINATED, Transaction.finish),
    (COMPLETED, SUCCESS): (COMPLETED, _Client.tell),
    (COMPLETED, FAILURE): (COMPLETED, InviteClient.ack_again),
    (COMPLETED, LINGER): (TERMINATED, Transaction.finish),
}
INVITE_CLIENT_IGNORED: Final[Ignored] = {
    "a client gets no requests": tuple(
        (state, event)
        for state in (TRYING, PROCEEDING, COMPLETED, ACCEPTED)
        for event in (REQUEST, ACK)
    ),
    "the answer may still come by another connection": ((PROCEEDING, LOST),),
    "a final response came; what was sent before it is late": (
        (ACCEPTED, PROVISIONAL),
        (ACCEPTED, FAILURE),
        (ACCEPTED, LOST),
        (COMPLETED, PROVISIONAL),
        (COMPLETED, LOST),
    ),
    "this timer is not armed in this state": (
        (TRYING, LINGER),
        (PROCEEDING, REPEAT),
        (PROCEEDING, LINGER),
        (ACCEPTED, REPEAT),
        (ACCEPTED, GIVE_UP),
        (COMPLETED, REPEAT),
        (COMPLETED, GIVE_UP),
    ),
}
_INVITE_CLIENT: Final = lay_out(INVITE_CLIENT_RULES)


CLIENT_RULES: Final[Rules] = {
    (TRYING, PROVISIONAL): (PROCEEDING, _Client.tell),
    (TRYING, SUCCESS): (COMPLETED, Client.complete),
    (TRYING, FAILURE): (COMPLETED, Client.complete),
    (TRYING, LOST): (TERMINATED, _Client.lose),
    (TRYING, REPEAT): (TRYING, Client.repeat),
    (TRYING, GIVE_UP): (TERMINATED, _Client.time_out),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, _Client.tell),
    (PROCEEDING, SUCCESS): (COMPLETED, Client.complete),
    (PROCEEDING, FAILURE): (COMPLETED, Client.complete),
    (PROCEEDING, REPEAT): (PROCEEDING, Client.repeat),
    (PROCEEDING, GIVE_UP): (TERMINATED, _Client.time_out),
    (COMPLETED, LINGER): (TERMINATED, Transaction.finish),
}
CLIENT_IGNORED: Final[Ignored] = {
    "a client gets no requests": tuple(
        (state, event) for state in (TRYING, PROCEEDING, COMPLETED) for event in (REQUEST, ACK)
    ),
    "the answer may still come by another connection": ((PROCEEDING, LOST),),
    "the final response came; its repeats mean nothing": (
        (COMPLETED, PROVISIONAL),
        (COMPLETED, SUCCESS),
        (COMPLETED, FAILURE),
        (COMPLETED, LOST),
    ),
    "this timer is not armed in this state": (
        (TRYING, LINGER),
        (PROCEEDING, LINGER),
        (COMPLETED, REPEAT),
        (COMPLETED, GIVE_UP),
    ),
}
_CLIENT: Final = lay_out(CLIENT_RULES)

MACHINES: Final = {
    "INVITE server": (INVITE_SERVER_RULES, INVITE_SERVER_IGNORED),
    "server": (SERVER_RULES, SERVER_IGNORED),
    "INVITE client": (INVITE_CLIENT_RULES, INVITE_CLIENT_IGNORED),
    "client": (CLIENT_RULES, CLIENT_IGNORED),
}

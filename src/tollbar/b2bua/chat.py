"""A chat: SIP MESSAGEs between two parties with short gaps between them (RFC 3428).

The first one is judged like a call and makes the record; those that follow within the gap
cross in both directions without another verdict. A chat that nobody has answered with a 2xx
is none: it ends with the failure of its first MESSAGE. It must never look into a body, nor
let a code through.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import causes, chat_state
from tollbar.b2bua.facts import CHAT, Answered, Attempted, Closed, Ended, Tried, Written
from tollbar.policy.attempt import REJECT, Attempt, Decision
from tollbar.sip.flow import UDP, Flow
from tollbar.sip.message import Message
from tollbar.sip.stack import MTU_LIMIT
from tollbar.sip.timers import Timer
from tollbar.sip.transaction import TERMINATED, Client, Server, Transaction

if TYPE_CHECKING:
    from tollbar.b2bua.engine import Engine
    from tollbar.b2bua.peer import Peer

GAP: Final = 28  # deadline: nobody has written for so long
KEEP_INTERVAL: Final = 1.0  # seconds between two notes of when a chat was last heard of

Way = tuple[str, str, str]
"""Where a MESSAGE comes from and where it goes: peer, sender's number, number written to."""


class Party:
    """One of the two: how it is written to, and under which Call-ID we write to it."""

    __slots__ = ("call_id", "cseq", "number", "peer", "tag")

    def __init__(self, engine: "Engine", peer: "Peer", number: str) -> None:
        self.peer = peer
        self.number = number
        self.call_id = engine.stack.token() + engine.stack.token()
        self.tag = engine.stack.token()
        self.cseq = 0


class Passing:
    """One MESSAGE on its way; ``first``: the one that began the chat. ``flow`` is where it
    came from."""

    __slots__ = ("chat", "client", "data", "first", "flow", "server")

    def __init__(self, chat: "Chat", server: Server, flow: Flow, first: bool) -> None:
        self.chat = chat
        self.server = server
        self.flow = flow
        self.first = first
        self.data = b""
        self.client: Client | None = None
        server.user = self

    def response(self, _client: Transaction, message: Message, now: float) -> None:
        if message.status >= 200:
            self.chat.heard_back(self, message, now)

    def failed(self, _client: Transaction, status: int, now: float) -> None:
        self.chat.unheard(self, status, now)

    def answer(self, status: int, headers: bytes, body: bytes, reason: bytes) -> bytes:
        """The final response, serialised."""
        stack = self.chat.engine.stack
        return stack.response(self.server, status, headers, body, stack.token(), reason)

    def respond(self, status: int, data: bytes, now: float) -> None:
        if self.server.state != TERMINATED:
            self.server.respond(status, data, now)

    def confirmed(self, now: float) -> None:
        """Nothing but an INVITE is confirmed."""

    def finished(self, transaction: Transaction, now: float) -> None:
        if transaction is self.server and self.first:
            self.chat.settle(now)


class Chat:
    """``id`` is the record id. ``a`` wrote first. ``last`` is when anybody wrote last."""

    __slots__ = (
        "a",
        "answered_at",
        "attempt",
        "b",
        "changes",
        "closed",
        "code",
        "decision",
        "ended",
        "engine",
        "final",
        "first",
        "gap",
        "id",
        "kept_at",
        "last",
        "number",
        "parties",
        "peer",
        "ways",
    )

    def __init__(
        self, engine: "Engine", record_id: str, peer: "Peer", decision: Decision, now: float
    ) -> None:
        self.engine = engine
        self.id = record_id
        self.peer = peer
        self.decision = decision
        self.attempt: Attempt
        self.a: Party
        self.b: Party
        self.ways: dict[Way, bool] = {}  # True: from a to b
        self.parties: tuple[str, ...] = ()
        self.first: Passing | None = None
        self.number = 0  # the fact that has to be on disk before anything leaves
        self.gap: Timer | None = None
        self.last = self.kept_at = now
        self.answered_at = 0.0
        self.ended = self.closed = False
        self.final: tuple[int, bytes] = (0, b"")
        self.code = decision.account_code  # for a trunk that is given it
        self.changes = 0  # of it

    # -- the first MESSAGE

    def refuse(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        """The decision was no: on record, then the answer."""
        passing = self.first = Passing(self, server, flow, first=True)
        decision = self.decision
        self._attempted(message, now)
        headers = causes.refusal_headers(decision, self.engine.host)
        data = passing.answer(decision.status, headers, b"", b"")
        q850 = decision.q850 or causes.q850_of(None, decision.status)
        self.fail(decision.status, data, causes.REFUSED, decision.reason, causes.GATEWAY, q850, now)

    def begin(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        """Put the chat on record, then let its first MESSAGE go."""
        passing = self.first = Passing(self, server, flow, first=True)
        self._attempted(message, now)
        tried = self.engine.happened(Tried, self.id, now, chat_state.keep(self))
        tried.trunk = self.b.peer.name
        tried.b_call_id = self.b.call_id.decode("latin-1")
        tried.tries = 1
        self.number = tried.number
        self._arm(now)
        self._send(passing, message, self.b, now)

    def _attempted(self, message: Message, now: float) -> None:
        fact = self.engine.happened(Attempted, self.id, now)
        fact.attempt = self.attempt
        fact.decision = self.decision
        fact.peer = self.peer.name
        fact.a_call_id = message.call_id.decode("latin-1")
        fact.kind = CHAT

    # -- every MESSAGE

    def carry(
        self, server: Server, message: Message, flow: Flow, forward: bool, now: float
    ) -> None:
        """One more of an open chat."""
        self.last = now
        self._arm(now)
        if self.answered_at and now - self.kept_at >= KEEP_INTERVAL:
            self.kept_at = now
            self.engine.happened(Written, self.id, now, chat_state.keep(self))
        passing = Passing(self, server, flow, first=False)
        self._send(passing, message, self.b if forward else self.a, now)

    def _arm(self, now: float) -> None:
        engine = self.engine
        if self.gap is not None:
            self.gap.cancel(self)
        self.gap = engine.timers.timer(engine.rules.chat_gap, GAP)
        self.gap.arm(self, now)

    def _send(self, passing: Passing, message: Message, to: Party, now: float) -> None:
        engine, stack = self.engine, self.engine.stack
        hop = to.peer.to
        assert hop is not None, "a peer without an address is written to by nobody"
        code = self.code if to is self.b else ""
        to.cseq += 1
        start, rest = engine.relay.message(
            message,
            to.number,
            to.peer,
            stack.listeners[hop.listener],
            (to.call_id, to.tag, to.cseq),
            code,
            self.trusted,
        )
        client, data = stack.prepare(start, rest, hop)
        assert isinstance(client, Client)
        client.user = passing
        if hop.reliable:
            client.spare = hop  # the connection that is there may break under it
        passing.client = client
        passing.data = data
        if client.hop.transport == UDP and len(data) > MTU_LIMIT:
            # RFC 3428 8: not over a transport that knows no congestion.
            self._drop(passing, 513, "too_large", now)
            return
        engine.steps.hold(self.number, self, Chat.leave, passing, now)

    def leave(self, passing: Passing, ok: bool, now: float) -> None:
        """The chat is on disk: this MESSAGE goes."""
        client = passing.client
        assert client is not None
        if not ok:
            self._drop(passing, 503, "disk", now)
        else:
            client.start(passing.data, now)

    @property
    def trusted(self) -> bool:
        """Are both sides, so that asserted identity may cross (RFC 3325)?"""
        return self.a.peer.trust_identity and self.b.peer.trust_identity

    def _drop(self, passing: Passing, status: int, word: str, now: float) -> None:
        """This one does not leave."""
        assert passing.client is not None
        passing.client.user = None
        passing.client.finish(None, now)
        headers = b"Retry-After: 10\r\n" if status == 503 else b""
        data = passing.answer(status, headers, b"", b"")
        if passing.first and not self.ended and not self.answered_at:
            q850 = causes.q850_of(None, status)
            self.fail(status, data, causes.FAILED, word, causes.GATEWAY, q850, now)
        else:
            passing.respond(status, data, now)

    def heard_back(self, passing: Passing, message: Message, now: float) -> None:
        """The final answer to a MESSAGE; it crosses."""
        engine, status = self.engine, message.status
        headers = engine.relay.headers(message, self.trusted)
        if status < 300:
            data = passing.answer(status, headers, message.body, message.reason)
            if not self.answered_at and not self.ended:
                self.answered_at = now
                fact = engine.happened(Answered, self.id, now, chat_state.keep(self))
                self.first = None
                engine.steps.hold(fact.number, self, Chat.pass_on, (passing, status, data), now)
                return
            passing.respond(status, data, now)
            return
        status = causes.status_towards_caller(status)
        if status == 408:
            data = b""  # see `unheard`
        elif status != message.status:
            headers = b"Reason: SIP;cause=%d\r\n" % message.status
            data = passing.answer(status, headers, b"", b"")
        else:
            data = passing.answer(status, headers, message.body, message.reason)
        if passing.first and not self.answered_at and not self.ended:
            cause = causes.q850_of(message, status)
            self.fail(status, data, causes.outcome_of(status), "", causes.CALLEE, cause, now)
        elif data:
            passing.respond(status, data, now)

    def pass_on(self, held: tuple[Passing, int, bytes], _ok: bool, now: float) -> None:
        """It was delivered, whatever the disk says."""
        passing, status, data = held
        passing.respond(status, data, now)

    def unheard(self, passing: Passing, status: int, now: float) -> None:
        """No answer came, or it could not be sent. A 408 would come too late to mean
        anything (RFC 4320 4.2): the sender has given up as well."""
        data = b"" if status == 408 else passing.answer(status, b"", b"", b"")
        if passing.first and not self.answered_at and not self.ended:
            word = "timeout" if status == 408 else "unreachable"
            q850 = causes.q850_of(None, status)
            self.fail(status, data, causes.FAILED, word, causes.GATEWAY, q850, now)
        elif data:
            passing.respond(status, data, now)

    # -- the end

    def fail(
        self,
        status: int,
        data: bytes,
        outcome: str,
        word: str,
        by: str,
        q850: int,
        now: float,
    ) -> None:
        """The first MESSAGE is all there was; its sender hears so once that is on disk."""
        engine = self.engine
        self.final = (status, data)
        number = self.end(outcome, word, by, status if data else 0, q850, now)
        if engine.steps.disk_failed:
            self.say(None, False, now)
        else:
            engine.steps.hold(number, self, Chat.say, None, now)

    def say(self, _argument: object, ok: bool, now: float) -> None:
        first = self.first
        assert first is not None
        status, data = self.final
        if not ok and self.decision.action == REJECT:
            status, data = 503, first.answer(503, b"Retry-After: 10\r\n", b"", b"")
        if data:
            first.respond(status, data, now)
        if first.server.state == TERMINATED:
            self.settle(now)

    def end(
        self,
        outcome: str,
        word: str,
        by: str,
        status: int,
        q850: int,
        now: float,
        alive: float = 0.0,
    ) -> int:
        """The one ending of a chat; returns the number of its fact."""
        assert not self.ended, "a chat ends once"
        self.ended = True
        self.engine.chats.forget(self)
        if self.gap is not None:
            self.gap.cancel(self)
        kept = b"" if self.answered_at else chat_state.keep(self)
        fact = self.engine.happened(Ended, self.id, now, kept)
        fact.outcome = outcome
        fact.reason = word
        fact.status = status
        fact.q850 = q850
        fact.ended_by = by
        fact.alive = alive
        return fact.number

    def finish(self, word: str, by: str, now: float) -> None:
        """It was one, and is over: its end is when somebody wrote last."""
        last = self.last + self.engine.utc_offset
        self.end(causes.ANSWERED, word, by, 200, 16, now, last)
        self.settle(now)

    def settle(self, now: float) -> None:
        """Nobody will ask for the answer to its first MESSAGE any more."""
        if self.ended and not self.closed:
            self.closed = True
            self.first = None
            self.engine.happened(Closed, self.id, now)

    def expired(self, _event: int, now: float) -> None:
        if self.answered_at:
            self.finish("gap", causes.GATEWAY, now)
        else:
            # Its first MESSAGE is under way still, and will be answered or given up.
            self._arm(now)

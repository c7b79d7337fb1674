"""One call: two legs, one decision, one ending.

The call turns what its legs say into facts and into words for the other leg. What must be on
disk first waits in the engine (docs/decisions/0007-disk-first.md): a step is a method taking
(argument, ok, now), run when its fact is durable, or with ``ok`` false when the disk failed.
"""

from typing import TYPE_CHECKING, Any, Final

from tollbar.b2bua import acks, causes, early, feature, late, recovery
from tollbar.b2bua.crossing import Crossing
from tollbar.b2bua.facts import CALL, Answered, AnsweredLate, Attempted, Closed, Ended, Moved, Tried
from tollbar.b2bua.leg import Answer, Callee, Caller, Leg, Silent
from tollbar.b2bua.probe import probe
from tollbar.policy.attempt import ANSWER, REJECT, Attempt, Decision
from tollbar.sip.dialog import Dialog
from tollbar.sip.flow import Flow
from tollbar.sip.message import Message
from tollbar.sip.timers import Timer
from tollbar.sip.transaction import (
    COMPLETED,
    LINGERING,
    SPENT,
    InviteClient,
    InviteServer,
    Server,
    Transaction,
)

if TYPE_CHECKING:
    from tollbar.b2bua.engine import Engine
    from tollbar.b2bua.peer import Peer

LONGEST: Final = 23  # deadline: the call has lasted max_call seconds
SILENCE: Final = 24  # deadline: nobody has said anything for 15 minutes
OVER: Final = Decision(action=REJECT)  # stands in calls that are over
NOBODY: Final = Attempt(peer="", dialled="")
SILENCE_INTERVAL: Final = 900.0  # seconds


class Call:
    """``id`` is the record id; ``live`` is everything of it that still waits for something."""

    __deletable__ = ("a",)  # for the compiled build
    __slots__ = (
        "a",
        "alive",
        "answered_at",
        "attempt",
        "b",
        "changes",
        "closed",
        "crossings",
        "decision",
        "end_number",
        "ended",
        "engine",
        "final",
        "id",
        "live",
        "longest",
        "peer",
        "prack_first",
        "rang",
        "setup",
        "tries",
        "trusted",
    )

    def __init__(self, engine: "Engine", record_id: str, peer: "Peer", now: float) -> None:
        self.engine = engine
        self.id = record_id
        self.peer = peer
        self.setup = now
        self.alive = 0.0  # UTC of the last sign of life after a restart
        self.a: Caller
        self.b: Callee | None = None
        self.attempt: Attempt
        self.decision: Decision
        self.live: set[object] = set()
        self.longest: Timer | None = None  # a reload may change it for later calls
        self.crossings: set[Crossing] = set()
        self.rang = False
        self.prack_first = False  # the 2xx waits for the PRACK of an 18x with SDP
        self.answered_at = 0.0
        self.ended = False
        self.end_number = 0
        self.final: tuple[int, bytes] = (0, b"")
        self.tries = 0
        self.changes = 0  # of its code
        self.trusted = False  # both sides, so that asserted identity may cross (RFC 3325)
        self.closed = False  # nothing is kept of it any more

    # -- set-up

    def begin(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        """The decision is made: put the attempt on record, then forward or refuse."""
        self.a = Caller(self, server, message, flow, self.peer)
        server.user = self.a
        self.live.add(server)
        decision = self.decision
        if decision.action == REJECT:
            self._attempted(now)
            headers = causes.refusal_headers(decision, self.engine.host)
            # While the disk fails all callers hear the same, and it is what their records say.
            status = 503 if self.engine.steps.disk_failed else decision.status
            self.refuse(
                status,
                headers,
                b"",
                causes.REFUSED,
                decision.reason,
                causes.GATEWAY,
                now,
                q850=decision.q850,
            )
            return
        if decision.action == ANSWER:
            self.engine.steps.hold(self._attempted(now), self, feature.take, None, now)
            return
        self._prepare(message)
        fact = self._attempted(now)
        self.engine.steps.hold(fact, self, Call.forward, None, now)

    def _attempted(self, now: float) -> int:
        engine = self.engine
        fact = engine.happened(Attempted, self.id, now)
        fact.attempt = self.attempt
        fact.decision = self.decision
        fact.peer = self.peer.name
        fact.a_call_id = self.a.invite.call_id.decode("latin-1")
        fact.kind = CALL
        if self.decision.action == ANSWER:
            fact.kept = recovery.keep(self)
        if self.b is None:
            return fact.number
        tried = engine.happened(Tried, self.id, now, recovery.keep(self))
        tried.trunk = self.b.peer.name
        tried.b_call_id = self.b.call_id.decode("latin-1")
        tried.tries = self.tries
        return tried.number

    def _prepare(self, message: Message) -> None:
        """Write the INVITE of the next try; it leaves when the attempt is on disk."""
        engine = self.engine
        route = self.decision.routes[0]
        if self.decision.hunted:
            engine.gate.turn(self.decision, route)
        peer = engine.peers.by_name[route.peer]
        assert peer.to is not None, f"dial plan routes to {peer.name}, which has no address"
        call_id = engine.stack.token() + engine.stack.token()
        tag = engine.stack.token()
        callee = Callee(self, peer, peer.to, call_id, tag)
        listener = engine.stack.listeners[peer.to.listener]
        start, rest, callee.local = engine.relay.invite(
            message,
            self.decision,
            route,
            peer,
            listener,
            call_id,
            tag,
            self.trusted,
        )
        client, callee.data = engine.stack.prepare(start, rest, peer.to)
        assert isinstance(client, InviteClient)
        client.user = callee
        if peer.to.reliable:
            # The connection that is there may break under it: the trunk has been restarted.
            client.spare = peer.to
        callee.client = client
        self.b = callee
        self.tries += 1

    def forward(self, _argument: object, ok: bool, now: float) -> None:
        """The attempt is on disk: B's INVITE leaves, unless the caller has gone meanwhile."""
        assert self.b is not None
        assert self.b.client is not None
        if self.ended or not ok:
            self.b.unwanted = True
            self.b.client.finish(None, now)
            if not self.ended:
                self.fail(503, "disk", now)
            return
        # Not before: a caller without 100 asks again, should this process die first.
        self.engine.stack.trying(self.a.server, now)
        self.b.start(now)

    def progressed(self, fork: Dialog, message: Message, rack: bytes, now: float) -> None:
        """The callee's 18x, on one of its early dialogs."""
        early.progressed(self, fork, message, rack, now)

    # -- answer

    def answered(self, fork: Dialog, message: Message, now: float) -> None:
        """The first 2xx: the call is up once that is on disk."""
        caller, callee = self.a, self.b
        assert callee is not None
        mate = caller.mate_of(fork)
        caller.dialog = mate
        mate.confirmed = True
        brings_offer = bool(message.body) and not caller.invite.body and not fork.settled
        early.conclude(mate, message)
        answer = Answer(self, mate, caller.server, caller.cseq, caller.response(mate, message))
        if brings_offer:
            fork.offered = True
            answer.far = fork
            answer.far_cseq = 1
        mate.offered = False
        self.answered_at = now
        self.limit(now)
        engine = self.engine
        engine.silence.arm(self, now)
        fact = engine.happened(Answered, self.id, now, recovery.keep(self))
        engine.steps.hold(fact.number, self, Call.connect, None, now)

    def answered_late(self, fork: Dialog, now: float) -> None:
        """Another 2xx, or one that nobody waits for any more: ended once that is on disk."""
        if self.closed:
            # Nothing is kept of the call any more.
            late.end(self, fork, False, now)
            return
        self.live.add(fork)
        fact = self.engine.happened(AnsweredLate, self.id, now, recovery.keep(self))
        if self.decision.emergency:
            # Its steps do not wait, so this may not be on disk yet.
            late.end(self, fork, False, now)
        else:
            self.engine.steps.hold(fact.number, self, late.end, fork, now)

    def connect(self, _argument: object, ok: bool, now: float) -> None:
        """The answer is on disk: the callee gets its ACK, if that does not wait for the
        caller's, and the caller its 200, after the PRACKs that come first."""
        caller, callee = self.a, self.b
        answer = caller.answer
        fork = callee.dialog if callee is not None and (ok or self.ended) else None
        if fork is not None and fork.ack_cseq < 0 and (answer is None or answer.far is not fork):
            # Not before: a callee without its ACK asks again, should this process die first.
            acks.send(self, fork, 1)
        if answer is None or not caller.answerable:
            return
        if not ok:
            if self.ended:
                self._forget_answer(answer, 503, now)
            else:
                self.fail(503, "disk", now)
            return
        mate = answer.dialog
        self.prack_first = mate.reliable is not None and mate.reliable.owes_sdp
        if self.prack_first:
            return
        caller.stop()
        answer.start(now)
        caller.invite = SPENT

    # -- no answer

    def refuse(
        self,
        status: int,
        headers: bytes,
        reason: bytes,
        outcome: str,
        word: str,
        by: str,
        now: float,
        message: Message | None = None,
        q850: int = 0,
    ) -> None:
        """The caller gets a final failure, once its record is on disk."""
        body = message.body if message is not None and message.status >= 300 else b""
        self.final = (status, self.a.refusal(status, headers, reason, body))
        self.a.stop()
        cause = q850 or causes.q850_of(message, status)
        fact = self.end(outcome, word, by, status, cause, now)
        self._refuse_when_durable(fact, now)

    def _refuse_when_durable(self, fact: int, now: float) -> None:
        if self.engine.steps.disk_failed:
            # Who calls while the disk fails should not wait to hear it.
            self.refuse_caller(None, False, now)
        else:
            self.engine.steps.hold(fact, self, Call.refuse_caller, None, now)

    def refuse_caller(self, _argument: object, ok: bool, now: float) -> None:
        status, data = self.final
        if not ok and self.decision.action == REJECT:
            status, data = 503, self.a.refusal(503, b"Retry-After: 10\r\n")
        self.a.refuse(status, data, now)

    def declined(self, message: Message, now: float) -> None:
        """The callee's final failure crosses."""
        if self.ended:
            return
        status = causes.status_towards_caller(message.status)
        headers = self.engine.relay.headers(message, self.trusted)
        reason = message.reason
        if status != message.status:
            headers, reason = b"Reason: SIP;cause=%d\r\n" % message.status, b""
            message.body = b""
        self.refuse(
            status, headers, reason, causes.outcome_of(status), "", causes.CALLEE, now, message
        )

    def fail(self, status: int, word: str, now: float, by: str = causes.GATEWAY) -> None:
        """Ours to say that this call cannot be put through."""
        if self.ended:
            return
        q850 = causes.q850_of(None, status)
        headers = causes.reason_line(q850, word)
        if status == 503:
            headers += b"Retry-After: 10\r\n"
        if self.a.answer is not None:
            # The callee has answered, and the caller never heard of it.
            self._forget_answer(self.a.answer, 0, now)
            self.release(self.b, headers, now)
        elif self.b is not None and not self.b.unwanted:
            self.b.withdraw(headers if status != 503 else b"", now)
        outcome = causes.NO_ANSWER if word == "ring_timeout" else causes.FAILED
        self.refuse(status, headers, b"", outcome, word, by, now)

    def never_pracked(self, now: float) -> None:
        """No PRACK within 64*T1: the INVITE gets a 5xx (RFC 3262 3), also where the call is
        over already and only its 2xx still waited for that PRACK."""
        if not self.ended:
            self.fail(504, "no_prack", now)
        elif self.a.answer is not None:
            self._forget_answer(self.a.answer, 504, now)

    def cancelled(self, message: Message, now: float) -> None:
        """The caller's CANCEL. Once the callee has answered it comes too late (9.2)."""
        if self.ended or self.answered_at:
            return
        reasons = b"".join([b"Reason: %b\r\n" % value for value in message.all(b"Reason")])
        if self.b is not None:
            self.b.withdraw(reasons, now)
        self.refuse(487, b"", b"", causes.CANCELLED, "", causes.CALLER, now)

    # -- the end

    def bye(self, dialog: Dialog, server: Server, message: Message, now: float) -> None:
        """A BYE: it crosses at once; its 200 waits for the record."""
        server.user = self.a
        self.live.add(server)
        self.alive = 0.0
        leg: Leg = dialog.leg
        if not self.ended and leg is self.a and not self.answered_at:
            # The caller may end an early dialog; the callee may not (15).
            self.cancelled(message, now)
        elif not self.ended and leg.dialog is dialog:
            by = causes.CALLER if leg is self.a else causes.CALLEE
            self.end(causes.ANSWERED, "", by, 200, causes.q850_of(message, 200), now)
            if leg.answer is not None:
                # Who says BYE waits for no 2xx and sends no ACK any more.
                self._forget_answer(leg.answer, 487, now)
            far = self.b if leg is self.a else self.a
            self.release(far, self.engine.relay.headers(message, False), now, message.body)
        elif not self.ended and not dialog.confirmed:
            self.answer(server, 481, now)
            return
        self.engine.steps.hold(self.end_number, self, Call.answer_bye, server, now, patient=True)

    def _forget_answer(self, answer: Answer, status: int, now: float) -> None:
        """This 2xx is not sent (again); if it never was, its INVITE gets ``status`` instead."""
        answer.stop()
        acks.send_far(self, answer)
        answer.dialog.leg.bye = None
        if status and answer.server is self.a.server and self.a.answerable:
            self.final = (status, self.a.refusal(status, b""))
            self._refuse_when_durable(self.end_number, now)
        self.done(answer, now)

    def answer_bye(self, server: Any, _ok: bool, now: float) -> None:
        self.answer(server, 200, now)
        self.rest(now)

    def hang_up(self, word: str, by: str, now: float, q850: int = 16) -> None:
        """We end an answered call: BYE to both."""
        status = 200
        self.end(causes.ANSWERED, word, by, status, q850, now)
        headers = causes.reason_line(q850, word)
        self.release(self.a, headers, now)
        self.release(self.b, headers, now)

    def lost(self, now: float, alive: float = 0.0) -> None:
        """One side no longer knows the call, or cannot be reached; ``alive`` as in Ended."""
        if self.ended or not self.answered_at:
            return
        self.end(causes.ANSWERED, "lost", causes.GATEWAY, 200, 27, now, alive)
        # BYE to both: it may be only a proxy that knows no more (12.2.1.2).
        headers = causes.reason_line(27, "lost")
        self.release(self.a, headers, now)
        self.release(self.b, headers, now)

    def release(self, leg: Leg | None, headers: bytes, now: float, body: bytes = b"") -> None:
        """Say BYE on a leg, after the ACK it is owed or waits for (15)."""
        if leg is None or leg.dialog is None:
            return
        dialog = leg.dialog
        if leg.answer is not None:
            leg.bye = headers
            return
        far = self.b if leg is self.a else self.a
        if far is not None and far.answer is not None and far.answer.far is dialog:
            acks.send_far(self, far.answer)
        self.send_bye(dialog, headers, now, body)
        if leg is self.b and dialog.ack_cseq < 0:
            # Its answer is not on disk yet, so the BYE goes first (see late.end).
            acks.send(self, dialog, 1)

    def send_bye(self, dialog: Dialog, headers: bytes, now: float, body: bytes = b"") -> None:
        self.live.add(self.engine.launch(dialog, b"BYE", headers, body, Silent(self), now))

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
        """The one ending of a call; returns the number of its fact."""
        assert not self.ended, "a call ends once"
        self.ended = True
        engine = self.engine
        engine.open.pop(self.id, None)
        if self.longest is not None:
            self.longest.cancel(self)
        engine.silence.cancel(self)
        fact = engine.happened(Ended, self.id, now, recovery.keep(self))
        fact.outcome = outcome
        fact.reason = word
        fact.status = status
        fact.q850 = q850
        fact.ended_by = by
        fact.alive = alive or self.alive
        self.end_number = fact.number
        if self.crossings:
            for crossing in list(self.crossings):
                crossing.close(now)
        return self.end_number

    def done(self, item: object, now: float) -> None:
        """Something of the call is over."""
        self.live.discard(item)
        if not self.closed:
            self.rest(now)
        elif not self.live:
            self._leave()

    def rest(self, now: float) -> None:
        """Where only late repeats are waited for, keep nothing else: most of the calls in
        memory are over, and there for those 32 seconds."""
        if self.closed or not self.ended:
            return
        for item in self.live:
            if not isinstance(item, Transaction) or item.state not in LINGERING:
                return
            if item.state == COMPLETED and isinstance(item, InviteServer):
                # The caller has not confirmed its final answer: a restart has to repeat it.
                return
        self._close(now)

    def _close(self, now: float) -> None:
        """Every side knows that the call is over, and a restart need not tell them again. Only
        an INVITE of ours may still have an answer that somebody has to look at."""
        self.closed = True
        self.engine.happened(Closed, self.id, now)
        self.engine.calls.pop(self.id, None)
        self.decision = OVER
        self.attempt = NOBODY
        self.part()
        for item in tuple(self.live):
            if isinstance(item, Transaction) and not isinstance(item, InviteClient):
                item.user = None
                self.live.discard(item)
        if not self.live:
            self._leave()

    def _leave(self) -> None:
        """Nothing of the call is left."""
        if self.b is not None and self.b.forks:
            self.part()  # one answered since
        self.b = None
        del self.a

    def part(self) -> None:
        """It is over on the wire: its dialogs are known no more, and every reference that runs in
        a circle is taken apart."""
        known = self.engine.dialogs
        caller, callee = self.a, self.b
        for dialog in caller.dialogs:
            known.pop(dialog.key, None)
            dialog.leg = dialog.mate = dialog.reliable = None
        caller.dialogs.clear()
        caller.dialog = None
        caller.invite = SPENT
        if callee is None:
            return
        for tag, fork in callee.forks.items():
            known.pop(fork.key, None)
            fork.leg = fork.mate = None
            if fork.confirmed:
                callee.parted += (tag,)
        callee.forks.clear()
        callee.dialog = None
        callee.data = b""
        # Another fork may still answer: it is ACKed and ended.
        callee.unwanted = True

    # -- inside the call

    def answer(
        self, server: InviteServer | Server, status: int, now: float, headers: bytes = b""
    ) -> None:
        """Our own response to a request inside the call."""
        data = self.engine.stack.response(server, status, headers)
        server.respond(status, data, now)

    def aim(self, dialog: Dialog, message: Message, now: float) -> None:
        """A message that may say where its sender is reached from now on (12.2)."""
        if dialog.aim(message) and self.answered_at and not self.ended:
            self.engine.happened(Moved, self.id, now, recovery.keep(self))

    def limit(self, since: float) -> None:
        """From the answer on, a call lasts so long and no longer."""
        self.longest = self.engine.longest
        self.longest.arm(self, since)

    def heard(self, now: float) -> None:
        """A sign of life from either side."""
        self.alive = 0.0
        if not self.ended and self.answered_at:
            self.engine.silence.arm(self, now)

    def expired(self, event: int, now: float) -> None:
        if event == LONGEST:
            self.hang_up("max_duration", causes.GATEWAY, now)
        elif event == SILENCE:
            probe(self, now, now - SILENCE_INTERVAL + self.engine.utc_offset)
        else:
            self.done(self, now)

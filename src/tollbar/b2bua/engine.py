"""The engine: the one object the shell talks to (docs/design.md, the seam). Pure and synchronous.

Bytes and time come in; bytes, facts and the next deadline go out. It introduces SIP to
policy: finds the peer, has the call decided, and holds every step that has to wait until its
fact is on disk. It never reads a clock, draws a random number or touches a socket.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from tollbar.b2bua import causes, early, glare, recovery
from tollbar.b2bua.call import LONGEST, SILENCE, SILENCE_INTERVAL, Call
from tollbar.b2bua.crossing import Crossing
from tollbar.b2bua.facts import Closed, Ended, Fact, Noticed
from tollbar.b2bua.intake import Intake
from tollbar.b2bua.leg import Caller
from tollbar.b2bua.peer import Peers
from tollbar.b2bua.relay import ALLOW, METHODS, OPTION_TAGS, SUPPORTED, Relay
from tollbar.policy.attempt import REJECT, Attempt, Decision, Situation
from tollbar.policy.decision import decide
from tollbar.policy.snapshot import Snapshot
from tollbar.sip import uas
from tollbar.sip.dialog import Dialog
from tollbar.sip.errors import SipError
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.routing import resolve
from tollbar.sip.stack import COOKIE, Listener, Stack
from tollbar.sip.timers import Timers
from tollbar.sip.transaction import InviteServer, Server, Transaction

COMMIT: Final = 27  # deadline: a fact has waited commit_deadline seconds for the disk
MOST_WAITING: Final = 500_000  # steps that wait for the disk
EMERGENCY_ROOM: Final = 10_000  # calls beyond ``max_calls`` that may be emergencies
Step = Callable[..., None]


class Rules:
    """What gateway.yaml says to the engine; swapped whole with the snapshot.

    ``max_call`` and ``commit_deadline`` are seconds. ``refuse_unknown``: an unknown source
    gets 403 instead of silence.
    """

    __slots__ = (
        "commit_deadline",
        "intake",
        "max_call",
        "max_calls",
        "peers",
        "refuse_unknown",
        "relay",
    )

    def __init__(
        self,
        peers: Peers,
        *,
        headers: tuple[str, ...] = ("X-Account-Code",),
        parameter: str = "account-code",
        undress: Callable[[str], str] = str,
        max_call: float = 43200.0,
        max_calls: int = 200_000,
        commit_deadline: float = 2.0,
        refuse_unknown: bool = False,
    ) -> None:
        self.peers = peers
        self.relay = Relay(list(headers), parameter, undress)
        self.intake = Intake(headers, parameter)
        self.max_call = max_call
        self.max_calls = max_calls
        self.commit_deadline = commit_deadline
        self.refuse_unknown = refuse_unknown


class Held:
    """A step that waits for its fact to be on disk; a patient one outlives a failed disk."""

    __slots__ = ("argument", "call", "number", "patient", "since", "step")

    def __init__(
        self, number: int, since: float, call: Call, step: Step, argument: object, patient: bool
    ) -> None:
        self.number = number
        self.since = since
        self.call = call
        self.step = step
        self.argument = argument
        self.patient = patient


class Engine:
    """One gateway's calls. ``entropy(n)`` gives n random bytes."""

    def __init__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        listeners: Iterable[Listener],
        entropy: Callable[[int], bytes],
        utc_offset: float,
    ) -> None:
        self.snapshot = snapshot
        self.utc_offset = utc_offset
        self.timers = Timers()
        self.entropy = entropy
        by_name = {listener.name: listener for listener in listeners}
        self.stack = Stack(self, by_name, entropy, self.timers)
        # A transport's listener, for targets that a URI names.
        self.listener_names = {
            listener.transport: name for name, listener in reversed(by_name.items())
        }
        self.host = next(iter(by_name.values())).host
        self.calls: dict[str, Call] = {}
        self.open: dict[str, Call] = {}  # those that are not over: what limits count
        self.dialogs: dict[bytes, Dialog] = {}
        self.held: deque[Held] = deque()
        self.facts: list[Fact] = []
        self.fact_number = 0
        self.durable = 0
        self.disk_failed = False
        self.draining = False
        self.silence = self.timers.timer(SILENCE_INTERVAL, SILENCE)
        self.swap(snapshot, rules)

    def swap(self, snapshot: Snapshot, rules: Rules) -> None:
        """Decide by another configuration from now on; calls in progress stay as they are."""
        self.snapshot = snapshot
        self.rules = rules
        self.peers = rules.peers
        self.relay = rules.relay
        self.longest = self.timers.timer(rules.max_call, LONGEST)
        self.overdue = self.timers.timer(rules.commit_deadline, COMMIT)

    # -- the seam

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.stack.receive(data, flow, now)

    def expire(self, now: float) -> None:
        self.timers.expire(now)

    def next_deadline(self) -> float | None:
        return self.timers.next_deadline()

    def take_outbox(self) -> list[tuple[Hop, bytes]]:
        outbox, self.stack.outbox = self.stack.outbox, []
        return outbox

    def take_facts(self) -> list[Fact]:
        facts, self.facts = self.facts, []
        return facts

    def lost(self, hop: Hop, _error: object, now: float) -> None:
        """A connection died or a send failed."""
        if hop.reliable and isinstance(hop, Flow):
            hop.gone = True
        self.stack.lost(hop, now)

    def committed(self, number: int, now: float) -> None:
        """Facts up to ``number`` are on disk: what waited for them goes on."""
        self.durable = number
        self.disk_failed = False
        held = self.held
        while held and held[0].number <= number:
            item = held.popleft()
            item.step(item.call, item.argument, True, now)

    def not_committed(self, number: int, _error: object, now: float) -> None:
        """The disk failed: what may not go on without it fails; a BYE goes on waiting."""
        self.disk_failed = True
        waiting = [item for item in self.held if item.number <= number]
        self.held = deque(item for item in self.held if item.patient or item.number > number)
        for item in waiting:
            if not item.patient:
                item.step(item.call, item.argument, False, now)

    def tell(self, ask: object, result: object, now: float) -> None:
        """What the outside found; nothing asks yet (DNS and prompts will)."""

    def drain(self, _now: float) -> None:
        """No new calls from now on: 503 with Retry-After."""
        self.draining = True

    def hangup(self, call_id: str, cause: str, now: float) -> bool:
        """End a call for an operator; False where there is no such call."""
        call = self.calls.get(call_id)
        if call is None or call.ended:
            return False
        if call.answered_at:
            call.hang_up(cause, causes.OPERATOR, now)
        else:
            call.fail(480, cause, now, causes.OPERATOR)
        return True

    def restore(
        self, calls: Iterable[tuple[str, bytes, bool]], alive: float, now: float
    ) -> list[tuple[str, str]]:
        """Take up the calls of the last process: (record id, kept bytes, ended).

        ``alive`` is the UTC second it is last known to have lived. What cannot be read is
        ended as interrupted, and returned as (record id, why).
        """
        failed = []
        for record_id, kept, ended in calls:
            try:
                call = recovery.restore(self, record_id, kept, ended, alive, now)
                if not call.ended:
                    self.open[call.id] = call
            except (SipError, ValueError, LookupError, ArithmeticError) as error:
                failed.append((record_id, str(error)))
                self._abandon(record_id, ended, alive, now)
        # Oldest first: a timer's deadlines fall due in the order they are armed.
        for call in sorted(self.calls.values(), key=lambda call: call.answered_at):
            if call.answered_at and not call.ended:
                call.limit(call.answered_at)
        return failed

    def live(self) -> list[Call]:
        """Every call in progress."""
        return list(self.open.values())

    def setting_up(self) -> int:
        """How many calls are neither answered nor over."""
        return sum(not call.answered_at for call in self.open.values())

    # -- for the calls

    def next_fact(self, call: str, now: float) -> tuple[int, str, float, float]:
        """The opening arguments of a fact."""
        self.fact_number += 1
        return self.fact_number, call, now, now + self.utc_offset

    def emit(self, fact: Fact) -> int:
        self.facts.append(fact)
        return fact.number

    def hold(
        self,
        number: int,
        call: Call,
        step: Step,
        argument: object,
        now: float,
        patient: bool = False,
    ) -> None:
        """Run ``step`` when fact ``number`` is on disk. An emergency call never waits."""
        if number <= self.durable or (call.decision.emergency and not patient):
            step(call, argument, True, now)
            return
        if not self.held:
            self.overdue.arm(self, now)
        elif len(self.held) >= MOST_WAITING:
            if not patient:
                step(call, argument, False, now)
            # A BYE goes unanswered, as if the disk never came back.
            return
        self.held.append(Held(number, now, call, step, argument, patient))

    def expired(self, _event: int, now: float) -> None:
        """The oldest held step may have waited too long."""
        if not self.held:
            return
        late = now - self.rules.commit_deadline + 0.001
        overdue = [item.number for item in self.held if item.since <= late]
        if overdue:
            self.not_committed(max(overdue), "commit_deadline", now)
        if self.held:
            # The next one's own time, not another whole one from now.
            since = [item.since for item in self.held if item.since > late]
            self.overdue.arm(self, min(since, default=now))

    def launch(
        self,
        dialog: Dialog,
        method: bytes,
        headers: bytes,
        body: bytes,
        user: object,
        now: float,
        hops_left: int = 70,
    ) -> Transaction:
        """Send a request inside a dialog, by the live connection if there is one."""
        start, rest, hop = dialog.request(
            method, headers, body, self.listener_names, hops_left=hops_left
        )
        client, data = self.stack.prepare(start, rest, hop)
        client.user = user
        if hop.reliable and isinstance(hop, Flow):
            gone = Target(hop.listener, hop.transport, hop.address, hop.port)
            target = resolve(dialog.target, gone, self.listener_names)
            if target is not gone:
                client.spare = target
        client.start(data, now)
        return client

    def dialog_ack(self, start: bytes, rest: bytes, hop: Hop) -> tuple[bytes, Hop]:
        """Send the ACK of a 2xx (13.2.2.4): its own branch, no transaction."""
        stack = self.stack
        via = stack.listeners[hop.listener].via
        data = b"%b%b%b%b\r\n%b" % (start, via, COOKIE, stack.token(), rest)
        stack.send(hop, data)
        return data, hop

    def part(self, call: Call) -> None:
        """A call is over on the wire: its dialogs are known no more."""
        for dialog in call.a.dialogs:
            self.dialogs.pop(dialog.key, None)
        if call.b is not None:
            for dialog in call.b.forks.values():
                self.dialogs.pop(dialog.key, None)

    # -- what the stack asks

    def knows(self, flow: Flow) -> bool:
        return self.peers.find(flow) is not None

    def admits(self, message: Message, flow: Flow, now: float) -> bool:
        """A request of a dialog belongs to it wherever it comes from."""
        if self.peers.find(flow) is not None:
            return True
        if message.to.tag and self._dialog(message) is not None:
            return True
        if message.method == b"CANCEL" or message.method == b"ACK":
            return False
        self.notice("unknown_source", "", f"{flow.transport} {flow.address}:{flow.port}", now)
        if self.rules.refuse_unknown:
            self.stack.reply(message, flow, 403)
        return False

    def _dialog(self, message: Message) -> Dialog | None:
        key = b"%b %b %b" % (message.call_id, message.to.tag, message.from_.tag)
        return self.dialogs.get(key)

    def invite(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        if message.to.tag:
            dialog = self._take(server, message, flow, now)
            if dialog is not None:
                glare.reinvite(dialog.leg.call, dialog, server, message, now)
            return
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is None:
            try:
                self._place(server, message, flow, now)
                return
            except SipError as error:
                refusal = error.status, b""
        self._refuse(server, *refusal, now=now)

    def _place(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        """A new call."""
        peer = self.peers.find(flow)
        assert peer is not None, "admits() let an unknown source through"
        utc = now + self.utc_offset
        attempt = self.rules.intake.attempt(message, peer.name)
        call = Call(self, self._record_id(utc), peer, now)
        call.attempt = attempt
        call.decision = self._decide(attempt, utc)
        self.calls[call.id] = call
        if call.decision.action != REJECT:
            self.open[call.id] = call
        if call.decision.emergency:
            caller = call.decision.caller or attempt.from_user
            self.notice("emergency", peer.name, f"caller={caller}", now, call.id)
        call.begin(server, message, flow, now)

    def _decide(self, attempt: Attempt, utc: float) -> Decision:
        decision = decide(self.snapshot, attempt, Situation(utc))
        if decision.action == REJECT:
            return decision
        if decision.emergency:
            # No policy refuses it, but memory ends somewhere, for all calls at once.
            if len(self.open) < self.rules.max_calls + EMERGENCY_ROOM:
                return decision
            word = "limit"
        elif self.draining:
            word = "draining"
        elif self.disk_failed:
            word = "disk"
        elif len(self.open) >= self.rules.max_calls:
            word = "limit"
        else:
            return decision
        decision.action = REJECT
        decision.status = 503
        decision.q850 = 0
        decision.reason = word
        decision.text = "Service Unavailable"
        decision.in_report = False
        decision.routes = ()
        return decision

    def _record_id(self, utc: float) -> str:
        """Sorts by time, unguessable behind it: 48 bits of milliseconds, 80 of chance."""
        token = self.stack.token() + self.stack.token()
        return f"{int(utc * 1000):012x}{token[:20].decode()}"

    def request(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        method = message.method
        if message.to.tag:
            dialog = self._take(server, message, flow, now)
            if dialog is None:
                return
            call = dialog.leg.call
            if method == b"BYE":
                call.bye(dialog, server, message, now)
            elif method == b"PRACK":
                server.user = call.a
                call.live.add(server)
                early.pracked(call, dialog, server, message, now)
            elif method == b"OPTIONS":
                self._options(server, now)
            else:
                glare.request(call, dialog, server, message, now)
            return
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is not None:
            self._refuse(server, *refusal, now=now)
        elif method == b"OPTIONS":
            self._options(server, now)
        else:
            # BYE, PRACK, UPDATE and INFO live inside a dialog only.
            self._refuse(server, 481, b"", now)

    def _take(
        self, server: InviteServer | Server, message: Message, flow: Flow, now: float
    ) -> Dialog | None:
        """The dialog of a request, its CSeq and Require checked; None where it is answered."""
        dialog = self._dialog(message)
        if dialog is None:
            self._refuse(server, 481, b"", now)
            return None
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is not None:
            self._refuse(server, *refusal, now=now)
            return None
        try:
            dialog.heard(message)
        except SipError as error:
            self._refuse(server, error.status, b"", now)
            return None
        dialog.way = flow
        dialog.leg.call.heard(now)
        return dialog

    def _refuse(
        self, server: InviteServer | Server, status: int, headers: bytes, now: float
    ) -> None:
        tag = self.stack.token()
        server.respond(status, self.stack.response(server, status, headers, b"", tag), now)

    def _options(self, server: Server, now: float) -> None:
        status = 503 if self.draining else 200
        headers = b"%b%bAccept: application/sdp\r\n" % (ALLOW, SUPPORTED)
        self._refuse(server, status, headers, now)

    def ack(self, message: Message, flow: Flow, now: float) -> None:
        dialog = self._dialog(message)
        if dialog is not None:
            if flow.reliable:
                dialog.way = flow
            dialog.leg.call.acknowledged(dialog, message, now)

    def cancel(self, server: InviteServer, message: Message, now: float) -> None:
        user = server.user
        if isinstance(user, Caller):
            # A re-INVITE that never crossed has the caller for its user, and its answer.
            if user.server is server:
                user.call.cancelled(message, now)
        elif isinstance(user, Crossing):
            reasons = [b"Reason: %b\r\n" % value for value in message.all(b"Reason")]
            user.cancel(b"".join(reasons), now)

    def stray(self, message: Message, _flow: Flow, _now: float) -> None:
        """A response nobody waits for. A 2xx whose ACK we kept is ACKed again (13.2.2.4)."""
        if message.cseq_method == b"INVITE" and 200 <= message.status < 300:
            key = b"%b %b %b" % (message.call_id, message.from_.tag, message.to.tag)
            dialog = self.dialogs.get(key)
            if dialog is not None and message.cseq <= dialog.local_cseq:
                dialog.leg.call.acknowledge_again(dialog, message.cseq)

    def noticed(self, kind: str, flow: Flow, detail: str, now: float) -> None:
        peer = self.peers.find(flow)
        self.notice(kind, peer.name if peer is not None else "", detail, now)

    def notice(self, kind: str, peer: str, detail: str, now: float, call: str = "") -> None:
        fact = Noticed(*self.next_fact(call, now))
        fact.kind = kind
        fact.peer = peer
        fact.detail = detail
        self.emit(fact)

    # -- after a restart

    def _abandon(self, record_id: str, ended: bool, alive: float, now: float) -> None:
        """A call whose kept bytes cannot be read: its record is closed, its row let go."""
        call = self.calls.get(record_id)
        if call is not None:
            waiting: tuple[Any, ...] = (call, call.a, call.b, *call.live)
            for item in waiting:
                for timer in self.timers.all.values():
                    timer.cancel(item)
                if isinstance(item, Transaction):
                    self.stack.forget(item)
            self.part(call)
            self.calls.pop(record_id, None)
        if not ended:
            fact = Ended(*self.next_fact(record_id, now))
            fact.outcome = causes.INTERRUPTED
            fact.reason = "unreadable"
            fact.status = 0
            fact.q850 = 41
            fact.ended_by = causes.GATEWAY
            fact.alive = alive
            self.emit(fact)
        self.emit(Closed(*self.next_fact(record_id, now)))

"""The engine: the one object the shell talks to (docs/design.md, the seam). Pure and synchronous.

Bytes and time come in; bytes, facts and the next deadline go out. It introduces SIP to
policy: finds the peer, has the call decided, and holds every step that has to wait until its
fact is on disk. It never reads a clock, draws a random number or touches a socket.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from tollbar.b2bua import acks, causes, early, glare, recovery
from tollbar.b2bua.call import LONGEST, SILENCE, SILENCE_INTERVAL, Call
from tollbar.b2bua.chat import Chat
from tollbar.b2bua.chats import Chats
from tollbar.b2bua.crossing import Crossing
from tollbar.b2bua.facts import CALL, Assigned, Fact, Noticed
from tollbar.b2bua.gate import AT_ONCE, Gate
from tollbar.b2bua.leg import REFRESH, REFRESH_INTERVAL, Caller
from tollbar.b2bua.relay import ALLOW, METHODS, OPTION_TAGS, SUPPORTED
from tollbar.b2bua.rules import Rules
from tollbar.b2bua.steps import Steps
from tollbar.policy.attempt import REJECT, Attempt, Decision
from tollbar.policy.guess import Key
from tollbar.policy.snapshot import Snapshot
from tollbar.sip import uas
from tollbar.sip.dialog import Dialog
from tollbar.sip.errors import SipError
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.routing import neighbours, resolve
from tollbar.sip.stack import COOKIE, Listener, Stack
from tollbar.sip.timers import Timers
from tollbar.sip.transaction import InviteServer, Server, Transaction

F = TypeVar("F", bound=Fact)
MOST_CHANGES: Final = 100  # of one call's code; they all stand in its record


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
        self.listeners = neighbours(by_name.values())
        self.host = next(iter(by_name.values())).host
        self.calls: dict[str, Call] = {}
        self.open: dict[str, Call] = {}  # those that are not over: what limits count
        self.dialogs: dict[bytes, Dialog] = {}
        self.facts: list[Fact] = []
        self.fact_number = 0
        self.steps = Steps(self.timers, rules.commit_deadline)
        self.gate = Gate(self)
        self.chats = Chats(self)
        self.silence = self.timers.timer(SILENCE_INTERVAL, SILENCE)
        self.refresh = self.timers.timer(REFRESH_INTERVAL, REFRESH)
        self.swap(snapshot, rules)

    def swap(self, snapshot: Snapshot, rules: Rules) -> None:
        """Decide by another configuration from now on; calls in progress stay as they are."""
        self.snapshot = snapshot
        self.rules = rules
        self.peers = rules.peers
        self.relay = rules.relay
        self.longest = self.timers.timer(rules.max_call, LONGEST)
        self.steps.within(rules.commit_deadline)

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
        if hop.reliable:
            if isinstance(hop, Flow):
                hop.gone = True
            elif hop.dialog:
                self._unreached(hop)
        self.stack.lost(hop, now)

    def _unreached(self, target: Target) -> None:
        """No connection to a dialog's remote target: from now on its requests go another way,
        and so does the ACK that has just been lost, for which nobody else would ask."""
        dialog = self.dialogs.get(target.dialog)
        other = None if dialog is None else self._otherwise(dialog, target)
        if dialog is None or other is None:
            return
        dialog.avoid(target, other)
        if dialog.ack and dialog.ack_hop is target:
            acks.divert(self, dialog, other)

    def _otherwise(self, dialog: Dialog, target: Hop) -> Hop | None:
        """How a peer is reached that takes no connection at its Contact. That may name the port
        its own came from, or an address behind a NAT; but the way it was reached first is open
        still, or can be opened again."""
        way = dialog.way
        home: Target | None = dialog.leg.peer.to
        if home is not None and home.reliable and home.address in (target.address, way.address):
            way = home
        return None if way.gone else way

    def committed(self, number: int, now: float) -> None:
        """Facts up to ``number`` are on disk: what waited for them goes on."""
        self.steps.committed(number, now)

    def not_committed(self, number: int, _error: object, now: float) -> None:
        """The disk failed: what may not go on without it fails."""
        self.steps.not_committed(number, now)

    def tell(self, ask: object, result: object, now: float) -> None:
        """What the outside found; nothing asks yet (DNS and prompts will)."""

    def drain(self, _now: float) -> None:
        """No new calls from now on: 503 with Retry-After."""
        self.gate.draining = True

    def hangup(self, call_id: str, cause: str, now: float) -> bool:
        """End a call for an operator; False where there is no such call."""
        call = self.calls.get(call_id)
        chat = self.chats.open.get(call_id)
        if chat is not None and chat.answered_at:
            chat.finish(cause, causes.OPERATOR, now)
            return True
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
        return recovery.restore_all(self, calls, alive, now)

    def assign(
        self,
        record_id: str,
        code: str,
        description: str,
        source: str,
        by: str,
        now: float,
        refused: str = "",
    ) -> int:
        """Give a call or chat in progress another account code, or none ("").

        With ``refused`` (why) nothing changes but what the record says was tried. Returns the
        number of the fact, 0 where nothing is in progress under this id or it was changed
        `MOST_CHANGES` times.
        """
        chat = self.chats.open.get(record_id)
        live: Call | Chat | None = self.open.get(record_id) or chat
        if live is None or live.changes >= MOST_CHANGES:
            return 0
        live.changes += 1
        if chat is not None and not refused:
            chat.code = code
        fact = self.happened(Assigned, record_id, now)
        fact.code = code
        fact.description = description
        fact.source = source
        fact.by = by
        fact.refused = refused
        return fact.number

    def live(self) -> list[Call]:
        """Every call in progress."""
        return list(self.open.values())

    def setting_up(self) -> int:
        """How many calls are neither answered nor over."""
        return sum(not call.answered_at for call in self.open.values())

    # -- for the calls

    def happened(self, kind: type[F], call: str, now: float, kept: bytes = b"") -> F:
        """One more fact, of this kind; what else it says is for the caller to fill in."""
        self.fact_number = number = self.fact_number + 1
        fact = kind(number, call, now, now + self.utc_offset, kept)
        self.facts.append(fact)
        return fact

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
            method, headers, body, self.listeners, hops_left=hops_left
        )
        client, data = self.stack.prepare(start, rest, hop)
        client.user = user
        client.inside = True
        if hop.reliable and isinstance(hop, Flow):
            gone = Target(hop.listener, hop.transport, hop.address, hop.port)
            target = resolve(dialog.target, gone, self.listeners)
            if target is not gone:
                client.spare = target
        elif hop.reliable and client.spare is None:
            client.spare = self._otherwise(dialog, hop)
        client.start(data, now)
        return client

    def dialog_ack(self, start: bytes, rest: bytes, hop: Hop) -> tuple[bytes, Hop]:
        """Send the ACK of a 2xx (13.2.2.4): its own branch, no transaction."""
        stack = self.stack
        via = stack.listeners[hop.listener].via
        data = b"%b%b%b%b\r\n%b" % (start, via, COOKIE, stack.token(), rest)
        stack.send(hop, data, b"ACK")
        return data, hop

    # -- what the stack asks

    def knows(self, flow: Flow) -> bool:
        return self.peers.find(flow) is not None

    def admits(self, message: Message, flow: Flow, now: float) -> bool:
        """A request of a dialog belongs to it wherever it comes from."""
        if self.peers.find(flow) is not None:
            return True
        if message.to_tag and self._dialog(message) is not None:
            return True
        if message.method == b"CANCEL" or message.method == b"ACK":
            return False
        self.notice("unknown_source", "", " ".join((str(flow), *flow.names)), now)
        if self.rules.refuse_unknown:
            self.stack.reply(message, flow, 403)
        return False

    def _dialog(self, message: Message) -> Dialog | None:
        key = b" ".join((message.call_id, message.to_tag, message.from_tag))
        return self.dialogs.get(key)

    def invite(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        if message.to_tag:
            dialog = self._take(server, message, flow, now)
            if dialog is not None:
                call = dialog.leg.call
                call.heard(now)
                glare.reinvite(call, dialog, server, message, now)
            return
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is None:
            try:
                self._place(server, message, flow, now)
                return
            except SipError as error:
                refusal = error.status, b""
        self.refuse(server, *refusal, now=now)

    def _place(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        """A new call."""
        peer = self.peers.find(flow)
        assert peer is not None, "admits() let an unknown source through"
        attempt = self.rules.intake.attempt(message, peer.name)
        utc = now + self.utc_offset
        record_id, draw = self.record_id(utc)
        decision = self.gate.decide(attempt, utc, draw, len(self.open), self.rules.max_calls, now)
        if decision.action == REJECT and decision.reason in AT_ONCE:
            self.gate.refuse(server, message, attempt, decision, record_id, CALL, now)
            return
        call = Call(self, record_id, peer, now)
        call.attempt = attempt
        call.decision = decision
        self.calls[call.id] = call
        if decision.action != REJECT:
            self.open[call.id] = call
        if decision.emergency:
            self.notice_emergency(peer.name, attempt, decision, call.id, now)
        call.begin(server, message, flow, now)

    def record_id(self, utc: float) -> tuple[str, float]:
        """An id that sorts by time and cannot be guessed (48 bits of milliseconds, 80 of
        chance), and one draw in [0, 1)."""
        token = self.stack.token() + self.stack.token()
        return f"{int(utc * 1000):012x}{token[:20].decode()}", int(token[20:], 16) / 2**48

    def request(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        method = message.method
        if message.to_tag:
            dialog = self._take(server, message, flow, now)
            if dialog is None:
                return
            call = dialog.leg.call
            if method == b"BYE":
                call.bye(dialog, server, message, now)
                return
            call.heard(now)
            if method == b"PRACK":
                server.user = call.a
                call.live.add(server)
                early.pracked(call, dialog, server, message, now)
            elif method == b"OPTIONS":
                self._options(server, 200, now)
            else:
                glare.request(call, dialog, server, message, now)
            return
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is not None:
            self.refuse(server, *refusal, now=now)
        elif method == b"OPTIONS":
            self._options(server, 503 if self.gate.draining else 200, now)
        elif method == b"MESSAGE":
            try:
                self.chats.message(server, message, flow, now)
            except SipError as error:
                self.refuse(server, error.status, b"", now)
        else:
            # BYE, PRACK, UPDATE and INFO live inside a dialog only.
            self.refuse(server, 481, b"", now)

    def _take(
        self, server: InviteServer | Server, message: Message, flow: Flow, now: float
    ) -> Dialog | None:
        """The dialog of a request, its CSeq and Require checked; None where it is answered."""
        dialog = self._dialog(message)
        if dialog is None:
            self.refuse(server, 481, b"", now)
            return None
        refusal = uas.refusal(message, METHODS, OPTION_TAGS)
        if refusal is not None:
            self.refuse(server, *refusal, now=now)
            return None
        try:
            dialog.heard(message)
        except SipError as error:
            self.refuse(server, error.status, b"", now)
            return None
        dialog.way = flow
        return dialog

    def refuse(
        self, server: InviteServer | Server, status: int, headers: bytes, now: float
    ) -> None:
        tag = self.stack.token()
        server.respond(status, self.stack.response(server, status, headers, b"", tag), now)

    def _options(self, server: Server, status: int, now: float) -> None:
        headers = b"%b%bAccept: application/sdp\r\n" % (ALLOW, SUPPORTED)
        self.refuse(server, status, headers, now)

    def ack(self, message: Message, flow: Flow, now: float) -> None:
        dialog = self._dialog(message)
        if dialog is not None:
            if flow.reliable:
                dialog.way = flow
            acks.came(dialog.leg.call, dialog, message, now)

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
            key = b"%b %b %b" % (message.call_id, message.from_tag, message.to_tag)
            dialog = self.dialogs.get(key)
            if dialog is not None and message.cseq <= dialog.local_cseq:
                acks.again(dialog.leg.call, dialog, message.cseq)

    def notice_emergency(
        self, peer: str, attempt: Attempt, decision: Decision, record_id: str, now: float
    ) -> None:
        said = f"caller={decision.caller or attempt.from_user}"
        if decision.callback:
            said += f" callback={decision.callback}"
        if decision.location:
            said += f" location={decision.location}"
        self.notice("emergency", peer, said, now, record_id)

    def noticed(self, kind: str, flow: Flow, detail: str, now: float) -> None:
        peer = self.peers.find(flow)
        self.notice(kind, peer.name if peer is not None else "", detail, now)

    def notice(
        self,
        kind: str,
        peer: str,
        detail: str,
        now: float,
        call: str = "",
        holder: Key = ("", ""),
        by: str = "",
    ) -> None:
        fact = self.happened(Noticed, call, now)
        fact.kind = kind
        fact.peer = peer
        fact.detail = detail
        fact.holder = holder
        fact.by = by

"""The two sides of a call: the caller's (we are its UAS) and the callee's (we are its UAC).

This is the seat of the CANCEL/200 race, of forks, of the 2xx repeated until its ACK, and of
the 2xx ACKed again at each repeat (RFC 3261 9, 13; RFC 6026). A leg speaks SIP with one peer
and tells the call in plain words; it never writes to the other leg.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import acks
from tollbar.b2bua.relay import speaks_reliably
from tollbar.sip.dialog import Dialog
from tollbar.sip.flow import Hop
from tollbar.sip.message import Message
from tollbar.sip.reliable import Reliable
from tollbar.sip.timers import T1
from tollbar.sip.transaction import (
    ACCEPTED,
    GIVE_UP,
    LOST,
    PROCEEDING,
    InviteClient,
    InviteServer,
    Transaction,
)

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call
    from tollbar.b2bua.peer import Peer

# Deadlines of this room, beside those of the transactions.
FIRST_ANSWER: Final = 20  # no response at all from the callee
BY_TCP: Final = 30  # no response to an INVITE that went by TCP for its length alone
RING_TIMEOUT: Final = 21  # no final response from the callee
REFRESH: Final = 22  # repeat the last 18x towards the caller each minute (13.3.1.1)
REFRESH_INTERVAL: Final = 60.0  # seconds
MOST_REPEATS: Final = 10  # of a 2xx: the next would come later than 64*T1
MOST_FORKS: Final = 16  # early dialogs of one try; more are not told to the caller


class Answer:
    """A 2xx to an INVITE, sent again until its ACK comes (13.3.1.4), by whichever leg.

    ``far`` is the dialog of the other leg whose own ACK (of the INVITE numbered ``far_cseq``)
    waits for this one because its 2xx carried the offer, or None. ``doubtful``: the ACK may
    have come to a process that is no more, and its sender have forgotten it.
    """

    __slots__ = (
        "_repeats",
        "_timer",
        "call",
        "cseq",
        "data",
        "dialog",
        "doubtful",
        "far",
        "far_cseq",
        "server",
    )

    def __init__(
        self, call: "Call", dialog: Dialog, server: InviteServer, cseq: int, data: bytes
    ) -> None:
        self.call = call
        self.dialog = dialog
        self.server = server
        self.cseq = cseq
        self.data = data
        self.far: Dialog | None = None
        self.far_cseq = 0
        self.doubtful = False
        self._repeats = 0
        self._timer = call.engine.stack.repeats[0]
        # From here on, also before it is sent, a BYE towards this peer has to wait (15).
        dialog.leg.answer = self
        call.live.add(self)

    def start(self, now: float) -> None:
        self.server.respond(200, self.data, now)
        self._timer.arm(self, now)

    def stop(self) -> None:
        """The ACK came, or nobody waits for it any more; the call says when it is done."""
        self._timer.cancel(self)
        if self.server.state == ACCEPTED:
            # What is acknowledged need not go again when its connection breaks.
            self.server.data = b""
        if self.dialog.leg.answer is self:
            self.dialog.leg.answer = None

    def expired(self, event: int, now: float) -> None:
        if event == GIVE_UP:
            acks.never_came(self.call, self, now)
            return
        engine = self.call.engine
        engine.stack.repeat(self.server.hop, self.data)
        self._repeats += 1
        if self._repeats < MOST_REPEATS:
            self._timer = engine.stack.repeats[min(self._repeats, 3)]
        else:
            # They add up to 63*T1.
            self._timer = engine.timers.timer(T1, GIVE_UP)
        self._timer.arm(self, now)


class Caller:
    """Leg a. ``tag`` is the To-tag of the first dialog and of a refusal; ``reliable``: the
    caller does reliable provisional responses; ``routes`` are its Record-Route lines."""

    __slots__ = (
        "answer",
        "bye",
        "call",
        "cseq",
        "dialog",
        "dialogs",
        "invite",
        "last",
        "peer",
        "reliable",
        "routes",
        "server",
        "tag",
        "way",
    )

    def __init__(
        self, call: "Call", server: InviteServer, invite: Message, way: Hop, peer: "Peer"
    ) -> None:
        self.call = call
        self.server = server
        self.invite = invite
        self.way: Hop = way
        self.peer = peer
        self.tag = call.engine.stack.token()
        self.cseq = invite.cseq
        self.reliable = speaks_reliably(invite)
        self.routes = b""
        if b"Record-Route" in invite.fields:
            routes = invite.all(b"Record-Route")
            self.routes = b"".join([b"Record-Route: %b\r\n" % route for route in routes])
        self.dialog: Dialog | None = None
        self.dialogs: list[Dialog] = []
        self.answer: Answer | None = None
        self.bye: bytes | None = None  # headers of the BYE that waits for the ACK
        self.last = b""

    def mate_of(self, fork: Dialog) -> Dialog:
        """Our early dialog towards the caller for one of the callee's, one to one."""
        mate = fork.mate
        if mate is None:
            tag = self.call.engine.stack.token() if self.dialogs else self.tag
            mate = Dialog.answering(self.invite, tag, self.way)
            mate.leg = self
            mate.mate = fork
            mate.offered = bool(self.invite.body)
            fork.mate = mate
            self.dialogs.append(mate)
            self.call.engine.dialogs[mate.key] = mate
        return mate

    def progress(
        self, mate: Dialog, message: Message, reliably: bool, rack: bytes, now: float
    ) -> None:
        """Pass a provisional response on, reliably where both want it so (RFC 3262). ``rack`` is
        owed to the callee once the caller has acknowledged it, or empty."""
        engine = self.call.engine
        if reliably:
            if mate.reliable is None:
                mate.reliable = Reliable(engine.stack, self.server, self)
            rseq = mate.reliable.number()
            own = b"Require: 100rel\r\nRSeq: %d\r\n" % rseq
            data = self.response(mate, message, own)
            mate.reliable.send(rseq, data, bool(message.body), rack, now)
            return
        self.last = self.response(mate, message)
        self.server.respond(180, self.last, now)
        engine.refresh.arm(self, now)

    def response(self, mate: Dialog, message: Message, own: bytes = b"") -> bytes:
        """The callee's response as the caller's, ``own`` being header lines of this leg. It makes
        or confirms a dialog (12.1.1)."""
        call = self.call
        stack = call.engine.stack
        crossing = call.engine.relay.headers(message, call.trusted)
        contact = stack.listeners[self.way.listener].contact
        return stack.response(
            self.server,
            message.status,
            b"".join((self.routes, contact, own, crossing)),
            message.body,
            mate.local_tag,
            message.reason,
        )

    def refusal(self, status: int, headers: bytes, reason: bytes = b"", body: bytes = b"") -> bytes:
        """A final failure for the caller."""
        return self.call.engine.stack.response(self.server, status, headers, body, self.tag, reason)

    def refuse(self, status: int, data: bytes, now: float) -> None:
        self.stop()
        self.server.respond(status, data, now)

    def stop(self) -> None:
        """The INVITE gets its final response: nothing provisional is repeated any more."""
        self.call.engine.refresh.cancel(self)
        for mate in self.dialogs:
            if mate.reliable is not None:
                mate.reliable.finish()

    @property
    def answerable(self) -> bool:
        """Has the INVITE had no final response yet?"""
        return self.server.state == PROCEEDING

    @property
    def unheard(self) -> bool:
        """Has the caller had no response yet that makes a dialog?"""
        return self.answerable and not self.last and not any(d.reliable for d in self.dialogs)

    def confirmed(self, now: float) -> None:
        self.call.rest(now)

    def unacknowledged(self, now: float) -> None:
        self.call.never_pracked(now)

    def finished(self, transaction: Transaction, now: float) -> None:
        self.call.done(transaction, now)

    def expired(self, _event: int, now: float) -> None:
        """A minute of ringing: the 18x again, so that proxies on the way stay (13.3.1.1)."""
        if self.answerable and self.last:
            self.server.respond(180, self.last, now)
            self.call.engine.refresh.arm(self, now)


class Callee:
    """Leg b: one try. ``unwanted`` once the caller is gone or the try refused or given up:
    whatever is answered then is ACKed and ended."""

    __slots__ = (
        "answer",
        "bye",
        "call",
        "call_id",
        "cancel_headers",
        "client",
        "cseq",
        "data",
        "dialog",
        "forks",
        "heard",
        "hop",
        "local",
        "parted",
        "peer",
        "tag",
        "timer",
        "unwanted",
    )

    def __init__(self, call: "Call", peer: "Peer", hop: Hop, call_id: bytes, tag: bytes) -> None:
        self.call = call
        self.peer = peer
        self.hop: Hop = hop
        self.call_id = call_id
        self.tag = tag
        self.local = b""
        self.data = b""
        self.cseq = 1  # the highest that requests of its early dialogs may have had
        self.client: InviteClient | None = None
        self.dialog: Dialog | None = None
        self.forks: dict[bytes, Dialog] = {}
        self.parted: tuple[bytes, ...] = ()  # remote tags of dialogs that had their BYE
        self.answer: Answer | None = None
        self.bye: bytes | None = None
        self.unwanted = False
        self.cancel_headers = b""
        self.heard = False  # anything at all
        first = min(peer.first_answer, peer.ring_timeout)
        self.timer = call.engine.timers.timer(first, FIRST_ANSWER)
        call.trusted = peer.trust_identity and call.peer.trust_identity

    def start(self, now: float) -> None:
        """Send the INVITE that was prepared."""
        assert self.client is not None
        self.call.live.add(self.client)
        spare = self.client.spare
        if spare is not None and not spare.reliable:
            half = self.timer.interval / 2
            self.timer = self.call.engine.timers.timer(half, BY_TCP)
        self.client.start(self.data, now)
        self.timer.arm(self, now)

    # -- what the callee says

    def response(self, _client: InviteClient, message: Message, now: float) -> None:
        status = message.status
        self.heard = True
        if status < 200:
            if self.unwanted:
                self._cancel(now)
            elif status > 100:
                self._provisional(message, now)
            return
        self.timer.cancel(self)
        if status < 300:
            self._success(message, now)
        elif self.unwanted:
            self.call.rest(now)
        else:
            self.unwanted = True
            self.call.declined(message, now)

    def _dialog(self, message: Message) -> Dialog:
        hop = self.client.hop if self.client is not None else self.hop
        dialog = Dialog.calling(self.call_id, self.local, self.tag, self.cseq, message, hop)
        if not dialog.target:
            # A 2xx has to have a Contact (12.1.1); without one, to whom the INVITE went.
            dialog.target = b"sip:" + self.peer.authority
        return dialog

    def _fork(self, message: Message) -> Dialog:
        fork = self.forks.get(message.to_tag)
        if fork is None:
            fork = self._dialog(message)
            fork.leg = self
            self.forks[message.to_tag] = fork
            self.call.engine.dialogs[fork.key] = fork
        return fork

    def _provisional(self, message: Message, now: float) -> None:
        if len(self.forks) >= MOST_FORKS and message.to_tag not in self.forks:
            return
        fork = self._fork(message)
        rack = b""
        if b"RSeq" in message.fields and b"100rel" in message.tokens(b"Require"):
            value = message.first(b"RSeq") or b""
            rseq = int(value) if value.isdigit() and len(value) < 11 else 0
            if not rseq or (fork.rseq_heard and rseq != fork.rseq_heard + 1):
                # A repeat, or one that overtook another: it comes again (RFC 3262 4).
                return
            fork.rseq_heard = rseq
            rack = b"RAck: %d %d INVITE\r\n" % (rseq, message.cseq)
        fork.aim(message)
        self.call.progressed(fork, message, rack, now)

    def _success(self, message: Message, now: float) -> None:
        if len(self.forks) >= 2 * MOST_FORKS and message.to_tag not in self.forks:
            return
        if message.to_tag in self.parted:
            acks.send(self.call, self._dialog(message), message.cseq)
            return
        fork = self._fork(message)
        if fork.confirmed:
            acks.again(self.call, fork, message.cseq)
        elif self.dialog is None and not self.unwanted:
            self.data = b""
            self.dialog = fork
            fork.confirm(message)
            self.call.answered(fork, message, now)
        else:
            fork.confirm(message)
            self.call.answered_late(fork, now)

    def failed(self, _client: InviteClient, status: int, now: float) -> None:
        self.timer.cancel(self)
        if not self.unwanted:
            self.unwanted = True
            self.call.fail(status, "timeout" if status == 408 else "unreachable", now)

    def finished(self, transaction: Transaction, now: float) -> None:
        self.call.done(transaction, now)

    def expired(self, event: int, now: float) -> None:
        if event == FIRST_ANSWER and self.heard:
            # It has said something; what is left of the time to say more begins only here.
            left = max(0.0, self.peer.ring_timeout - self.peer.first_answer)
            self.timer = self.call.engine.timers.timer(left, RING_TIMEOUT)
            self.timer.arm(self, now)
            return
        if event == BY_TCP:
            if not self.heard and self.client is not None and self.client.spare is not None:
                # A firewall may swallow what is not UDP: as a datagram it has the other half.
                self.client.feed(LOST, None, now)
            self.timer = self.call.engine.timers.timer(self.timer.interval, FIRST_ANSWER)
            self.timer.arm(self, now)
            return
        self.withdraw(b"", now)
        if event == FIRST_ANSWER:
            self.call.fail(408, "timeout", now)
        else:
            self.call.fail(480, "ring_timeout", now)

    # -- what we say

    def withdraw(self, headers: bytes, now: float) -> None:
        """Nobody wants this try any more: CANCEL it as soon as that is allowed (9.1)."""
        self.unwanted = True
        self.cancel_headers = headers
        self.timer.cancel(self)
        if self.client is not None and self.client.state == PROCEEDING:
            self._cancel(now)

    def _cancel(self, now: float) -> None:
        assert self.client is not None
        stack = self.call.engine.stack
        cancel = stack.cancel(self.client, Silent(self.call), now, self.cancel_headers)
        if cancel is not None:
            self.call.live.add(cancel)


class Silent:
    """The user of a request whose answer changes nothing; its call waits for its end."""

    __slots__ = ("call",)

    def __init__(self, call: "Call") -> None:
        self.call = call

    def response(self, _client: Transaction, message: Message, now: float) -> None:
        """Whatever it says, nothing else may be left to wait for."""
        if message.status >= 200:
            self.call.rest(now)

    def failed(self, _client: Transaction, _status: int, _now: float) -> None:
        """Nobody is there any more; that is what we wanted."""

    def finished(self, transaction: Transaction, now: float) -> None:
        self.call.done(transaction, now)


Leg = Caller | Callee

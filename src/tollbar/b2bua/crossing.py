"""A request inside the call on its way from one leg to the other, and its answer back.

Re-INVITE, UPDATE, INFO and PRACK with SDP cross here. One offer at a time is open in a call
(RFC 3261 14, RFC 3311 5, RFC 3264 4): the dialog's ``offered`` flag says whose. The gateway
never repeats a relayed offer of its own accord: a 491 goes back to the one who asked.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import acks
from tollbar.b2bua.leg import Answer, Silent
from tollbar.b2bua.relay import hops_left
from tollbar.sip.dialog import Dialog
from tollbar.sip.message import Message
from tollbar.sip.transaction import (
    PROCEEDING,
    InviteClient,
    InviteServer,
    Server,
    Transaction,
)

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call

FINAL_ANSWER: Final = 25  # deadline of a relayed re-INVITE (timer C of 16.6)
FINAL_INTERVAL: Final = 180.0  # seconds
REFRESHING: Final = frozenset((b"INVITE", b"UPDATE"))  # requests that carry a Contact


class Crossing:
    """One request on its way. ``origin`` is the asker's dialog, ``far`` the one it goes to."""

    __slots__ = (
        "answered",
        "call",
        "cancelled",
        "client",
        "cseq",
        "far",
        "offers",
        "origin",
        "server",
    )

    def __init__(
        self,
        call: "Call",
        origin: Dialog,
        far: Dialog,
        server: InviteServer | Server,
        offers: bool,
    ) -> None:
        self.call = call
        self.origin = origin
        self.far = far
        self.server = server
        self.offers = offers
        self.answered = False
        self.cancelled: bytes | None = None  # header lines of the CANCEL, once there is one
        self.cseq = 0
        self.client: Transaction | None = None

    def start(self, message: Message, extra: bytes, now: float) -> None:
        """Send the request on; ``extra`` are header lines of the far leg's own."""
        engine = self.call.engine
        if self.offers:
            self.origin.offered = True
        contact = b""
        if message.method in REFRESHING:
            contact = engine.stack.listeners[self.far.way.listener].contact
        if message.method == b"INVITE":
            # PRACK is for the INVITE that set the call up; to this one an 18x goes unreliably.
            message.lines = [line for line in message.lines if line[0] != b"Supported"]
        headers = b"%b%b%b" % (
            contact,
            extra,
            engine.relay.headers(message, self.call.trusted),
        )
        self.server.user = self
        self.call.live.add(self.server)
        self.call.crossings.add(self)
        self.client = engine.launch(
            self.far, message.method, headers, message.body, self, now, hops_left(message)
        )
        self.cseq = self.far.local_cseq
        self.call.live.add(self.client)
        if isinstance(self.server, InviteServer):
            engine.stack.trying(self.server, now)
            engine.timers.timer(FINAL_INTERVAL, FINAL_ANSWER).arm(self, now)

    # -- the far side answers

    def response(self, client: Transaction, message: Message, now: float) -> None:
        status = message.status
        if status < 200:
            if self.call.ended:
                self._wait(now)
            elif self.cancelled is not None:
                self._cancel(now)
            elif status > 100 and client.method == b"INVITE" and not self.answered:
                self._pass_on(message, now)
            return
        self.call.heard(now)
        if client.method == b"INVITE":
            self._invite_answered(message, now)
            return
        if self.offers:
            self.origin.offered = False
        if status < 300:
            self.call.aim(self.far, message, now)
        self._finish(message, now)
        self._end_if_gone(status, now)

    def _invite_answered(self, message: Message, now: float) -> None:
        engine = self.call.engine
        if self.answered:
            if message.status < 300:
                acks.again(self.call, self.far, message.cseq)
            return
        self.answered = True
        engine.timers.timer(FINAL_INTERVAL, FINAL_ANSWER).cancel(self)
        if self.offers:
            self.origin.offered = False
        if message.status >= 300:
            self._finish(message, now)
            self._end_if_gone(message.status, now)
            return
        self.call.aim(self.far, message, now)
        brings_offer = bool(message.body) and not self.offers
        if self.call.ended or not isinstance(self.server, InviteServer) or not brings_offer:
            acks.send(self.call, self.far, self.cseq)
        if self.call.ended or not isinstance(self.server, InviteServer):
            return
        self.call.crossings.discard(self)
        answer = Answer(
            self.call,
            self.origin,
            self.server,
            self.server.request.cseq,
            self._serialise(message),
        )
        if brings_offer:
            self.far.offered = True
            answer.far = self.far
            answer.far_cseq = self.cseq
        answer.start(now)

    def _serialise(self, message: Message) -> bytes:
        engine = self.call.engine
        contact = b""
        if self.server.method in REFRESHING and message.status < 300:
            contact = engine.stack.listeners[self.origin.way.listener].contact
        headers = engine.relay.headers(message, self.call.trusted)
        return engine.stack.response(
            self.server, message.status, contact + headers, message.body, b"", message.reason
        )

    def _pass_on(self, message: Message, now: float) -> None:
        self.server.respond(message.status, self._serialise(message), now)

    def _finish(self, message: Message, now: float) -> None:
        self.call.crossings.discard(self)
        if message.status == 401 or message.status == 407:
            self._refuse(502, now)
        elif message.status != 408 or self.server.method == b"INVITE":
            # RFC 4320 4.2: a 408 to anything but INVITE comes too late and means nothing.
            self._pass_on(message, now)

    def _refuse(self, status: int, now: float) -> None:
        self.server.respond(status, self.call.engine.stack.response(self.server, status), now)

    def _end_if_gone(self, status: int, now: float) -> None:
        """481 and 408 say that the far side knows no such call any more (12.2.1.2)."""
        if status in (408, 481) and self.client is not None and self.client.method in REFRESHING:
            self.call.lost(now)

    def failed(self, client: Transaction, status: int, now: float) -> None:
        self.call.crossings.discard(self)
        self.call.engine.timers.timer(FINAL_INTERVAL, FINAL_ANSWER).cancel(self)
        if self.offers:
            self.origin.offered = False
        if client.method == b"INVITE" or status != 408:
            # See `_finish`.
            self._refuse(status, now)
        if client.method in REFRESHING or status == 503:
            self.call.lost(now)

    # -- the asker, or the call, takes it back

    def cancel(self, headers: bytes, now: float) -> None:
        """The asker cancelled its re-INVITE: so do we, when that is allowed (9.1). The far
        side's answer, 487 or not, is the asker's."""
        if not self.answered:
            self.cancelled = headers
            self._cancel(now)

    def _cancel(self, now: float) -> None:
        client = self.client
        if isinstance(client, InviteClient) and client.state == PROCEEDING:
            stack = self.call.engine.stack
            cancel = stack.cancel(client, Silent(self.call), now, self.cancelled or b"")
            if cancel is not None:
                self.call.live.add(cancel)

    def close(self, now: float) -> None:
        """The call is over: an open request of it is answered with 487 (15.1.2)."""
        self.call.crossings.discard(self)
        self.call.engine.timers.timer(FINAL_INTERVAL, FINAL_ANSWER).cancel(self)
        if not self.answered:
            self._refuse(487, now)
            self._wait(now)

    def _wait(self, now: float) -> None:
        """The BYE ends a re-INVITE at the far side too (15.1.2), or 64*T1 does here."""
        if isinstance(self.client, InviteClient) and self.client.state == PROCEEDING:
            self.client.wait_for_final(now)

    def confirmed(self, now: float) -> None:
        self.call.rest(now)

    def finished(self, transaction: Transaction, now: float) -> None:
        self.call.done(transaction, now)

    def expired(self, _event: int, now: float) -> None:
        """A re-INVITE that rings for ever is cancelled."""
        self.cancel(b"", now)

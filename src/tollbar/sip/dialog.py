"""The dialog (RFC 3261 12): identifiers, CSeqs, route set, remote target.

Every request inside a dialog, ACK included, is built here and nowhere else, because the
route set and the target are easy to get right once and hard to get right five times.
"""

from typing import Any, Final

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import Address
from tollbar.sip.flow import Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.reliable import Reliable
from tollbar.sip.routing import Neighbours, next_hop, strict_first

RESTART_JUMP: Final = 1000  # requests we may have sent after the last state we kept
KEPT_FIELDS: Final = 10


class Dialog:
    """One dialog as one side sees it.

    ``local`` and ``remote`` are the From and To values of our requests, tags included.
    ``way`` is how the peer was reached last. ``leg`` and ``mate`` belong to the call: the leg
    this dialog is of, and the dialog it is joined to on the other leg.

    ``offered``: the peer made an SDP offer that it has no answer to yet (RFC 3264).
    ``settled``: the first offer of this dialog has its answer.
    ``session``: the response whose session answers the peer's offer and came unreliably.
    ``ack`` is the last ACK sent, kept because every repeat of its 2xx is ACKed again.
    ``rseq_heard`` is the last RSeq of the peer; ``reliable`` sends our own reliable responses.
    """

    __slots__ = (
        "_hop",
        "_way",
        "ack",
        "ack_cseq",
        "ack_hop",
        "call_id",
        "confirmed",
        "key",
        "leg",
        "local",
        "local_cseq",
        "local_tag",
        "mate",
        "offered",
        "reliable",
        "remote",
        "remote_cseq",
        "remote_tag",
        "routes",
        "rseq_heard",
        "session",
        "settled",
        "target",
    )

    def __init__(
        self,
        call_id: bytes,
        local: bytes,
        local_tag: bytes,
        remote: bytes,
        remote_tag: bytes,
        way: Hop,
    ) -> None:
        self.key = b" ".join((call_id, local_tag, remote_tag))
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self._way: Hop = way
        self._hop: Hop | None = None
        self.local_cseq = 0
        self.remote_cseq = -1
        self.routes: list[bytes] = []
        self.target = b""
        self.confirmed = False
        self.ack = b""
        self.ack_cseq = -1
        self.ack_hop: Hop = way
        self.offered = False
        self.settled = False
        self.session: Message | None = None
        self.rseq_heard = 0
        self.reliable: Reliable | None = None
        self.leg: Any = None
        self.mate: Dialog | None = None

    @property
    def way(self) -> Hop:
        return self._way

    @way.setter
    def way(self, hop: Hop) -> None:
        if hop is not self._way:
            self._way = hop
            self._hop = None

    @classmethod
    def answering(cls, invite: Message, tag: bytes, way: Hop) -> "Dialog":
        """The dialog a response with To-tag ``tag`` makes on our server side (12.1.1)."""
        fields = invite.fields
        to = fields[b"To"]
        dialog = cls(
            invite.call_id,
            to if invite.to_tag else b"%b;tag=%b" % (to, tag),
            tag,
            fields[b"From"],
            invite.from_tag,
            way,
        )
        dialog.remote_cseq = invite.cseq
        dialog.routes = invite.record_routes
        dialog.aim(invite)
        return dialog

    @classmethod
    def calling(
        cls,
        call_id: bytes,
        local: bytes,
        local_tag: bytes,
        cseq: int,
        response: Message,
        way: Hop,
    ) -> "Dialog":
        """The dialog a response makes on our client side (12.1.2)."""
        remote = response.fields[b"To"]
        dialog = cls(call_id, local, local_tag, remote, response.to_tag, way)
        dialog.local_cseq = cseq
        dialog.routes = response.record_routes[::-1]
        dialog.aim(response)
        return dialog

    def reached(self, hop: Hop) -> None:
        """An answer came from there: until the peer says otherwise, requests go that way."""
        if isinstance(hop, Target) and hop.reliable:
            self._hop = hop

    def hop(self, listeners: Neighbours) -> Hop:
        """Where requests go now."""
        hop = self._hop
        if hop is None or hop.gone:
            hop = self._hop = next_hop(self.target, self.routes, self._way, listeners)
            if hop is not self._way and isinstance(hop, Target):
                hop.dialog = self.key
        return hop

    def avoid(self, hop: Hop, other: Hop) -> None:
        """Nobody takes a connection there: until the peer says otherwise, requests go by
        ``other``."""
        if self._hop is hop:
            self._hop = other

    def aim(self, message: Message) -> bool:
        """Take the remote target from a message that may refresh it (12.2); is it another?"""
        contact = message.contact
        if contact is None or contact.uri == self.target or contact.uri == b"*":
            return False
        self.target = contact.uri
        self._hop = None
        return True

    def confirm(self, response: Message) -> None:
        """A 2xx came: the route set is computed anew from it (13.2.2.4)."""
        if not self.confirmed:
            self.confirmed = True
            self.routes = response.record_routes[::-1]
            self._hop = None
        self.aim(response)

    def heard(self, message: Message) -> None:
        """Check and take the CSeq of a request from the peer (12.2.2).

        Raises SipError(500) where it is not above the last one.
        """
        cseq = message.cseq
        if cseq <= self.remote_cseq:
            raise SipError(500, "CSeq out of order")
        self.remote_cseq = cseq

    def request(
        self,
        method: bytes,
        headers: bytes,
        body: bytes,
        listeners: Neighbours,
        cseq: int = 0,
        hops_left: int = 70,
    ) -> tuple[bytes, bytes, Hop]:
        """Build a request: its start line, what follows the Via, and its hop.

        ``headers`` are whole lines. ``cseq`` is given for ACK (its INVITE's); every other
        request takes the next number.
        """
        if not cseq:
            self.local_cseq += 1
            cseq = self.local_cseq
        # A peer that named no Contact is known by its address, and reached the way it came.
        target, routes = self.target or Address(self.remote).uri, self.routes
        hop = self.hop(listeners)
        if routes and strict_first(routes):
            target, routes = Address(routes[0]).uri, [*routes[1:], b"<%b>" % target]
        route = b"".join([b"Route: %b\r\n" % value for value in routes]) if routes else b""
        start = b"%b %b SIP/2.0\r\n" % (method, target)
        rest = (
            b"Max-Forwards: %d\r\n%bFrom: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n"
            b"%bContent-Length: %d\r\n\r\n%b"
            % (
                hops_left,
                route,
                self.local,
                self.remote,
                self.call_id,
                cseq,
                method,
                headers,
                len(body),
                body,
            )
        )
        return start, rest, hop

    # -- what a restart needs

    def keep(self) -> bytes:
        """The dialog as lines, ``KEPT_FIELDS`` of them, the last without its line end."""
        return b"\n".join(
            (
                self.call_id,
                self.local,
                self.local_tag,
                self.remote,
                self.remote_tag,
                b"%d\n%d" % (self.local_cseq, self.remote_cseq),
                self.target,
                b", ".join(self.routes),
                b"%d" % self.ack_cseq,
            )
        )

    @classmethod
    def kept(cls, fields: list[bytes], way: Hop) -> "Dialog":
        """The dialog that ``keep`` wrote down; our CSeq jumps ahead of what we may have sent."""
        call_id, local, local_tag, remote, remote_tag, ours, theirs, target, routes, ack = fields
        dialog = cls(call_id, local, local_tag, remote, remote_tag, way)
        dialog.local_cseq = int(ours) + RESTART_JUMP
        dialog.remote_cseq = int(theirs)
        dialog.target = target
        dialog.routes = grammar.split_list(routes)
        dialog.ack_cseq = int(ack)
        dialog.confirmed = True
        return dialog

"""Reliable provisional responses, server side (RFC 3262 3): one stream per early dialog.

RSeq counts within that dialog. A response is repeated until its PRACK comes; the next one
waits for it, because the caller must get them in order.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from tollbar.sip.transaction import REPEAT, InviteServer

if TYPE_CHECKING:
    from tollbar.sip.stack import Stack


MOST_WAITING: Final = 16  # responses of one dialog; who sends more does not wait for PRACKs


class ReliableUser(Protocol):
    def unacknowledged(self, now: float) -> None:
        """No PRACK came within 64*T1: the INVITE is to be refused with 5xx."""


class Reliable:
    """What was sent and is not acknowledged yet."""

    __slots__ = ("_level", "_rseq", "server", "stack", "user", "waiting")

    def __init__(self, stack: "Stack", server: InviteServer, user: ReliableUser) -> None:
        self.stack = stack
        self.server = server
        self.user = user
        self.waiting: deque[tuple[int, bytes, bool, bytes]] = deque()
        self._rseq = 0
        self._level = 0

    def number(self) -> int:
        """The RSeq for the response about to be built."""
        self._rseq += 1
        return self._rseq

    def send(self, rseq: int, data: bytes, with_sdp: bool, due: bytes, now: float) -> None:
        """Send a response carrying ``rseq``, now or when those before it are acknowledged;
        ``due`` is what then falls to the other leg, and means nothing here."""
        if len(self.waiting) == MOST_WAITING:
            return
        self.waiting.append((rseq, data, with_sdp, due))
        if len(self.waiting) == 1:
            self._transmit(now)

    def _transmit(self, now: float) -> None:
        self._level = 0
        self.server.respond(180, self.waiting[0][1], now)
        self.stack.doubling[0].arm(self, now)
        self.stack.give_up.arm(self, now)

    def acknowledged(self, rseq: int, now: float) -> bytes | None:
        """A PRACK names ``rseq``: what is due for it, or None where another is waited for."""
        if not self.waiting or self.waiting[0][0] != rseq:
            return None
        self.stop()
        *_, due = self.waiting.popleft()
        if self.waiting:
            self._transmit(now)
        return due

    @property
    def owes_sdp(self) -> bool:
        """Is a response with SDP unacknowledged? A 2xx has to wait for its PRACK."""
        return any(with_sdp for _, _, with_sdp, _ in self.waiting)

    def finish(self) -> None:
        """The final response goes: nothing more is sent, but the PRACK of what was may be on its
        way (RFC 3262 3)."""
        self.stop()
        while len(self.waiting) > 1:
            self.waiting.pop()

    def stop(self) -> None:
        self.stack.doubling[self._level].cancel(self)
        self.stack.give_up.cancel(self)

    def expired(self, event: int, now: float) -> None:
        if event == REPEAT:
            self.stack.repeat(self.server.hop, self.waiting[0][1])
            if self._level + 1 < len(self.stack.doubling):
                self._level += 1
                self.stack.doubling[self._level].arm(self, now)
        else:
            self.stop()
            self.waiting.clear()
            self.user.unacknowledged(now)

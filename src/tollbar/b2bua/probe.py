"""Does a call still live? An OPTIONS in each of its dialogs asks.

Silence, 408 or 481 means that this peer knows the call no more (RFC 3261 12.2.1.2); any
other answer that it does. A probe never ends a call that answered it.
"""

from typing import TYPE_CHECKING

from tollbar.b2bua.leg import Silent
from tollbar.sip.dialog import Dialog
from tollbar.sip.message import Message
from tollbar.sip.transaction import Transaction

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call


class Probe(Silent):
    """One OPTIONS; if its peer lost the call, that was ``alive`` until that UTC second."""

    __slots__ = ("alive", "dialog")

    def __init__(self, call: "Call", dialog: Dialog, alive: float) -> None:
        super().__init__(call)
        self.dialog = dialog
        self.alive = alive

    def response(self, client: Transaction, message: Message, now: float) -> None:
        if message.status in (408, 481):
            self.call.lost(now, self.alive)
        elif message.status >= 200:
            self.call.alive = 0.0
            self.dialog.reached(client.hop)

    def failed(self, _client: Transaction, _status: int, now: float) -> None:
        self.call.lost(now, self.alive)


def probe(call: "Call", now: float, alive: float) -> None:
    """Ask both sides."""
    call.engine.silence.arm(call, now)
    for leg in (call.a, call.b):
        if leg is not None and leg.dialog is not None:
            user = Probe(call, leg.dialog, alive)
            call.live.add(call.engine.launch(leg.dialog, b"OPTIONS", b"", b"", user, now))

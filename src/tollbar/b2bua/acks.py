"""The ACK of a 2xx (RFC 3261 13.2.2.4, 13.3.1.4): sent, sent again, come, never come.

It belongs to no transaction, and each leg has its own: the callee's 2xx is ACKed at once,
unless it carried the offer; then its ACK waits for the caller's and takes its body along.
"""

from typing import TYPE_CHECKING

from tollbar.b2bua import causes
from tollbar.sip.dialog import Dialog
from tollbar.sip.flow import Hop
from tollbar.sip.message import Message
from tollbar.sip.transaction import PROCEEDING

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call
    from tollbar.b2bua.engine import Engine
    from tollbar.b2bua.leg import Answer


def send(call: "Call", dialog: Dialog, cseq: int, headers: bytes = b"", body: bytes = b"") -> None:
    """Send the ACK and keep it for the repeats of its 2xx."""
    engine = call.engine
    start, rest, hop = dialog.request(b"ACK", headers, body, engine.listeners, cseq)
    dialog.ack, dialog.ack_hop = engine.dialog_ack(start, rest, hop)
    dialog.ack_cseq = cseq


def send_far(call: "Call", answer: "Answer", headers: bytes = b"", body: bytes = b"") -> None:
    """Send the one that waited for the ACK of ``answer``, once."""
    far, answer.far = answer.far, None
    if far is not None:
        far.offered = False
        send(call, far, answer.far_cseq, headers, body)


def again(call: "Call", dialog: Dialog, cseq: int) -> None:
    """A 2xx came once more: the same ACK, or one like it where that is not kept."""
    mate = dialog.mate
    if mate is not None and mate.leg.answer is not None and mate.leg.answer.far is dialog:
        # Its own ACK still waits for the other side's.
        return
    if dialog.ack_cseq < 0:
        # It waits for the disk.
        return
    engine = call.engine
    if dialog.ack and dialog.ack_cseq == cseq:
        if dialog.ack_hop.gone:
            divert(engine, dialog, dialog.hop(engine.listeners))
        else:
            engine.stack.repeat(dialog.ack_hop, dialog.ack)
    else:
        engine.dialog_ack(*dialog.request(b"ACK", b"", b"", engine.listeners, cseq))


def divert(engine: "Engine", dialog: Dialog, hop: Hop) -> None:
    """The ACK did not arrive, for where it went is no way: the same by another hop."""
    start, _, rest = dialog.ack.split(b"\r\n", 2)
    dialog.ack, dialog.ack_hop = engine.dialog_ack(start + b"\r\n", rest, hop)


def came(call: "Call", dialog: Dialog, message: Message, now: float) -> None:
    """An ACK for a 2xx of ours, from either side."""
    answer = dialog.leg.answer
    if answer is None or answer.dialog is not dialog or answer.cseq != message.cseq:
        return
    if answer.server.state == PROCEEDING:
        # A guess: what it acknowledges has not been sent yet.
        return
    answer.stop()
    if answer.far is not None:
        crossing = call.engine.relay.headers(message, False) if message.body else b""
        send_far(call, answer, crossing, message.body)
    _say_bye(call, dialog, now)
    call.done(answer, now)


def never_came(call: "Call", answer: "Answer", now: float) -> None:
    """No ACK within 64*T1: both sides are told that the call is over (13.3.1.4)."""
    answer.stop()
    if not answer.doubtful:
        send_far(call, answer)
    told = _say_bye(call, answer.dialog, now)
    if not told and not call.ended and not answer.doubtful:
        call.hang_up("no_ack", causes.GATEWAY, now, q850=102)
    call.done(answer, now)


def _say_bye(call: "Call", dialog: Dialog, now: float) -> bool:
    """Send the BYE that waited for this ACK, if one did."""
    headers, dialog.leg.bye = dialog.leg.bye, None
    if headers is None:
        return False
    call.send_bye(dialog, headers, now)
    return True

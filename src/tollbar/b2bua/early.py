"""Before the answer: provisional responses on their way to the caller, PRACK per leg (RFC 3262).

RSeq and RAck are each leg's own. A PRACK without SDP ends on its leg, one with SDP crosses; the
callee's reliable 18x with SDP is acknowledged when the caller has acknowledged ours.
"""

from typing import TYPE_CHECKING

from tollbar.b2bua.crossing import Crossing
from tollbar.b2bua.facts import Rang
from tollbar.b2bua.leg import Silent
from tollbar.sip.dialog import Dialog
from tollbar.sip.message import Message
from tollbar.sip.transaction import Server

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call


def progressed(call: "Call", fork: Dialog, message: Message, rack: bytes, now: float) -> None:
    """The callee's 18x, on one of its early dialogs; ``rack`` is the RAck line of its PRACK, empty
    where it came unreliably."""
    if call.ended or call.answered_at:
        return
    if message.status >= 180 and not call.rang:
        call.rang = True
        call.engine.happened(Rang, call.id, now)
    caller = call.a
    mate = caller.mate_of(fork)
    reliably = caller.reliable and (bool(rack) or b"100rel" in caller.invite.tokens(b"Require"))
    if rack and message.body:
        if mate.offered:
            fork.settled = True
            if reliably:
                mate.offered = False
            else:
                mate.session = message
        elif not fork.settled:
            fork.offered = True
    if rack and not (reliably and message.body):
        _prack(call, fork, rack, now)
        rack = b""
    caller.progress(mate, message, reliably, rack, now)


def conclude(mate: Dialog, message: Message) -> None:
    """A callee's 2xx need not repeat the answer that its reliable 18x brought. A caller that had
    this unreliably has no answer yet, so its own 2xx brings it (RFC 3261 13.2.1)."""
    session, mate.session = mate.session, None
    if session is not None and not message.body:
        message.body = session.body
        message.lines += [line for line in session.lines if line[0].startswith(b"Content-")]


def _prack(call: "Call", fork: Dialog, rack: bytes, now: float) -> None:
    call.live.add(call.engine.launch(fork, b"PRACK", rack, b"", Silent(call), now))


def pracked(call: "Call", mate: Dialog, server: Server, message: Message, now: float) -> None:
    """The caller acknowledged a reliable 18x; with SDP its PRACK crosses."""
    parts = (message.first(b"RAck") or b"").split()
    rack = None
    if (
        len(parts) == 3
        and parts[0].isdigit()
        and len(parts[0]) < 11
        and parts[1:] == [b"%d" % call.a.cseq, b"INVITE"]
        and mate.reliable is not None
    ):
        rack = mate.reliable.acknowledged(int(parts[0]), now)
    fork = mate.mate
    if rack is None or fork is None:
        call.answer(server, 481, now)
        return
    if call.ended:
        # The callee needs it no more.
        call.answer(server, 200, now)
    elif message.body and rack:
        if fork.offered:
            fork.offered = False
            fork.settled = True
            offers = False
        else:
            offers = True
        Crossing(call, mate, fork, server, offers).start(message, rack, now)
    elif message.body:
        # An offer with nothing on the far side to carry it.
        call.answer(server, 488, now)
    else:
        call.answer(server, 200, now)
        if rack:
            _prack(call, fork, rack, now)
    if call.prack_first:
        call.connect(None, True, now)

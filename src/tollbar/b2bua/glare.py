"""Which request inside a call may cross now, and what the others are told (RFC 3261 14).

One offer at a time is open in a call (RFC 3261 14, RFC 3311 5.2): 491 for an offer that meets
the other side's, 500 with Retry-After for one that does not wait for its own answer. A
request for a dialog that its other end has not heard of yet must not cross either.
"""

from tollbar.b2bua.call import Call
from tollbar.b2bua.crossing import Crossing
from tollbar.sip.dialog import Dialog
from tollbar.sip.message import Message
from tollbar.sip.transaction import ACCEPTED, InviteServer, Server


def request(call: Call, dialog: Dialog, server: Server, message: Message, now: float) -> None:
    """A request inside the dialog other than INVITE, ACK, CANCEL, BYE and PRACK."""
    server.user = call.a
    call.live.add(server)
    far = dialog.mate
    if call.ended or far is None:
        call.answer(server, 481, now)
        return
    offers = message.method == b"UPDATE" and bool(message.body)
    if offers and _meets(call, dialog, far, server, now):
        return
    if far.leg is call.a and call.a.unheard:
        # The caller has no dialog yet that this could be in.
        call.answer(server, 500, now, b"Retry-After: 1\r\n")
        return
    if message.method == b"UPDATE":
        call.aim(dialog, message, now)
    Crossing(call, dialog, far, server, offers).start(message, b"", now)


def reinvite(
    call: Call, dialog: Dialog, server: InviteServer, message: Message, now: float
) -> None:
    """An INVITE inside the dialog."""
    server.user = call.a
    call.live.add(server)
    far = dialog.mate
    if call.ended or far is None:
        call.answer(server, 481, now)
        return
    if call.a.answerable:
        # The one that sets the call up is still open.
        if dialog.leg is call.a:
            _too_soon(call, server, now)
        else:
            call.answer(server, 491, now)
        return
    answer = dialog.leg.answer
    if answer is not None and answer.far is None and answer.server.state == ACCEPTED:
        # It has our 2xx, or could not ask again; only its ACK was lost (RFC 5407 3.1.4).
        answer.stop()
        call.done(answer, now)
    if _meets(call, dialog, far, server, now):
        return
    call.aim(dialog, message, now)
    Crossing(call, dialog, far, server, bool(message.body)).start(message, b"", now)


def _meets(
    call: Call, dialog: Dialog, far: Dialog, server: InviteServer | Server, now: float
) -> bool:
    """Does this offer meet another one? Then it is answered here (14.2)."""
    invites = [c for c in call.crossings if c.server.method == b"INVITE"]
    if far.offered or far.leg.answer is not None or any(c.origin is far for c in invites):
        call.answer(server, 491, now)
        return True
    if dialog.offered or any(c.origin is dialog for c in invites):
        _too_soon(call, server, now)
        return True
    return False


def _too_soon(call: Call, server: InviteServer | Server, now: float) -> None:
    """Who asks a second time before the first is answered waits for up to ten seconds (14.2)."""
    wait = call.engine.stack.token()[0] % 10
    call.answer(server, 500, now, b"Retry-After: %d\r\n" % wait)

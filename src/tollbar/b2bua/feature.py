"""A feature code: a call that we answer ourselves, to set or to clear a sticky account code.

It is an attempt with its record like any other. The code is on disk, and the record whole,
before the caller gets its 200; then comes our BYE, once that is acknowledged. No media flows.
It must never say yes to a code that the disk did not take.
"""

from typing import TYPE_CHECKING

from tollbar.b2bua import causes
from tollbar.b2bua.facts import Answered, Remembered
from tollbar.b2bua.leg import Answer
from tollbar.sip.dialog import Dialog
from tollbar.sip.sdp import declined
from tollbar.sip.transaction import SPENT

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call


def take(call: "Call", _argument: object, ok: bool, now: float) -> None:
    """The attempt is on disk: remember the code, and make the record whole."""
    if call.ended:
        return
    engine, caller, decision = call.engine, call.a, call.decision
    if not ok:
        call.fail(503, "disk", now)
        return
    if not engine.gate.sticky.has_room(decision.holder, decision.sticky):
        call.fail(503, "limit", now)
        return
    if engine.steps.full:
        call.fail(503, "disk", now)
        return
    # Nothing that follows can fail any more: it may only take the disk's time.
    engine.stack.trying(caller.server, now)
    dialog = Dialog.answering(caller.invite, caller.tag, caller.way)
    dialog.leg = caller
    dialog.confirmed = True
    caller.dialog = dialog
    caller.dialogs.append(dialog)
    engine.dialogs[dialog.key] = dialog
    body = declined(caller.invite.body, engine.stack.listeners[caller.way.listener].host)
    contact = engine.stack.listeners[caller.way.listener].contact
    headers = b"%b%bContent-Type: application/sdp\r\n" % (caller.routes, contact)
    data = engine.stack.response(caller.server, 200, headers, body, caller.tag)
    Answer(call, dialog, caller.server, caller.cseq, data)
    call.answered_at = now
    engine.happened(Answered, call.id, now)
    fact = engine.happened(Remembered, call.id, now)
    fact.holder = decision.holder
    fact.code = decision.sticky
    call.end(
        causes.ANSWERED,
        "sticky_set" if decision.sticky else "sticky_cleared",
        causes.GATEWAY,
        200,
        16,
        now,
    )
    engine.steps.hold(call.end_number, call, confirm, None, now, patient=True)


def confirm(call: "Call", _argument: object, _ok: bool, now: float) -> None:
    """It is on disk: it holds from now on, and the caller hears so."""
    answer = call.a.answer
    assert answer is not None, "nothing ends it before it was sent"
    call.engine.gate.sticky.put(call.decision.holder, call.decision.sticky)
    answer.start(now)
    call.a.invite = SPENT
    call.release(call.a, causes.reason_line(16, "feature_code"), now)

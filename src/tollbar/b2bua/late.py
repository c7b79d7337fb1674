"""The end of an answer nobody wants (any more): ACK, and BYE (RFC 3261 13.2.2.4).

It came after its caller was gone or refused, or a fork answered after another one had. The
ACK stops its repeats, so from then on the callee is in a call that only we know of: its dialog
has to be on disk before the ACK leaves.
"""

from typing import TYPE_CHECKING

from tollbar.b2bua import acks
from tollbar.sip.dialog import Dialog

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call


def end(call: "Call", fork: Dialog, ok: bool, now: float) -> None:
    """Say both. Where the dialog is not on disk (``ok`` is false) the BYE goes first: a callee
    without its ACK asks again and gives up by itself (13.3.1.4), should this process die
    between the two."""
    if ok:
        acks.send(call, fork, 1)
        call.send_bye(fork, b"", now)
    else:
        call.send_bye(fork, b"", now)
        acks.send(call, fork, 1)
    call.live.discard(fork)

"""What a restart needs of a chat, as bytes, and what becomes of it then.

A chat does not outlive its process: it ends when somebody last wrote, and the next MESSAGE
begins another. The first MESSAGE of one that had no answer yet gets 500, and so do its
repeats: it is not written a second time.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import causes
from tollbar.b2bua.facts import Closed, Ended
from tollbar.b2bua.recovery import VERSION, UnreadableError, pack, read_hop, unpack, write_hop
from tollbar.policy.attempt import FORWARD, Decision
from tollbar.sip.flow import Flow
from tollbar.sip.message import Message

if TYPE_CHECKING:
    from tollbar.b2bua.chat import Chat
    from tollbar.b2bua.engine import Engine

OPEN: Final = b"c"
FIRST: Final = b"m"  # its first MESSAGE has no answer, or a failure that may be asked for again


def keep(chat: "Chat") -> bytes:
    """The chat as it stands."""
    last = b"%.3f" % (chat.last + chat.engine.utc_offset)
    if chat.answered_at or chat.first is None:
        return pack([VERSION, OPEN, last], b"", b"")
    server = chat.first.server
    status, data = chat.final
    lines = [
        VERSION,
        FIRST,
        last,
        chat.peer.name.encode(),
        write_hop(chat.first.flow),
        b"%d" % status,
    ]
    return pack(lines, b"%bTo: %b\r\n" % (server.mirror, server.to), data)


def restore(engine: "Engine", record_id: str, kept: bytes, ended: bool, now: float) -> bool:
    """Bring a chat of the last process to its end; False where this is not one.

    Raises UnreadableError.
    """
    lines, head, data = unpack(kept)
    if len(lines) < 3 or lines[0] != VERSION or lines[1] not in (OPEN, FIRST):
        return False
    last = float(lines[2])
    if lines[1] == OPEN:
        if not ended:
            fact = engine.happened(Ended, record_id, now)
            fact.outcome = causes.ANSWERED
            fact.reason = "restart"
            fact.status = 200
            fact.q850 = 16
            fact.ended_by = causes.GATEWAY
            fact.alive = last
        engine.happened(Closed, record_id, now)
        return True
    if len(lines) != 6:
        raise UnreadableError(f"{len(lines)} values")
    _first(engine, record_id, lines, head, data, ended, now)
    return True


def _first(
    engine: "Engine",
    record_id: str,
    lines: list[bytes],
    head: bytes,
    data: bytes,
    ended: bool,
    now: float,
) -> None:
    from tollbar.b2bua.chat import Chat, Passing

    status = int(lines[5])
    peer = engine.peers.by_name.get(lines[3].decode())
    if peer is None:
        raise UnreadableError(f"peer {lines[3].decode()!r} is not configured any more")
    listener, transport, address, port = read_hop(lines[4])
    if listener not in engine.stack.listeners:
        raise UnreadableError(f"listener {listener!r} is not configured any more")
    flow = Flow(listener, transport, address, port)
    message = Message.parse(b"MESSAGE sip:restored@localhost SIP/2.0\r\n%b\r\n" % head)
    chat = Chat(engine, record_id, peer, Decision(FORWARD), now)
    chat.last = float(lines[2]) - engine.utc_offset
    server = engine.stack.revive_request(message, flow, now)
    first = chat.first = Passing(chat, server, flow, first=True)
    if not ended:
        headers = causes.reason_line(41, "restart")
        answer = first.answer(500, headers, b"", b"")
        chat.fail(500, answer, causes.INTERRUPTED, "restart", causes.GATEWAY, 41, now)
        return
    chat.ended = True
    chat.final = (status, data)
    if data:
        chat.say(None, True, now)
    else:
        # Nobody was told anything, and nobody waits any more.
        server.finish(None, now)

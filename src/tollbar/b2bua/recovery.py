"""What a restart needs of a call, as bytes, and the call again from them (SPEC G3).

Only this room and ``sip.dialog`` know the format. It opens with a version, so that a newer
Tollbar reads what an older one kept.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import causes
from tollbar.b2bua.leg import Answer, Callee, Caller
from tollbar.policy.attempt import FORWARD, Attempt, Decision
from tollbar.sip.dialog import Dialog
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.timers import GIVE_UP
from tollbar.sip.transaction import ACCEPTED, PROCEEDING

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call
    from tollbar.b2bua.engine import Engine

VERSION: Final = b"1"
SETTING_UP: Final = b"s"
ANSWERED: Final = b"a"
REFUSED: Final = b"r"

# The lines of an INVITE that its responses, its CANCEL and its ACK are built from.
_ESSENTIAL: Final = frozenset(
    (
        b"Via",
        b"From",
        b"To",
        b"Call-ID",
        b"CSeq",
        b"Contact",
        b"Route",
        b"Record-Route",
        b"Supported",
        b"Require",
    )
)


class UnreadableError(ValueError):
    """Kept bytes that this version cannot read; the text says why."""


def pack(fields: list[bytes]) -> bytes:
    """Byte strings as one: their lengths, then themselves."""
    return b"%b\n%b" % (b" ".join([b"%d" % len(field) for field in fields]), b"".join(fields))


def unpack(data: bytes) -> list[bytes]:
    lengths, newline, rest = data.partition(b"\n")
    if not newline:
        raise UnreadableError("no list of lengths")
    fields = []
    at = 0
    for length in lengths.split():
        end = at + int(length)
        fields.append(rest[at:end])
        at = end
    if at != len(rest):
        raise UnreadableError(f"{len(rest)} bytes where {at} were kept")
    return fields


def essence(message: Message) -> bytes:
    """A request without body and without the headers nobody needs after a restart."""
    lines = [b"%b %b SIP/2.0\r\n" % (message.method, message.uri)]
    for name, value in zip(message.names, message.values, strict=True):
        if name in _ESSENTIAL:
            lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"\r\n")
    return b"".join(lines)


def _way(hop: Hop) -> bytes:
    return b"%b %b %b %d" % (
        hop.listener.encode(),
        hop.transport.encode(),
        hop.address.encode(),
        hop.port,
    )


def _hop(kept: bytes) -> tuple[str, str, str, int]:
    listener, transport, address, port = kept.decode().rsplit(" ", 3)
    return listener, transport, address, int(port)


def keep(call: "Call") -> bytes:
    """The call as it stands. Empty where what was kept before still says it all."""
    caller, callee = call.a, call.b
    if call.answered_at:
        if call.ended or caller.dialog is None or callee is None or callee.dialog is None:
            return b""
        answer = caller.answer
        return pack(
            [
                VERSION,
                ANSWERED,
                b"%.3f" % (call.engine.utc_offset + call.answered_at),
                call.peer.name.encode(),
                _way(caller.way),
                essence(caller.invite),
                answer.data if answer is not None else b"",
                b"%d" % (answer.far_cseq if answer is not None else 0),
                callee.peer.name.encode(),
                _way(callee.dialog.way),
                pack(caller.dialog.keep()),
                pack(callee.dialog.keep()),
            ]
        )
    fields = [
        VERSION,
        REFUSED if call.ended else SETTING_UP,
        b"",
        call.peer.name.encode(),
        _way(caller.way),
        essence(caller.invite),
        caller.tag,
        b"%d" % call.final[0],
        call.final[1],
    ]
    if callee is not None and callee.client is not None:
        fields += [
            callee.peer.name.encode(),
            _way(callee.client.hop),
            callee.call_id,
            callee.tag,
            callee.local,
            essence(Message.parse(callee.data)) if call.ended else _head(callee.data),
        ]
    return pack(fields)


def _head(data: bytes) -> bytes:
    """A request of ours without its body; the Content-Length line goes with it."""
    return data[: data.rindex(b"Content-Length: ", 0, data.index(b"\r\n\r\n") + 2)] + b"\r\n"


def restore(
    engine: "Engine", record_id: str, kept: bytes, ended: bool, alive: float, now: float
) -> "Call":
    """Take a call up where the last process left it; raises UnreadableError.

    ``alive`` is the UTC second at which that process is last known to have lived.
    """
    from tollbar.b2bua.call import RESTORED, Call

    fields = unpack(kept)
    if len(fields) < 9 or fields[0] != VERSION:
        raise UnreadableError(f"format {fields[0][:8]!r}")
    phase = fields[1]
    peer = engine.peers.by_name.get(fields[3].decode())
    if peer is None:
        raise UnreadableError(f"peer {fields[3].decode()!r} is not configured any more")
    listener, transport, address, port = _hop(fields[4])
    if listener not in engine.stack.listeners:
        raise UnreadableError(f"listener {listener!r} is not configured any more")
    call = Call(engine, record_id, peer, now)
    call.decision = Decision(action=FORWARD)
    call.attempt = Attempt(peer=peer.name, dialled="")
    call.alive = alive
    flow = Flow(listener, transport, address, port)
    message = Message.parse(fields[5])
    server = engine.stack.revive_server(message, flow)
    way: Hop = Target(listener, transport, address, port)
    caller = call.a = Caller(call, server, message, way, peer)
    server.user = caller
    call.live.add(server)
    engine.calls[record_id] = call
    if phase == ANSWERED:
        _answered(call, fields, now)
        if ended:
            call.ended = True
            call.live.add(call)
            engine.timers.timer(GIVE_UP, RESTORED).arm(call, now)
            headers = causes.reason_line(41, "restart")
            call.release(call.b, headers, now)
            call.release(call.a, headers, now)
        else:
            engine.longest.arm(call, now)
            call.probe(now)
        return call
    caller.tag = fields[6]
    _set_up_callee(call, fields[9:])
    if phase == REFUSED:
        call.ended = True
        call.final = (int(fields[7]), fields[8])
        call.refuse_caller(None, True, now)
        if call.b is not None:
            call.b.withdraw(b"", now)
    else:
        headers = causes.reason_line(41, "restart")
        if call.b is not None:
            call.b.withdraw(headers, now)
        call.refuse(500, headers, b"", causes.INTERRUPTED, "restart", causes.GATEWAY, now)
    return call


def _set_up_callee(call: "Call", fields: list[bytes]) -> None:
    """The try that was under way: its INVITE as if just sent, unwanted now."""
    if not fields:
        return
    engine = call.engine
    peer = engine.peers.by_name.get(fields[0].decode())
    listener, transport, address, port = _hop(fields[1])
    if peer is None or listener not in engine.stack.listeners:
        return
    hop = Target(listener, transport, address, port)
    callee = Callee(call, peer, hop, fields[2], fields[3])
    callee.local = fields[4]
    callee.data = fields[5]
    client = engine.stack.revive(callee.data, hop, callee)
    client.state = PROCEEDING
    callee.client = client
    call.live.add(client)
    call.b = callee
    call.tries = 1


def _answered(call: "Call", fields: list[bytes], now: float) -> None:
    engine = call.engine
    caller = call.a
    server = caller.server
    callee_peer = engine.peers.by_name.get(fields[8].decode())
    if callee_peer is None:
        raise UnreadableError(f"peer {fields[8].decode()!r} is not configured any more")
    listener, transport, address, port = _hop(fields[9])
    way = Target(listener, transport, address, port)
    a = Dialog.kept(unpack(fields[10]), caller.way)
    b = Dialog.kept(unpack(fields[11]), way)
    callee = call.b = Callee(call, callee_peer, way, b.call_id, b.local_tag)
    callee.dialog = b
    callee.forks[b.remote_tag] = b
    caller.dialog = a
    caller.dialogs.append(a)
    a.leg, b.leg = caller, callee
    a.mate, b.mate = b, a
    engine.dialogs[a.key] = a
    engine.dialogs[b.key] = b
    call.answered_at = max(0.001, float(fields[2]) - engine.utc_offset)
    call.tries = 1
    server.state = ACCEPTED
    server.data = fields[6]
    engine.stack.linger_long.arm(server, now)
    far_cseq = int(fields[7])
    fresh = 0 <= now - call.answered_at < GIVE_UP
    if server.data and (fresh or far_cseq):
        # Whether its ACK came is not known: a phone that sent one sends it again.
        answer = Answer(call, a, server, caller.invite.cseq, server.data)
        if far_cseq:
            answer.far = b
            answer.far_cseq = far_cseq
        answer.start(now)

"""What a restart needs of a call, as bytes, and the call again from them.

Only this room and ``sip.dialog`` know the format. It opens with a version, so that a newer
Tollbar reads what an older one kept. Version 2 is version 1 with the dialogs behind it that are
to be ended because their 2xx came too late, and last their number; a call without any is kept
as before.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tollbar.b2bua import acks, causes, late
from tollbar.b2bua.facts import Closed, Ended
from tollbar.b2bua.leg import Answer, Callee, Caller
from tollbar.b2bua.peer import Peer
from tollbar.b2bua.probe import probe
from tollbar.policy.attempt import FORWARD, Attempt, Decision
from tollbar.sip.dialog import KEPT_FIELDS, RESTART_JUMP, Dialog
from tollbar.sip.errors import SipError
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.origin import mirror
from tollbar.sip.stack import COOKIE
from tollbar.sip.timers import GIVE_UP
from tollbar.sip.transaction import ACCEPTED, PROCEEDING, SPENT, Transaction

if TYPE_CHECKING:
    from tollbar.b2bua.call import Call
    from tollbar.b2bua.engine import Engine

VERSION: Final = b"1"
WITH_LATE: Final = b"2"
LATE_FIELDS: Final = KEPT_FIELDS + 1  # the hop and the dialog
SETTING_UP: Final = b"s"
ANSWERED: Final = b"a"
RESTORED: Final = 26  # deadline: repeats from before a restart are over
REFUSED: Final = b"r"
FEATURE: Final = b"f"  # a feature code, done; only its 200 and our BYE may be open


class UnreadableError(ValueError):
    """Kept bytes that this version cannot read; the text says why."""


def pack(lines: list[bytes], blob: bytes, other: bytes) -> bytes:
    """Values without line ends, one a line; then two blobs. Header values never hold one."""
    return b"%d %d\n%b\n%b%b" % (len(blob), len(other), b"\n".join(lines), blob, other)


def unpack(data: bytes) -> tuple[list[bytes], bytes, bytes]:
    """What ``pack`` packed; raises UnreadableError."""
    lengths, _, rest = data.partition(b"\n")
    try:
        first, second = map(int, lengths.split())
    except ValueError:
        raise UnreadableError("no lengths") from None
    end = len(rest) - first - second
    if min(first, second) < 0 or end < 1 or rest[end - 1 : end] != b"\n":
        raise UnreadableError("cut short")
    return rest[: end - 1].split(b"\n"), rest[end : end + first], rest[end + first :]


def write_hop(hop: Hop) -> bytes:
    """A hop as one value."""
    return _hop(hop.listener, hop.transport, hop.address, hop.port)


@lru_cache(maxsize=1024)
def _hop(listener: str, transport: str, address: str, port: int) -> bytes:
    """The same by its parts: peers are few, and each is written several times a call."""
    return f"{listener} {transport} {address} {port}".encode()


def read_hop(kept: bytes) -> tuple[str, str, str, int]:
    """Listener, transport, address and port of a hop; raises ValueError."""
    listener, transport, address, port = kept.decode().rsplit(" ", 3)
    return listener, transport, address, int(port)


def keep(call: "Call") -> bytes:
    """The call as it stands. Empty where what was kept before still says it all."""
    callee = call.b
    if not call.answered_at:
        return _keep_set_up(call)
    if callee is None:
        return _keep_feature(call)
    late = _late(callee) if len(callee.forks) > 1 else b""
    return b"" if call.ended and not late else _keep_answered(call, callee, late)


def _keep_set_up(call: "Call") -> bytes:
    """A call being set up, or refused."""
    caller, callee = call.a, call.b
    status, final = call.final
    head = _head(caller)
    tried = late = b""
    attempt: tuple[bytes, ...] = ()
    if callee is not None and callee.client is not None:
        attempt = (
            callee.peer.name.encode(),
            write_hop(callee.client.hop),
            callee.call_id,
            callee.tag,
            callee.local,
        )
        # Our own INVITE up to its CSeq: what its CANCEL and its ACK are built from. After a
        # restart there is no more of it than that.
        at = callee.data.find(b"\r\nContact: ")
        tried = callee.data[: at + 2] if at >= 0 else callee.data[:-2]
        late = _late(callee) if callee.forks else b""
    lines = (
        b"%d %d" % (len(head), len(tried) + len(final)),
        WITH_LATE if late else VERSION,
        REFUSED if call.ended else SETTING_UP,
        call.peer.name.encode(),
        write_hop(caller.way),
        *attempt,
        caller.tag,
        b"%d\n%d" % (status, len(tried)),
        late + head,
    )
    return b"\n".join(lines) + tried + final


def _keep_answered(call: "Call", callee: Callee, late: bytes) -> bytes:
    """A call that is up, with the caller's 2xx as long as its ACK is to come."""
    caller = call.a
    a, b, answer = caller.dialog, callee.dialog, caller.answer
    assert a is not None, "a call that is up has a dialog on each side"
    assert b is not None
    data, far_cseq = b"", 0
    if answer is not None and answer.server is caller.server:
        data, far_cseq = answer.data, answer.far_cseq
    head = _head(caller)
    milliseconds = int((call.engine.utc_offset + call.answered_at) * 1000)
    lines = (
        b"%d %d" % (len(head), len(data)),
        WITH_LATE if late else VERSION,
        ANSWERED,
        call.peer.name.encode(),
        write_hop(caller.way),
        callee.peer.name.encode(),
        write_hop(b.way),
        b"%de-3\n%d" % (milliseconds, far_cseq),
        a.keep(),
        b.keep(),
        late + head,
    )
    return b"\n".join(lines) + data


def _keep_feature(call: "Call") -> bytes:
    answer = call.a.answer
    if answer is None:
        return b""
    lines = [
        VERSION,
        FEATURE,
        call.peer.name.encode(),
        write_hop(call.a.way),
        b"%.3f" % (call.engine.utc_offset + call.answered_at),
        answer.dialog.keep(),
    ]
    return pack(lines, _head(call.a), answer.data)


def _late(callee: Callee) -> bytes:
    """The dialogs that are to be ended, and how many; empty where there are none."""
    lines = b""
    number = 0
    for fork in callee.forks.values():
        if fork.confirmed and fork is not callee.dialog:
            lines += b"%b\n%b\n" % (write_hop(fork.way), fork.keep())
            number += 1
    return b"%b%d\n" % (lines, number) if number else b""


def _head(caller: Caller) -> bytes:
    """The lines of the caller's INVITE that say what its repeats are known by, and are repeated
    in each response."""
    server = caller.server
    return b"%bTo: %b\r\n" % (server.mirror, server.to) if server.mirror else _recall(caller)


def _recall(caller: Caller) -> bytes:
    """The head of an INVITE that has its final response. Where it was let go with that, as far
    as a late repeat of it is known by it."""
    invite, way = caller.invite, caller.way
    if invite is not SPENT:
        flow = Flow(way.listener, way.transport, way.address, way.port)
        return b"%bTo: %b\r\n" % (mirror(invite, flow), invite.to.text)
    dialog = caller.dialog
    assert dialog is not None, "a call that is up has one on each side"
    via = caller.server.key.split(b" ")
    branch, sent_by = via[:2] if via[0].startswith(COOKIE) else (COOKIE, b"localhost")
    return (
        b"Via: SIP/2.0/%b %b;branch=%b\r\nFrom: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %d INVITE\r\n"
    ) % (
        caller.way.transport.upper().encode(),
        sent_by,
        branch,
        dialog.remote,
        dialog.local,
        dialog.call_id,
        caller.cseq,
    )


def restore_all(
    engine: "Engine", calls: Iterable[tuple[str, bytes, bool]], alive: float, now: float
) -> list[tuple[str, str]]:
    """Every call of the last process; those that cannot be taken up are ended as interrupted
    and told, each with the reason."""
    from tollbar.b2bua import chat_state

    failed = []
    for record_id, kept, ended in calls:
        try:
            if chat_state.restore(engine, record_id, kept, ended, now):
                continue
            call = restore(engine, record_id, kept, ended, alive, now)
            if not call.ended:
                engine.open[call.id] = call
        except (SipError, ValueError, LookupError, ArithmeticError) as error:
            failed.append((record_id, str(error)))
            _abandon(engine, record_id, ended, alive, now)
    # Oldest first: a timer's deadlines fall due in the order they are armed.
    for call in sorted(engine.calls.values(), key=lambda call: call.answered_at):
        if call.answered_at and not call.ended:
            call.limit(call.answered_at)
    return failed


def _abandon(engine: "Engine", record_id: str, ended: bool, alive: float, now: float) -> None:
    """A call whose kept bytes cannot be read: its record is closed, its row let go."""
    call = engine.calls.get(record_id)
    if call is not None:
        waiting: tuple[Any, ...] = (call, call.a, call.b, *call.live)
        for item in waiting:
            for timer in engine.timers.all.values():
                timer.cancel(item)
            if isinstance(item, Transaction):
                engine.stack.forget(item)
        call.part()
        engine.calls.pop(record_id, None)
    if not ended:
        fact = engine.happened(Ended, record_id, now)
        fact.outcome = causes.INTERRUPTED
        fact.reason = "unreadable"
        fact.status = 0
        fact.q850 = 41
        fact.ended_by = causes.GATEWAY
        fact.alive = alive
    engine.happened(Closed, record_id, now)


def restore(
    engine: "Engine", record_id: str, kept: bytes, ended: bool, alive: float, now: float
) -> "Call":
    """Take a call up where the last process left it; raises UnreadableError.

    ``alive`` is the UTC second at which that process is last known to have lived.
    """
    from tollbar.b2bua.call import Call

    lines, head, blob = unpack(kept)
    forks: list[Dialog] = []
    if lines[0] == WITH_LATE:
        forks = _take_late(engine, lines)
    elif lines[0] != VERSION:
        raise UnreadableError(f"format {lines[0][:8]!r}")
    if len(lines) < 7:
        raise UnreadableError("cut short")
    phase = lines[1]
    peer = _peer(engine, lines[2])
    listener, transport, address, port = read_hop(lines[3])
    if listener not in engine.stack.listeners:
        raise UnreadableError(f"listener {listener!r} is not configured any more")
    if phase == ANSWERED:
        if len(lines) != 8 + 2 * KEPT_FIELDS:
            raise UnreadableError(f"{len(lines)} values")
    elif phase == FEATURE:
        if len(lines) != 5 + KEPT_FIELDS:
            raise UnreadableError(f"{len(lines)} values")
    elif phase in (SETTING_UP, REFUSED):
        int(lines[-2]), int(lines[-1])
    else:
        raise UnreadableError(f"phase {phase!r}")
    call = Call(engine, record_id, peer, now)
    call.decision = Decision(action=FORWARD)
    call.attempt = Attempt(peer=peer.name, dialled="")
    call.alive = alive
    flow = Flow(listener, transport, address, port)
    message = Message.parse(b"INVITE sip:restored@localhost SIP/2.0\r\n%b\r\n" % head)
    server = engine.stack.revive_server(message, flow)
    way: Hop = Target(listener, transport, address, port)
    caller = call.a = Caller(call, server, message, way, peer)
    server.user = caller
    call.live.add(server)
    engine.calls[record_id] = call
    if phase == ANSWERED:
        _answered(call, lines, blob, now)
        if ended:
            call.ended = True
            call.live.add(call)
            engine.timers.timer(GIVE_UP, RESTORED).arm(call, now)
            headers = causes.reason_line(41, "restart")
            call.release(call.b, headers, now)
            call.release(call.a, headers, now)
        else:
            probe(call, now, alive)
        _end_late(call, forks, now)
        return call
    if phase == FEATURE:
        _feature(call, lines, blob, now)
        return call
    tag, status, length = lines[-3:]
    caller.tag = tag
    _set_up_callee(call, lines[4:-3], blob[: int(length)])
    if phase == REFUSED:
        call.ended = True
        call.final = (int(status), blob[int(length) :])
        call.refuse_caller(None, True, now)
        _end_late(call, forks, now)
        if call.b is not None:
            call.b.withdraw(b"", now)
    else:
        headers = causes.reason_line(41, "restart")
        if call.b is not None:
            call.b.withdraw(headers, now)
        call.refuse(500, headers, b"", causes.INTERRUPTED, "restart", causes.GATEWAY, now)
    return call


def _peer(engine: "Engine", kept: bytes) -> Peer:
    """Who a side of the call is. One that is configured no more is so by name: its calls go on,
    as they do after a reload."""
    name = kept.decode()
    return engine.peers.by_name.get(name) or Peer(name, "", None)


def _set_up_callee(call: "Call", lines: list[bytes], head: bytes) -> None:
    """The try that was under way: its INVITE as if just sent, unwanted now."""
    if not lines:
        return
    engine = call.engine
    peer = _peer(engine, lines[0])
    listener, transport, address, port = read_hop(lines[1])
    if listener not in engine.stack.listeners:
        return
    hop = Target(listener, transport, address, port)
    callee = Callee(call, peer, hop, lines[2], lines[3])
    callee.local = lines[4]
    callee.cseq += RESTART_JUMP
    callee.data = head + b"\r\n"
    client = engine.stack.revive(callee.data, hop, callee)
    client.state = PROCEEDING
    callee.client = client
    call.live.add(client)
    call.b = callee
    call.tries = 1


def _take_late(engine: "Engine", lines: list[bytes]) -> list[Dialog]:
    """The dialogs behind the rest, taken off it."""
    size = int(lines.pop()) * LATE_FIELDS
    if not 0 < size < len(lines):
        raise UnreadableError("cut short")
    forks = []
    for at in range(len(lines) - size, len(lines), LATE_FIELDS):
        listener, transport, address, port = read_hop(lines[at])
        if listener not in engine.stack.listeners:
            raise UnreadableError(f"listener {listener!r} is not configured any more")
        way = Target(listener, transport, address, port)
        forks.append(Dialog.kept(lines[at + 1 : at + LATE_FIELDS], way))
    del lines[-size:]
    return forks


def _end_late(call: "Call", forks: list[Dialog], now: float) -> None:
    """ACK and BYE for the answers that came too late, whether or not they had them."""
    callee = call.b
    if callee is None:
        return
    if forks and callee.client is not None:
        # Answered, so there is nothing to CANCEL; other forks may still answer.
        callee.client.state = ACCEPTED
        call.engine.stack.linger_long.arm(callee.client, now)
    for fork in forks:
        fork.leg = callee
        callee.forks[fork.remote_tag] = fork
        call.engine.dialogs[fork.key] = fork
        late.end(call, fork, True, now)


def _monotonic(engine: "Engine", utc: bytes, now: float) -> float:
    """A kept time by this process's clock; never one to come, though UTC has been set back: each
    deadline that is armed later would wait for that of such a call."""
    return min(now, float(utc) - engine.utc_offset)


def _feature(call: "Call", lines: list[bytes], data: bytes, now: float) -> None:
    """Its 200 again until the ACK, if that may still be to come, and our BYE."""
    engine, caller = call.engine, call.a
    answered_at = _monotonic(engine, lines[4], now)
    dialog = Dialog.kept(lines[5:], caller.way)
    dialog.local_cseq += int((now - answered_at) * 1000)
    dialog.leg = caller
    caller.dialog = dialog
    caller.dialogs.append(dialog)
    engine.dialogs[dialog.key] = dialog
    call.answered_at = answered_at or 0.001
    call.ended = True
    call.live.add(call)
    engine.timers.timer(GIVE_UP, RESTORED).arm(call, now)
    server = caller.server
    server.state = ACCEPTED
    server.data = data
    engine.stack.linger_long.arm(server, now)
    if now - answered_at < GIVE_UP:
        Answer(call, dialog, server, caller.cseq, data).start(now)
    call.release(caller, causes.reason_line(16, "feature_code"), now)


def _answered(call: "Call", lines: list[bytes], data: bytes, now: float) -> None:
    """Both dialogs again, and the 2xx if its ACK may still be to come."""
    engine = call.engine
    caller = call.a
    server = caller.server
    answered_at = _monotonic(engine, lines[6], now)
    far_cseq = int(lines[7])
    peer = _peer(engine, lines[4])
    listener, transport, address, port = read_hop(lines[5])
    if listener not in engine.stack.listeners:
        raise UnreadableError(f"listener {listener!r} is not configured any more")
    way = Target(listener, transport, address, port)
    a = Dialog.kept(lines[8 : 8 + KEPT_FIELDS], caller.way)
    b = Dialog.kept(lines[8 + KEPT_FIELDS :], way)
    # What was kept may be several restarts old: each has to jump beyond the one before.
    lived = int((now - answered_at) * 1000)
    a.local_cseq += lived
    b.local_cseq += lived
    callee = call.b = Callee(call, peer, way, b.call_id, b.local_tag)
    callee.dialog = b
    callee.forks[b.remote_tag] = b
    caller.dialog = a
    caller.dialogs.append(a)
    a.leg, b.leg = caller, callee
    a.mate, b.mate = b, a
    engine.dialogs[a.key] = a
    engine.dialogs[b.key] = b
    # No ACK towards the caller waits for the disk: one is due at once where it answers a
    # re-INVITE that the last process sent.
    a.ack_cseq = max(a.ack_cseq, 0)
    call.answered_at = answered_at or 0.001
    call.tries = 1
    server.state = ACCEPTED
    server.data = data
    engine.stack.linger_long.arm(server, now)
    if data and now - answered_at < GIVE_UP:
        # Whether its ACK came is not known: a phone that sent one sends it again.
        answer = Answer(call, a, server, caller.cseq, data)
        answer.doubtful = True
        if far_cseq:
            answer.far = b
            answer.far_cseq = far_cseq
        answer.start(now)
        if far_cseq:
            return
    b.ack_cseq = max(b.ack_cseq, far_cseq, 1)
    if caller.answer is not None:
        # Nor whether the callee got its own. It may hear BYE before it asks again: one ACK too
        # many is absorbed (17.2.1), one too few leaves it waiting.
        acks.send(call, b, b.ack_cseq)

"""What must be true of everything that was on the wire, and of the records beside it.

Each rule gives its offenders, as text; a good run gives none. No rule asks the gateway or its
log: they know the wire, the phones and the records.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tests.crash.capture import Seen
from tests.crash.phones import Incoming, Outgoing

from tollbar.cdr.record import Record

Records = Mapping[str, Sequence[Record]]

CLOCKS = 0.05
"""Seconds that a clock which is set may be off one that only runs, and a record's rounding."""

TAKES_UP = 0.5
"""Seconds within which a gateway under load has an INVITE on disk and says 100."""


def attempts(wire: Sequence[Seen]) -> set[tuple[str, str]]:
    """The INVITEs of callers, by Call-ID and CSeq: no repeat counts twice."""
    return {
        (seen.call_id, seen.cseq)
        for seen in wire
        if seen.caller and seen.sent and seen.word == "INVITE"
    }


def never_read(wire: Sequence[Seen], lives: Sequence[tuple[float, float]]) -> set[str]:
    """The Call-IDs of callers over UDP that nobody was there to hear: each of their INVITEs came
    while no process was ready, or so soon before its death that it could not take it up. They
    heard nothing at all; what no gateway has read is no attempt."""
    heard = {seen.call_id for seen in wire if seen.caller and not seen.sent}
    asked: dict[str, list[float]] = defaultdict(list)
    for seen in wire:
        if seen.caller and seen.sent and seen.word == "INVITE" and seen.call_id not in heard:
            asked[seen.call_id].append(seen.at)
    return {
        call_id
        for call_id, moments in asked.items()
        if not any(ready <= at < killed - TAKES_UP for at in moments for ready, killed in lives)
    }


def not_one_record(wire: Sequence[Seen], records: Records) -> Iterator[str]:
    """Every attempt has exactly one record, and no record is without its attempt."""
    counted = Counter(call_id for call_id, _ in attempts(wire))
    for call_id in sorted(counted.keys() | records.keys()):
        if len(records.get(call_id, ())) != counted[call_id]:
            yield f"{call_id}: {counted[call_id]} attempts, {len(records.get(call_id, ()))} records"


def callers_left(wire: Sequence[Seen], records: Records) -> Iterator[str]:
    """Every caller gets a final answer, always the same, and it is what the record says."""
    heard: dict[str, set[str]] = defaultdict(set)
    for seen in wire:
        if seen.caller and not seen.sent and seen.cseq == "1 INVITE" and seen.word >= "200":
            heard[seen.call_id].add(seen.word)
    for call_id, _ in sorted(attempts(wire)):
        told = {str(record.sip_status) for record in records.get(call_id, ())}
        if len(heard[call_id]) != 1 or heard[call_id] != told:
            yield f"{call_id}: the caller heard {heard[call_id]}, on record is {told}"


def phones_left(wire: Sequence[Seen], records: Records) -> Iterator[str]:
    """No callee is left ringing or off the hook, and none rings twice for one attempt."""
    got: dict[str, list[Seen]] = defaultdict(list)
    for seen in wire:
        if not seen.caller:
            got[seen.call_id].append(seen)
    known = {record.b_call_id for many in records.values() for record in many}
    for call_id, story in sorted(got.items()):
        requests = {seen.word for seen in story if not seen.word.isdigit()}
        if not any(seen.sent and seen.cseq == "1 INVITE" for seen in story):
            continue  # it never rang
        answers = {s.word for s in story if s.sent and s.cseq == "1 INVITE" and s.word >= "200"}
        end = f"{call_id}: {sorted(requests)} and {sorted(answers)}"
        if call_id not in known:
            yield f"{end}, on no record"
        elif len(answers) != 1 or "ACK" not in requests:
            yield f"{end}, left ringing"
        elif answers == {"200"} and "BYE" not in requests:
            yield f"{end}, left off the hook"


def wrong_length(record: Record, caller: Outgoing, callee: Incoming) -> str:
    """Why this cannot be the true length of a call, "" where it can.

    The gateway heard the answer after the callee gave it and before the caller had it, the BYE
    after it was sent and before it was done with, however late either phone got round to it."""
    ender = callee if record.ended_by == "callee" else caller
    ended = (ender.bye_from, ender.bye_done)
    if record.ended_by == "gateway":  # nobody's BYE came through: its last heartbeat counts
        both = [at for side in (caller, callee) for at in (side.bye_from, side.bye_done) if at]
        ended = (min(both, default=math.inf) - 1.0, max(both, default=math.inf))
    low = ended[0] - caller.answered - CLOCKS if caller.answered else -math.inf
    high = ended[1] - callee.answered + CLOCKS
    lasted = record.billable_ms / 1000
    if low <= lasted <= high:
        return ""
    return f"{record.a_call_id}: {lasted:.3f} s, not {low:.3f} to {high:.3f}"

"""Reliable provisional responses: repeated until PRACK, one at a time, in order (RFC 3262 3)."""

from tests.sip.wire import Wire, header, request

from tollbar.sip.reliable import MOST_WAITING, Reliable
from tollbar.sip.transaction import InviteServer


class Giver:
    def __init__(self) -> None:
        self.gave_up: list[float] = []

    def unacknowledged(self, now: float) -> None:
        self.gave_up.append(now)


def stream() -> tuple[Wire, Giver, Reliable]:
    wire, user = Wire(), Giver()
    server = wire.server(request())
    assert isinstance(server, InviteServer)
    return wire, user, Reliable(wire.stack, server, user)


def say(wire: Wire, reliable: Reliable, status: int = 183, sdp: bool = False) -> int:
    rseq = reliable.number()
    data = wire.stack.response(reliable.server, status, b"RSeq: %d\r\n" % rseq, b"", b"ours")
    reliable.send(rseq, data, sdp, b"due %d" % rseq, wire.now)
    return rseq


def rseqs(wire: Wire) -> list[int]:
    return [int(header(data, b"RSeq")) for data in wire.collect()]


def test_it_is_repeated_doubling_until_64_t1_and_then_given_up() -> None:
    wire, user, reliable = stream()
    say(wire, reliable)
    assert rseqs(wire) == [1]
    assert wire.run(31.9) == [(when, "183") for when in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert user.gave_up == []
    assert wire.run(1000) == []
    assert user.gave_up == [32.0]
    assert not reliable.waiting


def test_prack_ends_the_repeats() -> None:
    wire, user, reliable = stream()
    rseq = say(wire, reliable)
    wire.run(2.0)
    assert reliable.acknowledged(rseq, wire.now) == b"due 1"
    assert wire.run(1000) == []
    assert user.gave_up == []


def test_the_second_waits_for_the_prack_of_the_first() -> None:
    wire, _, reliable = stream()
    first, second = say(wire, reliable), say(wire, reliable, 180)
    assert (first, second) == (1, 2)
    assert rseqs(wire) == [1]
    assert reliable.acknowledged(second, wire.now) is None
    assert reliable.acknowledged(first, wire.now) == b"due 1"
    assert rseqs(wire) == [2]
    assert wire.run(wire.now + 0.5)[0][1] == "180"
    assert reliable.acknowledged(second, wire.now) == b"due 2"
    assert wire.run(1000) == []


def test_a_prack_counts_once() -> None:
    wire, _, reliable = stream()
    rseq = say(wire, reliable)
    assert reliable.acknowledged(rseq + 1, wire.now) is None
    assert reliable.acknowledged(rseq, wire.now) == b"due 1"
    assert reliable.acknowledged(rseq, wire.now) is None


def test_an_unacknowledged_answer_is_owed() -> None:
    wire, _, reliable = stream()
    rseq = say(wire, reliable, sdp=True)
    later = say(wire, reliable, 180)
    assert reliable.owes_sdp
    reliable.acknowledged(rseq, wire.now)
    assert not reliable.owes_sdp
    reliable.acknowledged(later, wire.now)


def test_a_repeat_of_the_invite_gets_the_one_that_waits() -> None:
    wire, _, reliable = stream()
    say(wire, reliable)
    wire.collect()
    assert [header(data, b"RSeq") for data in wire.receive(request())] == [b"1"]


def test_a_far_end_that_never_stops_is_not_stored() -> None:
    wire, user, reliable = stream()
    for _ in range(10 * MOST_WAITING):
        say(wire, reliable)
    assert len(reliable.waiting) == MOST_WAITING
    wire.run(1000)
    assert user.gave_up == [32.0]

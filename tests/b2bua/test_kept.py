"""What was kept of a call may be spoilt, or not fit the configuration any more: the gateway
starts all the same, and each call is carried on or closed with one record."""

from collections import Counter
from functools import cache

import pytest
from tests.b2bua.hostile import Spoiler
from tests.b2bua.ladder import Ladder
from tests.b2bua.test_hostile import Field
from tests.b2bua.test_late import CANCELLED, SECOND
from tests.b2bua.wire import Wire

from tollbar.b2bua.facts import Closed, Ended, Fact
from tollbar.b2bua.peer import Peers

ALIVE = 1_700_000_000.0


@cache
def rows() -> list[tuple[bytes, bool]]:
    """Kept bytes of calls in every phase, and whether the call was over."""
    field = Field(1)
    found: list[tuple[bytes, bool]] = []
    take = field.engine.take_facts

    def taken() -> list[Fact]:
        facts = take()
        found.extend((fact.kept, isinstance(fact, Ended)) for fact in facts if fact.kept)
        return facts

    field.engine.take_facts = taken  # type: ignore[method-assign]
    for number in range(1, 30):
        field.play(number, Spoiler(1), 0)
    for situation, over in ((CANCELLED, True), (SECOND, False)):
        ladder = Ladder().climb(situation).climb("B -> 200 (tag late) | B -> 200 (tag later)")
        found += [(kept, over) for kept, _ in ladder.wire.rows.values()]
    return found


HEAD = (
    b"Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK-A-1;rport=5080;received=127.0.0.1\r\n"
    b'From: "A" <sip:1001@127.0.0.1>;tag=A1\r\nCall-ID: A-1@127.0.0.1\r\nCSeq: 1 INVITE\r\n'
    b"To: <sip:3175551234@127.0.0.1:5060>"
)
TRY = (
    b"INVITE sip:3175551234@127.0.0.1:5070 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK1bcccea696762e61\r\n"
    b'Max-Forwards: 69\r\nFrom: "A" <sip:1001@127.0.0.1>;tag=a3d811736110e578\r\n'
    b"To: <sip:3175551234@127.0.0.1>\r\nCall-ID: 3c344c4189eb2f1e7bd5d47e446fcec2\r\n"
    b"CSeq: 1 INVITE\r\n"
)
BEFORE_B = (
    b"pbx\nudp udp 127.0.0.1 5080\ncarrier\nudp udp 127.0.0.1 5070\n"
    b"3c344c4189eb2f1e7bd5d47e446fcec2\na3d811736110e578\n"
    b'"A" <sip:1001@127.0.0.1>;tag=a3d811736110e578\nc4bb86c3d1c42710\n'
)
# What 0.1 kept of a call being set up, of one that is up, and of one that was refused.
VERSION_1 = [
    b"198 278\n1\ns\n" + BEFORE_B + b"0\n278\n" + HEAD + b"\r\n" + TRY,
    b"198 0\n1\na\npbx\nudp udp 127.0.0.1 5080\ncarrier\nudp udp 127.0.0.1 5070\n"
    b"1700001000.000\n0\nA-1@127.0.0.1\n<sip:3175551234@127.0.0.1:5060>;tag=c4bb86c3d1c42710\n"
    b'c4bb86c3d1c42710\n"A" <sip:1001@127.0.0.1>;tag=A1\nA1\n0\n1\nsip:A@127.0.0.1:5080\n\n-1\n'
    b"3c344c4189eb2f1e7bd5d47e446fcec2\n"
    b'"A" <sip:1001@127.0.0.1>;tag=a3d811736110e578\n'
    b"a3d811736110e578\n<sip:3175551234@127.0.0.1>;tag=b\nb\n1\n-1\nsip:B@127.0.0.1:5070\n\n-1\n"
    + HEAD
    + b"\r\n",
    b"198 317\n1\nr\n" + BEFORE_B + b"486\n278\n" + HEAD + b"\r\n" + TRY + b"SIP/2.0 486 Busy\r\n"
    b"Content-Length: 0\r\n\r\n",
]


def restore(wire: Wire, kept: bytes, ended: bool) -> Counter[str]:
    """Restore one call, let every timer run out, and count the facts of it."""
    failed = wire.engine.restore([("r1", kept, ended)], ALIVE, wire.now)
    assert [record for record, _ in failed] in ([], ["r1"])
    wire.settle()
    wire.wind_down()
    engine = wire.engine
    left = len(engine.calls), len(engine.open), len(engine.dialogs), len(engine.stack)
    assert left == (0, 0, 0, 0)
    assert len(engine.timers) == 0
    return Counter(type(fact).__name__ for fact in wire.facts if fact.call)


@pytest.mark.parametrize("phase", [b"s", b"a", b"r"])
def test_every_phase_was_kept(phase: bytes) -> None:
    assert any(kept.split(b"\n")[2] == phase for kept, _ in rows())


def test_late_answers_were_kept() -> None:
    versions = Counter(kept.split(b"\n")[1] for kept, _ in rows())
    assert versions[b"2"] == 2
    assert versions[b"1"] > 2


@pytest.mark.parametrize(
    ("kept", "starts"),
    [
        (VERSION_1[0], [b"CANCEL sip:3175551234@127.0.0.1:5070 ", b"SIP/2.0 500 "]),
        (VERSION_1[1], [b"OPTIONS sip:A@127.0.0.1:5080 ", b"OPTIONS sip:B@127.0.0.1:5070 "]),
        (VERSION_1[2], [b"CANCEL sip:3175551234@127.0.0.1:5070 ", b"SIP/2.0 486 "]),
    ],
    ids=["setting up", "up", "refused"],
)
def test_what_version_1_kept_is_read(kept: bytes, starts: list[bytes]) -> None:
    wire = Wire()
    ended = kept.split(b"\n")[2] == b"r"
    assert wire.engine.restore([("r1", kept, ended)], ALIVE, wire.now) == []
    wire.settle()
    sent = sorted(data for _, _, data in wire.sent)
    assert [data[: len(start)] for data, start in zip(sent, starts, strict=True)] == starts


def test_what_was_kept_is_carried_on_and_closed_once() -> None:
    for kept, ended in rows():
        facts = restore(Wire(), kept, ended)
        assert facts[Ended.__name__] == (not ended)
        assert facts[Closed.__name__] == 1


def test_spoilt_bytes_stop_nothing() -> None:
    """Bytes that can still be read are taken for what they say; the disk is not the enemy."""
    spoiler = Spoiler(2)
    carried_on = given_up = 0
    for round_ in range(1500):
        kept, ended = spoiler.die.choice(rows())
        for _ in range(1 + round_ % 2):
            kept = spoiler.die.choice(spoiler.ways)(kept)
        wire = Wire()
        failed = wire.engine.restore([("r1", kept, ended)], ALIVE, wire.now)
        facts = wire.engine.take_facts()
        if failed:
            given_up += 1
            assert not wire.engine.calls
            assert len(wire.engine.stack) == len(wire.engine.timers) == 0
            assert sum(isinstance(fact, Ended) for fact in facts) == (not ended)
            assert isinstance(facts[-1], Closed)
        else:
            carried_on += 1
    assert carried_on > 100
    assert given_up > 100


@pytest.mark.parametrize("gone", ["listener", "listener of the callee"])
def test_a_listener_that_is_not_configured_any_more(gone: str) -> None:
    """A call through it cannot go on; the start does."""
    for kept, ended in rows():
        wire = Wire()
        engine = wire.engine
        if gone == "listener":
            del engine.stack.listeners["udp"]
        else:
            # The callee's side had a listener of its own.
            kept = kept.replace(b"carrier\nudp udp", b"carrier\nold udp")
        failed = engine.restore([("r1", kept, ended)], ALIVE, wire.now)
        facts = engine.take_facts()
        if failed:
            assert "not configured any more" in failed[0][1]
            assert sum(isinstance(fact, Ended) for fact in facts) == (not ended)
            assert not engine.calls


@pytest.mark.parametrize("gone", ["pbx", "carrier"])
def test_a_peer_that_is_not_configured_any_more(gone: str) -> None:
    for kept, ended in rows():
        wire = Wire()
        engine = wire.engine
        engine.peers = Peers(peer for name, peer in engine.peers.by_name.items() if name != gone)
        assert engine.restore([("r1", kept, ended)], ALIVE, wire.now) == []

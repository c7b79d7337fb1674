"""What was kept of a call may be spoilt, or not fit the configuration any more: the gateway
starts all the same, and each call is carried on or closed with one record."""

from collections import Counter
from functools import cache

import pytest
from tests.b2bua.hostile import Spoiler
from tests.b2bua.test_hostile import Field
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
    return found


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


@pytest.mark.parametrize("gone", ["pbx", "carrier", "udp", "b"])
def test_a_peer_or_a_listener_that_is_not_configured_any_more(gone: str) -> None:
    """A call through it cannot go on; the start does."""
    for kept, ended in rows():
        wire = Wire()
        engine = wire.engine
        peers = [peer for peer in engine.peers.by_name.values() if peer.name != gone]
        engine.peers = Peers(peers)
        stack = engine.stack
        if gone == "udp":
            del stack.listeners["udp"]
        elif gone == "b":
            # The callee's side had a listener of its own.
            kept = kept.replace(b"carrier\nudp udp", b"carrier\nold udp")
        failed = engine.restore([("r1", kept, ended)], ALIVE, wire.now)
        facts = engine.take_facts()
        if failed:
            assert "not configured any more" in failed[0][1]
            assert sum(isinstance(fact, Ended) for fact in facts) == (not ended)
            assert not engine.calls

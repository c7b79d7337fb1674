"""Same inputs, same outputs: a recorded log plays to the same bytes."""

from typing import Any

import pytest
from tests.b2bua.ladder import Ladder
from tests.b2bua.test_disk import UP
from tests.b2bua.test_generated import STORIES, tell
from tests.b2bua.wire import Wire

from tollbar.b2bua.facts import Fact
from tollbar.sip.flow import Flow

Sent = tuple[str, bytes]


def outputs(wire: Wire) -> tuple[list[Sent], list[tuple[Any, ...]]]:
    return [(repr(hop), data) for _, hop, data in wire.sent], [told(fact) for fact in wire.facts]


def told(fact: Fact) -> tuple[Any, ...]:
    return type(fact).__name__, fact.number, fact.call, fact.now, fact.utc, fact.kept


def play(recorded: Wire, seed: int) -> tuple[list[Sent], list[tuple[Any, ...]]]:
    """The log of a wire through an engine of its own; nothing but the log goes in."""
    wire = Wire(recorded.transport, seed, **recorded.peer_settings)
    engine: Any = wire.engine
    sent: list[Sent] = []
    facts: list[tuple[Any, ...]] = []
    hops: dict[Any, Any] = {}
    for name, now, *rest in recorded.log:
        arguments = [hops.get(item, item) for item in rest]
        for at, item in enumerate(rest):
            if isinstance(item, Flow) and item not in hops:
                copy = Flow(item.listener, item.transport, item.address, item.port)
                arguments[at] = hops[item] = copy
        match name:
            case "receive":
                engine.receive(*arguments, now)
            case "expire":
                engine.expire(now)
            case "committed":
                engine.committed(*arguments, now)
            case "not_committed":
                engine.not_committed(*arguments, None, now)
            case "lost":
                engine.lost(*arguments, None, now)
        for hop, data in engine.take_outbox():
            if len(sent) < len(recorded.sent):
                hops.setdefault(recorded.sent[len(sent)][1], hop)
            sent.append((repr(hop), data))
        facts += [told(fact) for fact in engine.take_facts()]
    return sent, facts


LADDERS = {
    "a call": (UP + "A -> BYE\nB <- BYE\nA <- 200 BYE\nB -> 200 BYE", {}),
    "a call over TCP whose connections break": (
        UP + "B breaks\nA -> BYE\nB <- BYE\nA <- 200 BYE\nA breaks\nB -> 200 BYE",
        {"transport": "tcp", "caller": "tcp"},
    ),
    "a disk that fails": (
        "hold commits\nA -> INVITE\nA -> INVITE (again)\ndisk fails\nA <- 503\nA -> ACK",
        {},
    ),
    "a trunk nobody can connect to": ("A -> INVITE\nA <- 100, 503\nA -> ACK", {"transport": "tcp"}),
}


@pytest.mark.parametrize("name", LADDERS)
def test_a_ladder(name: str) -> None:
    text, settings = LADDERS[name]
    ladder = Ladder(**settings)
    if "nobody" in name:
        ladder.wire.stations.remove(ladder.phones["B"])
    wire = ladder.climb(text.replace("    ", "")).end().wire
    assert wire.sent
    assert play(wire, wire.seed) == outputs(wire)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_with_mischief(name: str) -> None:
    world, _, _ = tell(name, {2: "drop", 5: "double", 7: "swap"})
    assert play(world.wire, world.wire.seed) == outputs(world.wire)


def test_other_dice_give_other_bytes() -> None:
    """Else the tests above could not fail."""
    world, _, _ = tell("the basic call", {})
    assert play(world.wire, 99) != outputs(world.wire)

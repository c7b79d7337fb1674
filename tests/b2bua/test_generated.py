"""Every message of a call lost, doubled, or overtaken by the next: the call ends right.

The phones do what RFC 3261 asks of them, so whatever happens to one message, the call must
come to the same end, with one record, and leave nothing behind.
"""

from collections.abc import Callable
from itertools import combinations

import pytest
from tests.b2bua import ladder
from tests.b2bua.agent import Agent, Scene, World
from tests.b2bua.wire import Wire

LENGTH = 100.0  # seconds: the scene and every repeat of it


def at(seconds: float, scene: Scene) -> Scene:
    return lambda agent: agent.world.later(seconds, lambda: scene(agent))


def both(*scenes: Scene) -> Scene:
    def play(agent: Agent) -> None:
        for scene in scenes:
            scene(agent)

    return play


def bye(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("BYE")


def reinvite(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("INVITE", agent.offer())


def digit(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("INFO")


def call_reliably(agent: Agent) -> None:
    agent.reliable = True
    agent.call()


def once(scene: Scene) -> Scene:
    """The first time only."""
    seen: list[Agent] = []

    def play(agent: Agent) -> None:
        if agent not in seen:
            seen.append(agent)
            scene(agent)

    return play


RINGS = both(at(0.2, Agent.ring), at(2.2, Agent.pick_up))


class Story:
    """``start`` is A's first step; A and B then play by event; ``ends`` are right ends."""

    def __init__(
        self,
        start: Callable[[Agent], None],
        a: Callable[[], dict[str, Scene]],
        b: Callable[[], dict[str, Scene]],
        *ends: str,
    ) -> None:
        self.start = start
        self.a = a
        self.b = b
        self.ends = ends


STORIES = {
    "the basic call": Story(
        Agent.call,
        lambda: {"200": once(at(3, bye))},
        lambda: {"invited": RINGS},
        "answered by caller 200",
    ),
    "the callee hangs up": Story(
        Agent.call,
        dict,
        lambda: {"invited": RINGS, "ACK": once(at(3, bye))},
        "answered by callee 200",
    ),
    "both hang up": Story(
        Agent.call,
        lambda: {"200": once(at(3, bye))},
        lambda: {"invited": RINGS, "ACK": once(at(3, bye))},
        "answered by caller 200",
        "answered by callee 200",
    ),
    "the cancelled call": Story(
        Agent.call,
        lambda: {"1xx": once(at(1.5, Agent.cancel))},
        lambda: {"invited": both(at(0.2, Agent.ring), at(40, Agent.pick_up))},
        "cancelled by caller 487",
    ),
    "the call cancelled before it rings": Story(
        Agent.call,
        lambda: {"1xx": once(at(0.05, Agent.cancel))},
        lambda: {"invited": both(at(0.2, Agent.ring), at(40, Agent.pick_up))},
        "cancelled by caller 487",
    ),
    "the call cancelled as it is answered": Story(
        Agent.call,
        lambda: {"1xx": once(at(2.205, Agent.cancel)), "200": once(at(0.5, bye))},
        lambda: {"invited": RINGS},
        "cancelled by caller 487",
        "answered by caller 200",
    ),
    "the call refused by policy": Story(
        lambda agent: agent.call("9005551234"),
        dict,
        dict,
        "refused by gateway 403 required",
    ),
    "the call refused by the callee": Story(
        Agent.call,
        dict,
        lambda: {"invited": both(at(0.2, Agent.ring), at(1, lambda agent: agent.respond(486)))},
        "busy by callee 486",
    ),
    "the re-INVITE": Story(
        Agent.call,
        lambda: {"200": once(both(at(3, reinvite), at(9, bye)))},
        lambda: {"invited": RINGS, "reinvited": at(0.3, Agent.pick_up)},
        "answered by caller 200",
    ),
    "the re-INVITE of the callee": Story(
        Agent.call,
        lambda: {"200": once(at(9, bye)), "reinvited": at(0.3, Agent.pick_up)},
        lambda: {"invited": RINGS, "ACK": once(at(3, reinvite))},
        "answered by caller 200",
    ),
    "the refused re-INVITE": Story(
        Agent.call,
        lambda: {"200": once(both(at(3, reinvite), at(9, bye)))},
        lambda: {"invited": RINGS, "reinvited": at(0.3, lambda agent: agent.respond(488))},
        "answered by caller 200",
    ),
    "re-INVITEs from both sides": Story(
        Agent.call,
        lambda: {"200": once(both(at(3, reinvite), at(9, bye))), "reinvited": Agent.pick_up},
        lambda: {"invited": RINGS, "ACK": once(at(3, reinvite)), "reinvited": Agent.pick_up},
        "answered by caller 200",
    ),
    "BYE during the re-INVITE": Story(
        Agent.call,
        lambda: {"200": once(both(at(3, reinvite), at(3.2, bye)))},
        lambda: {"invited": RINGS, "reinvited": at(0.3, Agent.pick_up)},
        "answered by caller 200",
    ),
    "a reliable 183": Story(
        call_reliably,
        lambda: {"200": once(at(3, bye))},
        lambda: {"invited": at(0.2, Agent.ring_reliably), "PRACK": once(at(2, Agent.pick_up))},
        "answered by caller 200",
    ),
    "a reliable 183 towards a caller without 100rel": Story(
        Agent.call,
        lambda: {"200": once(at(3, bye))},
        lambda: {"invited": at(0.2, Agent.ring_reliably), "PRACK": once(at(2, Agent.pick_up))},
        "answered by caller 200",
    ),
    "a digit": Story(
        Agent.call,
        lambda: {"200": once(both(at(3, digit), at(6, bye)))},
        lambda: {"invited": RINGS},
        "answered by caller 200",
    ),
    "the delayed offer": Story(
        lambda agent: agent.call(with_offer=False),
        lambda: {"200": once(at(3, bye))},
        lambda: {"invited": RINGS},
        "answered by caller 200",
    ),
}


def tell(name: str, mischief: dict[int, str]) -> tuple[World, Agent, Agent]:
    story = STORIES[name]
    world = World(Wire(), mischief)
    caller = Agent(world, "A", 5080, story.a())
    callee = Agent(world, "B", 5070, story.b())
    story.start(caller)
    world.run(LENGTH)
    ladder.climbed += 1
    return world, caller, callee


def check(name: str, mischief: dict[int, str]) -> World:
    world, caller, callee = tell(name, mischief)
    found: list[str] = [
        f"{fact.outcome} by {fact.ended_by} {fact.status} {fact.reason}".strip()
        for fact in world.wire.ended()
    ]
    try:
        assert len(found) == 1, found
        assert found[0] in STORIES[name].ends, found
        assert caller.state == "ended"
        assert callee.state in ("ended", "idle")
        assert not any("timed out" in word or word == "no ACK" for word in caller.done)
        assert not any("timed out" in word or word == "no ACK" for word in callee.done)
        world.wire.wind_down()
        world.wire.assert_empty()
    except AssertionError as error:
        journal = "\n".join(world.journal)
        raise AssertionError(
            f"{name}, {mischief}: {error}\nA {caller.state} {caller.done}, "
            f"B {callee.state} {callee.done}\n{journal}"
        ) from error
    return world


@pytest.mark.parametrize("name", STORIES)
def test_undisturbed(name: str) -> None:
    check(name, {})


@pytest.mark.parametrize("mischief", ["drop", "double", "swap"])
@pytest.mark.parametrize("name", STORIES)
def test_one_message(name: str, mischief: str) -> None:
    for number in range(check(name, {}).number):
        check(name, {number: mischief})


@pytest.mark.parametrize("mischief", ["crash", "crash early"])
@pytest.mark.parametrize("name", STORIES)
def test_kill_9(name: str, mischief: str) -> None:
    """At every message: one record still, and no phone left ringing or talking to nobody."""
    for number in range(check(name, {}).number):
        world, caller, callee = tell(name, {number: mischief})
        try:
            assert len(world.wire.ended()) == 1
            assert caller.state == "ended"
            assert callee.state in ("ended", "idle")
            world.wire.wind_down()
            world.wire.assert_empty()
        except AssertionError as error:
            told = f"{name}, {number}: {error}\nA {caller.state}, B {callee.state}\n"
            raise AssertionError(told + "\n".join(world.journal)) from error


@pytest.mark.parametrize("name", ["the basic call", "the cancelled call", "the delayed offer"])
def test_two_messages(name: str) -> None:
    for first, second in combinations(range(check(name, {}).number), 2):
        check(name, {first: "drop", second: "drop"})
        check(name, {first: "drop", second: "double"})
        check(name, {first: "swap", second: "drop"})

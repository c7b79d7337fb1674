"""Two phones, an operator, a disk and a network, each doing anything at any time.

Whatever the order: no exception, one record for each attempt, both phones on the hook in the
end, and an empty engine.
"""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.b2bua import ladder
from tests.b2bua.agent import Agent, World
from tests.b2bua.wire import Wire

LAST = 12.0  # seconds: who is not on the hook by then hangs up


def cancel(agent: Agent) -> None:
    if agent.state == "calling":
        agent.cancel()


def bye(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("BYE")


def reinvite(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("INVITE", agent.offer())


def ask_for_an_offer(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("INVITE")


def update(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("UPDATE", agent.offer())


def digit(agent: Agent) -> None:
    if agent.state == "up":
        agent.request("INFO")


def ring(agent: Agent) -> None:
    if agent.state == "ringing":
        agent.ring()


def ring_reliably(agent: Agent) -> None:
    if agent.state == "ringing" and not agent.rseq:
        agent.ring_reliably()


def pick_up(agent: Agent) -> None:
    # A 2xx may not overtake the PRACK of a 183 with a session (RFC 3262 3).
    if agent.state == "ringing" and not agent.rseq:
        agent.pick_up()


def decline(agent: Agent) -> None:
    if agent.state == "ringing":
        agent.respond(486)


def hang_up(agent: Agent) -> None:
    bye(agent)
    cancel(agent)
    decline(agent)


def operator(agent: Agent) -> None:
    for call in agent.world.wire.engine.live():
        agent.world.wire.engine.hangup(call.id, "operator", agent.world.wire.now)


def disk_away(agent: Agent) -> None:
    agent.world.wire.commits = False


def disk_back(agent: Agent) -> None:
    agent.world.wire.commits = True


def disk_fails(agent: Agent) -> None:
    agent.world.wire.fail()


BOTH = (bye, reinvite, ask_for_an_offer, update, digit)
DEEDS = st.one_of(
    st.tuples(st.just("A"), st.sampled_from((cancel, *BOTH))),
    st.tuples(st.just("B"), st.sampled_from((ring, ring_reliably, pick_up, decline, *BOTH))),
    st.tuples(st.just("A"), st.sampled_from((operator, disk_away, disk_back, disk_fails))),
)
TIMES = st.integers(0, 400).map(lambda n: n / 50)
MISCHIEF = st.sampled_from(("drop", "double", "swap", "crash", "crash early"))


@given(
    deeds=st.lists(st.tuples(TIMES, DEEDS), max_size=12),
    mischief=st.dictionaries(st.integers(0, 40), MISCHIEF, max_size=3),
    reliable=st.booleans(),
    with_offer=st.booleans(),
    answer=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_anything_at_any_time(
    deeds: list[tuple[float, tuple[str, object]]],
    mischief: dict[int, str],
    reliable: bool,
    with_offer: bool,
    answer: bool,
) -> None:
    ladder.climbed += 1
    wire = Wire()
    world = World(wire, mischief)
    again = {"reinvited": lambda agent: world.later(0.3, agent.pick_up)}
    a = Agent(world, "A", 5080, dict(again))
    b = Agent(world, "B", 5070, dict(again))
    a.reliable = reliable
    if answer:
        world.later(1.0, partial(ring, b))
        world.later(2.0, partial(pick_up, b))
    for at, (name, deed) in deeds:
        assert callable(deed)
        world.later(at, partial(deed, a if name == "A" else b))
    for late in (LAST, 60.0, 100.0):
        world.later(late, partial(disk_back, a))
        world.later(late, partial(hang_up, a))
        world.later(late, partial(hang_up, b))
    a.call(with_offer=with_offer)
    try:
        world.run(200.0)
        # Died with a disk that took nothing, it can have told the caller 503 and no more.
        assert len(wire.ended()) == 1 or (world.forgetful and not wire.ended())
        assert a.state == "ended"
        assert b.state in ("ended", "idle")
        wire.wind_down()
        wire.assert_empty()
    except AssertionError as error:
        told = f"{error}\nA {a.state} {a.done}, B {b.state} {b.done}\n"
        raise AssertionError(told + "\n".join(world.journal)) from error

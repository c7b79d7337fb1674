"""The code of a call in progress: assigned, changed, taken away; a try that is refused."""

from tests.b2bua.ladder import Ladder
from tests.b2bua.test_disk import UP
from tests.b2bua.wire import Wire

from tollbar.b2bua import engine
from tollbar.b2bua.facts import Assigned

DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def assign(wire: Wire, code: str, refused: str = "") -> int:
    (call,) = wire.engine.live()
    return wire.engine.assign(call.id, code, "Miller", "api", "alice", wire.now, refused)


def assigned(wire: Wire) -> list[Assigned]:
    return [fact for fact in wire.facts if isinstance(fact, Assigned)]


def test_it_is_a_fact_that_the_disk_is_to_keep() -> None:
    ladder = Ladder().climb(UP + "hold commits")
    number = assign(ladder.wire, "4711")
    ladder.climb("quiet")
    (fact,) = assigned(ladder.wire)
    assert (fact.number, fact.durable) == (number, True)
    assert ladder.wire.waiting[-1] is fact
    assert (fact.code, fact.description, fact.source) == ("4711", "Miller", "api")
    assert (fact.by, fact.refused) == ("alice", "")
    ladder.climb("commits flow" + DOWN).end()


def test_nothing_of_it_reaches_the_wire() -> None:
    ladder = Ladder().climb(UP)
    before = len(ladder.wire.sent)
    assign(ladder.wire, "4711")
    assign(ladder.wire, "9999", refused="unknown")
    ladder.climb("quiet")
    assert len(ladder.wire.sent) == before
    assert [fact.refused for fact in assigned(ladder.wire)] == ["", "unknown"]
    ladder.climb(DOWN).end()


def test_a_call_that_rings_or_has_come_through_a_restart_takes_one() -> None:
    ladder = Ladder().climb("A -> INVITE\nA <- 100\nB <- INVITE\nB -> 180\nA <- 180")
    assert assign(ladder.wire, "4711")
    ladder.climb("B -> 200\nB <- ACK\nA <- 200\nA -> ACK\nafter 40\nrestart")
    assert assign(ladder.wire, "")
    ladder.climb("A <- OPTIONS\nB <- OPTIONS\nA -> 200 OPTIONS\nB -> 200 OPTIONS" + DOWN).end()


def test_a_call_that_is_over_takes_none() -> None:
    ladder = Ladder().climb(UP)
    (call,) = ladder.wire.engine.live()
    ladder.climb(DOWN)
    wire = ladder.wire
    assert not wire.engine.assign(call.id, "4711", "", "api", "alice", wire.now)
    assert not wire.engine.assign("nobody", "4711", "", "api", "alice", wire.now)
    assert assigned(wire) == []
    ladder.end()


def test_the_changes_of_one_call_are_bounded() -> None:
    ladder = Ladder().climb(UP)
    done = [bool(assign(ladder.wire, str(n))) for n in range(engine.MOST_CHANGES + 1)]
    assert done == [True] * engine.MOST_CHANGES + [False]
    ladder.climb(DOWN).end()

"""The table of those who guess: bounded, fed by decisions, lifted by an operator."""

import pytest
from tests.b2bua import wire
from tests.b2bua.ladder import Ladder

from tollbar.b2bua import gate, guesses
from tollbar.b2bua.facts import Noticed
from tollbar.b2bua.guesses import Guesses
from tollbar.policy.attempt import REJECT, Attempt, Decision, Situation
from tollbar.policy.guess import Guessing, locked, peer_key
from tollbar.policy.settings import Settings

RULES = Guessing(tries=3, peer_tries=5)
ALICE = ("default", "alice")


def miss(table: Guesses, holder: tuple[str, str], times: int = 1, utc: float = 0.0) -> None:
    for _ in range(times):
        table.count(holder, "pbx", RULES, utc)


def test_a_lock_is_told_once_and_counted() -> None:
    table = Guesses()
    told = [table.count(ALICE, "pbx", RULES, 0.0) for _ in range(6)]
    assert told == [[], [], [ALICE], [], [peer_key("pbx")], []]
    assert [key for key, _ in table.locks(1.0)] == [ALICE, peer_key("pbx")]
    assert table.locks(61.0) == []


def test_a_lifted_lock_is_gone() -> None:
    table = Guesses()
    miss(table, ALICE, 3)
    assert table.lift(ALICE)
    assert not table.lift(ALICE)
    assert not locked(table.held, ALICE, 1.0)


def test_beyond_its_bound_the_oldest_that_is_not_locked_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guesses, "MOST", 4)
    table = Guesses()
    miss(table, ALICE, 3)
    for number in range(20):
        miss(table, ("default", f"number:{number}"), 1, 1.0 + number)
        assert len(table.held) <= 4
    assert locked(table.held, ALICE, 30.0)
    assert ("default", "number:19") in table.held
    assert ("default", "number:0") not in table.held


def test_where_all_are_locked_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MOST", 3)
    table = Guesses()
    for name in ("a", "b", "c", "d"):
        miss(table, ("default", name), 3)
    assert len(table.held) == 3
    assert ("default", "d") in table.held


class Snapshot:
    settings = Settings(guessing=Guessing(tries=2, peer_tries=3))


@pytest.fixture
def guesser(monkeypatch: pytest.MonkeyPatch) -> Ladder:
    """Everyone gives a wrong code to every number but 911 and 3."""

    def decide(_snapshot: object, attempt: Attempt, situation: Situation) -> Decision:
        decision = Decision(REJECT, holder=ALICE, caller="1001", status=403, reason="unknown")
        decision.text = "Account Code Not Accepted"
        if locked(situation.guesses, ALICE, situation.utc):
            decision.reason = "locked"
        else:
            decision.guessed = True
        return decision

    monkeypatch.setattr(gate, "decide", decide)
    ladder = Ladder()
    ladder.wire.engine.snapshot = Snapshot()  # type: ignore[assignment]
    return ladder


def notices(ladder: Ladder) -> list[tuple[str, str, str, tuple[str, str]]]:
    return [
        (fact.kind, fact.peer, fact.detail, fact.holder)
        for fact in ladder.wire.facts
        if isinstance(fact, Noticed)
    ]


GUESS = """
    A -> INVITE (X-Account-Code: 1)
    A <- 403 (Warning: Account Code Not Accepted)
    A -> ACK
    record refused by gateway 403 unknown
"""


def again(ladder: Ladder) -> Ladder:
    ladder.phones["A"].requests.clear()
    return ladder


def test_who_guesses_is_locked_and_everyone_is_told(guesser: Ladder) -> None:
    guesser.climb(GUESS)
    again(guesser).climb(GUESS)
    assert notices(guesser) == [("guessing_lock", "pbx", "caller=1001", ALICE)]
    assert guesser.wire.engine.gate.guesses.made == 1
    again(guesser).climb("""
        hold commits
        A -> INVITE (X-Account-Code: 4711)
        A <- 403 (Warning: Account Code Not Accepted)
        A -> ACK
        record refused by gateway 403 locked
        commits flow
    """)
    assert len(notices(guesser)) == 1
    assert guesser.wire.engine.gate.locks(guesser.wire.now + guesser.wire.utc_offset)
    guesser.end()


def test_an_operator_lets_them_try_again(guesser: Ladder) -> None:
    guesser.climb(GUESS)
    again(guesser).climb(GUESS)
    engine = guesser.wire.engine
    assert engine.gate.lift(ALICE, "root", guesser.wire.now)
    assert not engine.gate.lift(ALICE, "root", guesser.wire.now)
    again(guesser).climb(GUESS)
    assert [kind for kind, *_ in notices(guesser)] == [
        "guessing_lock",
        "guessing_lifted",
        "guessing_alarm",
    ]
    assert not engine.gate.locks(guesser.wire.now + guesser.wire.utc_offset)
    guesser.end()


def test_a_message_is_a_guess_as_well(guesser: Ladder) -> None:
    guesser.climb("""
        A -> MESSAGE
        A <- 403 MESSAGE
        record refused by gateway 403 unknown
        A -> MESSAGE
        A <- 403 MESSAGE
        record refused by gateway 403 unknown
        hold commits
        A -> MESSAGE
        A <- 403 MESSAGE
        record refused by gateway 403 locked
    """).end()


def test_the_cursor_moves_when_a_try_goes_through_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, float]] = []

    def decide(snapshot: object, attempt: Attempt, situation: Situation) -> Decision:
        seen.append((situation.cursor.get("carriers", 0), situation.draw))
        decision = wire.decide(snapshot, attempt, situation)
        decision.hunted = ["carriers"]
        decision.routes[0].dial_group = "carriers"
        return decision

    monkeypatch.setattr(gate, "decide", decide)
    ladder = Ladder()
    for _ in range(3):
        again(ladder).climb("""
            A -> INVITE
            A <- 100
            B <- INVITE
            B -> 486
            B <- ACK
            A <- 486
            A -> ACK
            record busy by callee 486
        """)
    assert [cursor for cursor, _ in seen] == [0, 1, 2]
    draws = [draw for _, draw in seen]
    assert len(set(draws)) == 3
    assert all(0.0 <= draw < 1.0 for draw in draws)
    ladder.end()

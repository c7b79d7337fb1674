"""Floods of MESSAGEs and of wrong codes: refused in time, and nothing outgrows its bound."""

import random

import pytest
from tests.b2bua.hostile import Spoiler
from tests.b2bua.test_hostile import A_TCP, SDP, UNKNOWN, A, B, Field, sip
from tests.sip.wire import response, start

from tollbar.b2bua import gate, guesses
from tollbar.policy.attempt import REJECT, Attempt, Decision, Situation
from tollbar.policy.guess import Guessing, locked
from tollbar.policy.settings import Settings


def message(number: int, called: bytes = b"3175551234", caller: bytes = b"1001") -> bytes:
    data = sip(
        b"MESSAGE",
        number,
        b"m",
        sender=b"<sip:%b@127.0.0.1>;tag=t%d" % (caller, number),
        more=b"X-Account-Code: 4711\r\nContent-Type: text/plain\r\n",
        body=b"hello",
    )
    return data.replace(b"3175551234", called)


def test_a_flood_of_chats_leaves_room_for_those_that_are_open() -> None:
    field = Field(1, max_chats=50, chat_gap=60.0)
    for number in range(5_000):
        said = field.give(message(number, b"317%07d" % number), A)
        (answer,) = [data for data in said if start(data) in ("503", "MESSAGE")][:1]
        if start(answer) == "MESSAGE":
            field.give(response(answer, 200, contact=b""), B)
    assert field.peak["chats"] == 50 * 3
    assert field.words["503"] > 4_000
    assert field.facts["TurnedAway"] == field.words["503"]
    assert field.facts["Attempted"] + field.facts["TurnedAway"] == 5_000
    assert start(field.give(message(9_000, b"317%07d" % 4_999), A)[0]) == "503"
    field.assert_empties()


def test_a_flood_within_one_chat_is_one_record() -> None:
    field = Field(2, chat_gap=60.0)
    for number in range(5_000):
        for sent in field.give(message(number), A):
            if start(sent) == "MESSAGE":
                field.give(response(sent, 200, contact=b""), B)
    assert field.facts["Attempted"] == field.facts["Answered"] == 1
    assert field.facts["Written"] <= 60
    field.assert_empties()


@pytest.mark.parametrize("steady", [True, False], ids=["good disk", "poor disk"])
def test_spoilt_messages_in_and_around_chats(steady: bool) -> None:
    field = Field(3, max_chats=40, chat_gap=5.0)
    field.steady = steady
    field.unrest = True
    spoiler, die = Spoiler(3), random.Random(3)
    for number in range(2_000):
        called = b"317%07d" % die.randrange(200)
        data = message(number, called, b"100%d" % die.randrange(5))
        said = field.give(data, die.choice((A, A, A_TCP)))
        for _ in range(3):
            said += field.give(spoiler.spoil(data), die.choice((A, A, B, UNKNOWN)))
        for sent in said:
            if start(sent) == "MESSAGE":
                answer = response(sent, die.choice((200, 200, 202, 404, 486, 302)), contact=b"")
                field.give(spoiler.spoil(answer), B)
                field.give(answer, B)
    assert field.facts["Answered"] > 20
    assert field.peak["chats"] <= 40 * 9
    field.assert_empties()


class Snapshot:
    settings = Settings(guessing=Guessing(tries=3, peer_tries=50))


def test_a_flood_of_wrong_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One guesses on and on, others give one wrong code each and are never heard of again."""

    def decide(_snapshot: object, attempt: Attempt, situation: Situation) -> Decision:
        holder = ("default", f"number:{attempt.from_user}")
        decision = Decision(REJECT, holder=holder, status=403, reason="unknown")
        decision.caller = attempt.from_user
        if locked(situation.guesses, holder, situation.utc):
            decision.reason = "locked"
        else:
            decision.guessed = True
        return decision

    monkeypatch.setattr(gate, "decide", decide)
    monkeypatch.setattr(guesses, "MOST", 200)
    field = Field(4)
    field.engine.snapshot = Snapshot()  # type: ignore[assignment]
    for number in range(4_000):
        caller = b"1001" if number % 2 else b"9%06d" % number
        field.give(message(number, caller=caller), A)
        assert len(field.engine.gate.guesses.held) <= 200
    utc = field.now + field.engine.utc_offset
    assert locked(field.engine.gate.guesses.held, ("default", "number:1001"), utc)
    assert field.facts["TurnedAway"] > 1_900
    assert field.engine.gate.guesses.made < 10
    field.assert_empties()


def test_a_flood_of_feature_codes() -> None:
    field = Field(5)
    for number in range(1_000):
        data = sip(b"INVITE", number, b"i", body=SDP).replace(b"3175551234", b"*62*4711")
        for sent in field.give(data, A):
            if start(sent) == "200" and number % 3:
                to = sent.partition(b"To: ")[2].partition(b"\r\n")[0]
                field.give(sip(b"ACK", number, b"a", to=to), A)
    assert field.facts["Remembered"] == 1_000
    assert len(field.engine.gate.sticky.codes) == 1
    field.assert_empties()

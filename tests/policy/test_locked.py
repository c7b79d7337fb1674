"""Whoever guesses codes is locked out, and what passes all the same."""

from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import NOON, OFFICE, build, call, peer

from tollbar.policy.attempt import FORWARD, REJECT, Decision
from tollbar.policy.guess import Guess, Guessing, against, missed, number_holder, peer_key
from tollbar.policy.refusal import LOCKED
from tollbar.policy.snapshot import Snapshot

ALICE = ("default", "alice")
FEATURES: dict[str, Any] = {"sticky_set": "*62*CODE#", "sticky_clear": "*63#"}


def lock(*keys: tuple[str, str], until: float = NOON + 1) -> dict[str, Any]:
    return {"guesses": {key: Guess(5, (), 1, until) for key in keys}}


def test_a_code_is_refused_unseen_and_sounds_like_any_that_is_not_accepted() -> None:
    decision = call(build(), "9195551234", code="4711", situation=lock(ALICE))
    assert (decision.action, decision.reason, decision.code_check) == (REJECT, LOCKED, LOCKED)
    assert (decision.account_code, decision.matrix_row, decision.in_report) == ("", 0, False)
    assert not decision.guessed
    wrong = call(build(), "9195551234", code="8")
    assert (decision.status, decision.q850, decision.text) == (
        wrong.status,
        wrong.q850,
        wrong.text,
    )


@pytest.mark.parametrize("code", ["4711", "8", "x", "99"])
def test_right_and_wrong_codes_cannot_be_told_apart(code: str) -> None:
    decision = call(build(), "9195551234", code=code, situation=lock(ALICE))
    assert (decision.reason, decision.text) == (LOCKED, "Account Code Not Accepted")
    both = [("header", code), ("header", "1")]
    assert call(build(), "9195551234", codes=both, situation=lock(ALICE)).reason == LOCKED


def test_every_way_to_give_a_code_is_locked() -> None:
    snapshot = build(templates=["*61*CODE#NUMBER"], **FEATURES)
    for dialled in ("*61*4711#9195551234", "*61*4711#3175551234", "*62*4711#"):
        assert call(snapshot, dialled, situation=lock(ALICE)).reason == LOCKED


def test_what_holds_no_code_passes() -> None:
    users = [replace(user, default_code="1") for user in OFFICE.users]
    snapshot = build(replace(OFFICE, users=users), **FEATURES)
    assert call(snapshot, "3175551234", situation=lock(ALICE)).action == FORWARD
    assert call(snapshot, "9195551234", situation=lock(ALICE)).code_source == "default"
    assert call(snapshot, "*63#", situation=lock(ALICE)).action == "answer"
    assert call(build(), "9195551234", situation=lock(ALICE)).reason == "required"


def test_emergency_passes_with_its_code() -> None:
    decision = call(build(), "911", code="4711", situation=lock(ALICE))
    assert (decision.action, decision.account_code) == (FORWARD, "4711")
    assert not call(build(), "911", code="8").guessed


def test_a_lock_holds_for_one_caller_until_it_ends() -> None:
    for keys in (("default", "bob"), ("other", "alice"), peer_key("pbx")):
        assert call(build(), "9195551234", code="4711", situation=lock(keys)).action == FORWARD
    ended = lock(ALICE, until=NOON)
    assert call(build(), "9195551234", code="4711", situation=ended).action == FORWARD
    unknown = lock(("default", number_holder("77")))
    assert call(build(), "9195551234", "77", "4711", situation=unknown).reason == LOCKED


def test_a_peer_is_locked_only_by_setting() -> None:
    snapshot = build(guessing=Guessing(peer_locks=True))
    assert call(snapshot, "9195551234", code="4711", situation=lock(peer_key("pbx"))).reason == (
        LOCKED
    )
    assert call(snapshot, "9195551234", code="4711", situation=lock(peer_key("x"))).reason == ""


def test_a_peer_that_may_know_is_told() -> None:
    snapshot = build(peers=peer(reveal_reason=True))
    decision = call(snapshot, "9195551234", code="4711", situation=lock(ALICE))
    assert decision.text == "Account Code Not Accepted: locked"


def test_another_status_for_locked_is_warned_of() -> None:
    (warning,) = build(statuses={LOCKED: 429}).warnings
    assert "tells a guesser" in warning.text


def test_in_shadow_it_is_only_said() -> None:
    decision = call(build(shadow=True), "9195551234", code="4711", situation=lock(ALICE))
    assert (decision.action, decision.reason, decision.shadow) == (FORWARD, LOCKED, True)
    assert (decision.account_code, decision.in_report) == ("", False)


@pytest.mark.parametrize(
    ("dialled", "caller", "code", "guessed"),
    [
        ("9195551234", "1001", "4711", False),
        ("9195551234", "1001", None, False),
        ("9195551234", "1001", "8", True),
        ("9195551234", "1001", "x", True),
        ("9195551234", "1001", "99", True),
        ("9195551234", "1002", "20", True),
        ("9195551234", "77", "4711", True),
        ("9005551234", "1001", "8", False),  # refused before the code was looked at
        ("0005551234", "1001", "8", False),
    ],
)
def test_what_was_looked_at_and_not_accepted_is_held_against_the_caller(
    dialled: str, caller: str, code: str | None, guessed: bool
) -> None:
    assert call(build(), dialled, caller, code).guessed == guessed


def try_codes(snapshot: Snapshot, times: list[float], code: str = "8") -> list[Decision]:
    """What the engine does: decide, then hold against whom it was."""
    rules = snapshot.settings.guessing
    table: dict[tuple[str, str], Guess] = {}
    found = []
    for utc in times:
        decision = call(snapshot, "9195551234", code=code, utc=utc, situation={"guesses": table})
        if decision.guessed:
            for key, tries in against(decision.holder, "pbx", rules):
                table[key] = missed(table.get(key), tries, rules, utc)
        found.append(decision)
    return found


def test_guessing_comes_to_a_stop() -> None:
    snapshot = build(guessing=Guessing(tries=3, within=600, delay=60, longest=3600))
    times = [NOON + second for second in range(0, 24 * 3600, 5)]
    looked = [decision for decision in try_codes(snapshot, times) if decision.guessed]
    assert len(looked) <= 3 * (6 + 24)
    assert [d.reason for d in try_codes(snapshot, times[:5])] == ["unknown"] * 3 + [LOCKED] * 2

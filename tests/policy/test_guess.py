"""How long wrong codes lock, as a table."""

import pytest

from tollbar.policy.guess import (
    Guess,
    Guessing,
    against,
    forgiven,
    length,
    locked,
    missed,
    newly_locked,
    peer_key,
)

RULES = Guessing(tries=3, within=100.0, delay=60.0, longest=400.0)
ALICE = ("default", "alice")


def after(*times: float, rules: Guessing = RULES) -> Guess:
    guess: Guess | None = None
    for utc in times:
        guess = missed(guess, rules.tries, rules, utc)
    assert guess is not None
    return guess


@pytest.mark.parametrize(
    ("times", "locks", "until"),
    [
        ([0], 0, 0),
        ([0, 1], 0, 0),
        ([0, 1, 2], 1, 62),
        ([0, 99, 99.5], 1, 159.5),
        ([0, 99, 100], 0, 0),  # the first is out of the window
        ([0, 99, 100, 101], 1, 161),
        ([0, 1, 2, 63], 1, 62),  # a lock begins the count anew
        ([0, 1, 2, 63, 64, 65], 2, 185),
        ([0, 1, 2, 63, 64, 65, 186, 187, 188], 3, 428),
        ([0, 1, 2, 63, 64, 65, 186, 187, 188, 429, 430, 431], 4, 831),  # 480 is too long
        ([0, 1, 2, 461, 462, 463], 2, 583),  # not forgiven yet
        ([0, 1, 2, 462, 463, 464], 1, 524),  # forgiven: it begins anew
        ([0, 1, 2, 3, 4, 5, 6], 1, 62),  # missed while locked: an alarm is raised once
    ],
)
def test_each_lock_lasts_twice_as_long_as_the_one_before(
    times: list[float], locks: int, until: float
) -> None:
    guess = after(*times)
    assert (guess.locks, guess.until) == (locks, until)


def test_the_length_of_a_lock_has_an_end() -> None:
    assert [length(n, RULES) for n in range(5)] == [60, 120, 240, 400, 400]
    assert length(10**9, RULES) == 400
    assert length(0, Guessing(delay=9.0, longest=5.0)) == 5


def test_a_lock_is_in_force_until_it_ends() -> None:
    guesses = {ALICE: after(0, 1, 2)}
    assert [locked(guesses, ALICE, utc) for utc in (2, 61.9, 62, 1000)] == [
        True,
        True,
        False,
        False,
    ]
    assert not locked(guesses, ("other", "alice"), 3)


def test_what_made_the_lock_is_told_once() -> None:
    told = []
    guess: Guess | None = None
    for utc in (0, 1, 2, 3, 63, 64, 65):
        before, guess = guess, missed(guess, RULES.tries, RULES, utc)
        told.append(newly_locked(before, guess))
    assert told == [False, False, True, False, False, False, True]


def test_a_lock_after_everything_was_forgiven_is_told_again() -> None:
    before = after(0, 1, 2, 63, 64, 65)
    assert before.locks == 2
    guess = before
    for utc in (5000, 5001, 5002):
        before, guess = guess, missed(guess, RULES.tries, RULES, utc)
    assert (guess.locks, newly_locked(before, guess)) == (1, True)


@pytest.mark.parametrize(
    ("times", "utc", "gone"),
    [
        ([0], 99, False),
        ([0], 100, True),
        ([0, 1, 2], 461, False),
        ([0, 1, 2], 462, True),
    ],
)
def test_what_is_forgiven_can_be_dropped(times: list[float], utc: float, gone: bool) -> None:
    assert forgiven(after(*times), RULES, utc) == gone


def test_all_that_was_missed_is_counted_for_the_operator() -> None:
    assert after(0, 1, 2, 3, 63).missed == 5
    assert after(0, 1000).missed == 1


def test_no_more_is_kept_than_counts() -> None:
    guess = after(*(n * 0.001 for n in range(1000)))
    assert len(guess.recent) < RULES.tries


def test_a_code_is_held_against_caller_and_peer_unless_there_is_no_rule() -> None:
    assert against(ALICE, "pbx", Guessing()) == [(ALICE, 5), (peer_key("pbx"), 50)]
    assert against(ALICE, "pbx", Guessing(tries=0)) == [(peer_key("pbx"), 50)]
    assert against(ALICE, "pbx", Guessing(tries=0, peer_tries=0)) == []

"""Deadlines fall due in order, once, and leave nothing behind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbar.sip import timers as intervals
from tollbar.sip.timers import Timers


class Sleeper:
    def __init__(self) -> None:
        self.woken: list[tuple[int, float]] = []

    def expired(self, event: int, now: float) -> None:
        self.woken.append((event, now))


def test_the_intervals_are_those_of_table_4() -> None:
    assert (intervals.T1, intervals.T2, intervals.T4) == (0.5, 4.0, 5.0)
    assert intervals.GIVE_UP == 32.0


def test_a_deadline_falls_due_once() -> None:
    timers, sleeper = Timers(), Sleeper()
    timer = timers.timer(2.0, 7)
    timer.arm(sleeper, 1.0)
    timers.expire(2.999)
    assert sleeper.woken == []
    timers.expire(3.0)
    timers.expire(100.0)
    assert sleeper.woken == [(7, 3.0)]
    assert len(timers) == 0
    assert timers.next_deadline() is None


def test_arming_again_replaces_the_earlier_deadline() -> None:
    timers, sleeper = Timers(), Sleeper()
    timer = timers.timer(2.0, 7)
    timer.arm(sleeper, 0.0)
    timer.arm(sleeper, 1.5)
    timers.expire(2.0)
    assert sleeper.woken == []
    timers.expire(3.5)
    assert sleeper.woken == [(7, 3.5)]


def test_a_cancelled_deadline_leaves_nothing_behind() -> None:
    timers, sleeper = Timers(), Sleeper()
    timer = timers.timer(2.0, 7)
    timer.cancel(sleeper)
    timer.arm(sleeper, 0.0)
    timer.cancel(sleeper)
    assert len(timers) == 0
    timers.expire(10.0)
    assert sleeper.woken == []
    assert timers.next_deadline() is None


def test_one_queue_for_each_interval_and_event() -> None:
    timers = Timers()
    assert timers.timer(2.0, 7) is timers.timer(2.0, 7)
    assert timers.timer(2.0, 8) is not timers.timer(2.0, 7)
    assert len(timers.all) == 2


def test_what_firing_arms_waits_for_its_own_time() -> None:
    timers = Timers()

    class Again(Sleeper):
        def expired(self, event: int, now: float) -> None:
            super().expired(event, now)
            timers.timer(1.0, 0).arm(self, now)
            timers.timer(0.25, 1).arm(self, now)

    sleeper = Again()
    timers.timer(1.0, 0).arm(sleeper, 0.0)
    timers.expire(1.0)
    assert sleeper.woken == [(0, 1.0)]
    assert timers.next_deadline() == 1.25


def test_firing_may_cancel_what_is_due_beside_it() -> None:
    timers = Timers()
    timer, other = timers.timer(1.0, 0), timers.timer(1.0, 1)
    victim = Sleeper()

    class Killer(Sleeper):
        def expired(self, event: int, now: float) -> None:
            timer.cancel(victim)
            other.cancel(victim)

    timer.arm(Killer(), 0.0)
    timer.arm(victim, 0.0)
    other.arm(victim, 0.0)
    timers.expire(5.0)
    assert victim.woken == []


Steps = st.lists(
    st.tuples(
        st.sampled_from(["arm", "cancel", "expire"]),
        st.integers(0, 3),
        st.sampled_from([0.5, 1.0, 4.0]),
        st.floats(0, 2.0),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(Steps)
def test_against_a_list_that_is_searched(steps: list[tuple[str, int, float, float]]) -> None:
    timers = Timers()
    sleepers = [Sleeper() for _ in range(4)]
    model: dict[tuple[int, float], float] = {}
    now = 0.0
    for what, who, interval, passed in steps:
        now += passed
        if what == "arm":
            timers.timer(interval, 1).arm(sleepers[who], now)
            model[who, interval] = now + interval
        elif what == "cancel":
            timers.timer(interval, 1).cancel(sleepers[who])
            model.pop((who, interval), None)
        else:
            woken = [len(sleeper.woken) for sleeper in sleepers]
            timers.expire(now)
            due = [key for key, deadline in model.items() if deadline <= now]
            for key in due:
                del model[key]
            for number, sleeper in enumerate(sleepers):
                assert len(sleeper.woken) - woken[number] == sum(k[0] == number for k in due)
            assert timers.next_deadline() == (min(model.values()) if model else None)
        assert len(timers) == len(model)
        # Waking at `next_deadline` is never too late.
        if model:
            deadline = timers.next_deadline()
            assert deadline is not None
            assert deadline <= min(model.values())


class Broken:
    def expired(self, event: int, now: float) -> None:
        raise ZeroDivisionError


def test_what_breaks_in_one_does_not_put_the_others_to_sleep() -> None:
    timers, sleeper = Timers(), Sleeper()
    timers.timer(1.0, 7).arm(Broken(), 0.0)
    timers.timer(2.0, 8).arm(sleeper, 0.0)
    with pytest.raises(ZeroDivisionError):
        timers.expire(5.0)
    assert timers.next_deadline() == 5.0
    timers.expire(5.0)
    assert sleeper.woken == [(8, 5.0)]

"""The long timers: no answer, ringing, the longest call, silence."""

from typing import Any

import pytest
from tests.b2bua.ladder import Ladder, climb

UP = """
    A -> INVITE
    A <- 100
    B <- INVITE
    B -> 180
    A <- 180
    B -> 200
    B <- ACK
    A <- 200
    A -> ACK
"""


def test_no_response_at_all_within_four_seconds() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        after 3.9
        B <- INVITE, INVITE, INVITE
        quiet
        after 0.1
        A <- 408
        A -> ACK
        record failed by gateway 408 timeout
        B -> 180
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
    """)


def test_a_100_is_an_answer() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        after 30
        quiet
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_ringing_ends_after_three_minutes_and_is_said_again_each_minute() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        after 0.05
        B -> 180
        A <- 180
        after 59.9
        quiet
        after 0.1
        A <- 180
        after 60
        A <- 180
        after 59.9
        quiet
        after 0.1
        A <- 480
        A -> ACK
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        record no_answer by gateway 480 ring_timeout
    """)


def test_ring_timeout_meets_the_200() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        after 180
        A <- 480
        A -> ACK
        B <- CANCEL
        B -> 200
        B <- ACK, BYE
        B -> 200 BYE, 481 CANCEL
        record no_answer by gateway 480 ring_timeout
    """)


def test_the_longest_call() -> None:
    ladder = Ladder().climb(UP)
    for _ in range(47):  # twelve hours, the two sides saying every quarter that they live
        ladder.climb("""
            after 900
            A <- OPTIONS
            B <- OPTIONS
            A -> 200 OPTIONS
            B -> 200 OPTIONS
        """)
    ladder.climb("""
        after 899
        quiet
        after 1
        record answered by gateway 200 max_duration
        A <- OPTIONS, BYE (Reason: max_duration)
        B <- OPTIONS, BYE (Reason: max_duration)
        A -> 200 BYE, 200 OPTIONS
        B -> 200 BYE, 200 OPTIONS
    """).end()


def test_the_longest_call_may_change_under_a_call() -> None:
    """A reload with another ``max_call`` leaves calls in progress as they are, and no deadline."""
    ladder = Ladder().climb(UP)
    engine = ladder.wire.engine
    ladder.wire.settings = {"max_call": 60.0}
    engine.swap(engine.snapshot, ladder.wire.build().rules)
    ladder.climb("""
        after 61
        quiet
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """).end()


def test_a_silent_call_is_asked_whether_it_lives() -> None:
    climb(
        UP
        + """
        after 899
        quiet
        A -> INFO
        B <- INFO
        B -> 200 INFO
        A <- 200 INFO
        after 899
        quiet
        after 1
        A <- OPTIONS
        B <- OPTIONS
        A -> 200 OPTIONS
        B -> 501 OPTIONS
        after 33
        quiet
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


@pytest.mark.parametrize("status", [408, 481])
def test_a_silent_call_that_one_side_lost(status: int) -> None:
    """It ended when it was last known alive."""
    ladder = climb(
        UP
        + f"""
        after 900
        A <- OPTIONS
        B <- OPTIONS
        A -> 200 OPTIONS
        B -> {status} OPTIONS
        A <- BYE
        B <- BYE
        A -> 200 BYE
        B -> 481 BYE
        record answered by gateway 200 lost
        """
    )
    (fact,) = ladder.wire.ended()
    assert fact.alive == pytest.approx(fact.utc - 900, abs=0.01)


def test_a_silent_call_whose_caller_says_nothing() -> None:
    ladder = Ladder().climb(
        UP
        + """
        after 900
        A <- OPTIONS
        B <- OPTIONS
        B -> 200 OPTIONS
        after 31.9
        """
    )
    ladder.climb("A <- " + ", ".join(["OPTIONS"] * 10))
    ladder.climb("""
        after 0.1
        record answered by gateway 200 lost
        A <- BYE
        B <- BYE
        A -> 481 BYE
        B -> 200 BYE
    """).end()
    (fact,) = ladder.wire.ended()
    assert fact.alive == pytest.approx(fact.utc - 932, abs=0.01)


def test_a_peer_has_timers_of_its_own() -> None:
    settings: dict[str, Any] = {"first_answer": 1.0, "ring_timeout": 20.0}
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        after 1
        B <- INVITE
        A <- 408
        A -> ACK
        record failed by gateway 408 timeout
        B -> 503
        B <- ACK
        """,
        **settings,
    )

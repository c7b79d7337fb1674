"""Reliable provisional responses, each leg its own (RFC 3262)."""

import pytest
from tests.b2bua.ladder import Ladder, climb

REL = "Supported: 100rel"
DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def test_a_reliable_183_towards_a_caller_without_100rel() -> None:
    """The callee has answered its offer; the caller has only once that came reliably, which is
    in the 200 (RFC 3261 13.2.1)."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE (Supported: 100rel)
        B -> 183 (rseq 17; sdp)
        B <- PRACK (RAck: 17 1 INVITE; no sdp; cseq 2)
        A <- 183 (sdp B1; no Require; no RSeq)
        B -> 200 PRACK
        B -> 200 (no sdp; Server: far)
        B <- ACK
        A <- 200 (sdp B1; Content-Type: application/sdp; Server: far)
        A -> ACK
        A -> UPDATE (sdp)
        B <- UPDATE (sdp A2)
        B -> 200 UPDATE (sdp)
        A <- 200 UPDATE (sdp B2)
        """
        + DOWN
    )


def test_no_offer_meets_one_whose_answer_may_be_lost() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 183 (rseq 17; sdp)
        B <- PRACK
        A <- 183 (sdp B1)
        B -> 200 PRACK, UPDATE (sdp)
        B <- 491 UPDATE
        A -> UPDATE (sdp)
        A <- 500 UPDATE (Retry-After)
        B -> 183 (rseq 18; sdp)
        B <- PRACK
        A <- 183 (sdp B3)
        B -> 200 PRACK, 200 (no sdp)
        B <- ACK
        A <- 200 (sdp B3)
        A -> ACK
        """
        + DOWN
    )


def test_a_reliable_180_without_session_ends_per_leg() -> None:
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE (Supported: 100rel)
        B -> 180 (rseq 900)
        B <- PRACK (RAck: 900 1 INVITE)
        B -> 200 PRACK
        A <- 180 (Require: 100rel; RSeq: 1)
        A -> PRACK
        A <- 200 PRACK
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_reliable_183_with_session_waits_for_the_callers_prack() -> None:
    """B may not answer before; neither does its PRACK leave before A's came."""
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183 (Require: 100rel; RSeq: 1; sdp B1)
        quiet
        A -> PRACK
        A <- 200 PRACK
        B <- PRACK (RAck: 5 1 INVITE; no sdp)
        B -> 200 PRACK
        B -> 200 (no sdp)
        B <- ACK
        A <- 200 (no sdp)
        A -> ACK
        """
        + DOWN
    )


def test_a_prack_with_session_crosses() -> None:
    """An offer in the PRACK; its answer is in the 200 of the PRACK."""
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183
        A -> PRACK (sdp)
        B <- PRACK (RAck: 5 1 INVITE; sdp A2)
        B -> 200 PRACK (sdp)
        A <- 200 PRACK (sdp B2)
        B -> 200 (no sdp)
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_an_offer_in_the_183_is_answered_in_the_prack() -> None:
    climb(
        f"""
        A -> INVITE (no sdp; {REL})
        A <- 100
        B <- INVITE (no sdp; Supported: 100rel)
        B -> 183 (rseq 5; sdp)
        A <- 183 (sdp B1)
        A -> PRACK (sdp)
        B <- PRACK (sdp A1)
        B -> 200 PRACK
        A <- 200 PRACK
        B -> 200 (no sdp)
        B <- ACK (no sdp)
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_the_200_waits_for_the_prack_of_an_18x_with_session() -> None:
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183 (lost)
        B -> 200 (no sdp)
        B <- ACK
        quiet
        after 0.5
        A <- 183
        A -> PRACK
        A <- 200 PRACK, 200
        B <- PRACK
        B -> 481 PRACK
        A -> ACK
        """
        + DOWN
    )


def test_the_200_does_not_wait_for_the_prack_of_a_plain_180() -> None:
    """RFC 3262 3: but that PRACK is still good. On a 481 its sender would end the dialog."""
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 180 (rseq 5)
        B <- PRACK
        A <- 180
        B -> 200 PRACK, 200
        B <- ACK
        A <- 200
        A -> PRACK
        A <- 200 PRACK
        A -> ACK
        """
        + DOWN
    )


def test_a_prack_that_crosses_a_refusal_is_answered() -> None:
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 1; sdp)
        A <- 183 (RSeq: 1)
        B -> 486
        B <- ACK
        A <- 486
        A -> PRACK (sdp)
        A <- 200 PRACK
        A -> ACK
        record busy by callee 486
        """
    )


def test_after_the_200_no_18x_leaves_that_had_waited_for_a_prack() -> None:
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 180 (rseq 1)
        B <- PRACK
        A <- 180 (RSeq: 1)
        B -> 200 PRACK, 180 (rseq 2)
        B <- PRACK
        B -> 200 PRACK, 200
        B <- ACK
        A <- 200
        A -> PRACK
        A <- 200 PRACK
        A -> ACK
        after 2
        quiet
        """
        + DOWN
    )


def test_the_callee_is_not_offered_100rel_when_the_caller_could_not_answer_in_a_prack() -> None:
    climb(
        """
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE (no sdp; no Supported)
        B -> 200
        A <- 200
        A -> ACK (sdp)
        B <- ACK (sdp A1)
        """
        + DOWN
    )


def test_a_caller_that_requires_100rel_gets_it_whatever_the_callee_does() -> None:
    climb(
        """
        A -> INVITE (Require: 100rel)
        A <- 100
        B <- INVITE (no Require; Supported: 100rel)
        B -> 180
        A <- 180 (Require: 100rel; RSeq: 1)
        A -> PRACK
        A <- 200 PRACK
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_repeated_reliable_18x_is_one() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        B <- PRACK
        A <- 183
        B -> 183 (again)
        quiet
        B -> 200 PRACK
        B -> 200 (no sdp)
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_reliable_18x_that_overtakes_another_comes_again() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (rseq 5)
        B <- PRACK (RAck: 5 1 INVITE)
        A <- 180
        B -> 200 PRACK
        B -> 183 (rseq 7; sdp)
        quiet
        B -> 183 (rseq 6)
        B <- PRACK (RAck: 6 1 INVITE)
        A <- 183
        B -> 200 PRACK
        B -> 183 (rseq 7; sdp)
        B <- PRACK (RAck: 7 1 INVITE)
        A <- 183
        B -> 200 PRACK, 200 (no sdp)
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_our_reliable_responses_leave_one_after_the_other() -> None:
    """The caller has to get them in order; the second waits for the PRACK of the first."""
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 180 (rseq 5)
        B <- PRACK
        A <- 180 (RSeq: 1)
        B -> 200 PRACK, 183 (rseq 6)
        B <- PRACK
        quiet
        B -> 200 PRACK
        A -> PRACK
        A <- 200 PRACK, 183 (RSeq: 2)
        A -> PRACK
        A <- 200 PRACK
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """.replace("A <- 200 PRACK, 183 (RSeq: 2)", "A <- 183 (RSeq: 2), 200 PRACK")
        + DOWN
    )


SEVERAL = f"""
    A -> INVITE ({REL})
    A <- 100
    B <- INVITE
    B -> 183 (sdp; rseq 1)
    A <- 183 (sdp B1; RSeq: 1)
    A -> PRACK
    A <- 200 PRACK
    B <- PRACK (RAck: 1 1 INVITE)
    B -> 200 PRACK
"""
ANSWERED = """
    B -> 200 (no sdp)
    B <- ACK
    A <- 200
    A -> ACK
"""


@pytest.mark.parametrize(
    "steps",
    [
        """
        B -> 183 (sdp; rseq 2), 180 (rseq 3)
        B <- PRACK (RAck: 3 1 INVITE)
        B -> 200 PRACK
        A <- 183 (sdp B2; RSeq: 2)
        A -> PRACK
        A <- 180 (RSeq: 3), 200 PRACK
        B <- PRACK (RAck: 2 1 INVITE)
        B -> 200 PRACK
        A -> PRACK
        A <- 200 PRACK
        """,
        """
        B -> 183 (sdp; rseq 2), 180 (sdp; rseq 3)
        A <- 183 (sdp B2; RSeq: 2)
        A -> PRACK
        A <- 180 (sdp; RSeq: 3), 200 PRACK
        B <- PRACK (RAck: 2 1 INVITE)
        B -> 200 PRACK
        A -> PRACK
        A <- 200 PRACK
        B <- PRACK (RAck: 3 1 INVITE)
        B -> 200 PRACK
        """,
        """
        B -> 180 (rseq 2), 183 (sdp; rseq 3)
        B <- PRACK (RAck: 2 1 INVITE)
        B -> 200 PRACK
        A <- 180 (RSeq: 2)
        A -> PRACK
        A <- 183 (sdp; RSeq: 3), 200 PRACK
        quiet
        A -> PRACK
        A <- 200 PRACK
        B <- PRACK (RAck: 3 1 INVITE)
        B -> 200 PRACK
        """,
    ],
)
def test_a_callee_that_does_not_wait_for_every_prack(steps: str) -> None:
    """RFC 3262 3: after its first it need not. Each has a PRACK of its own all the same, one with
    a session when the caller's has come."""
    climb(SEVERAL + steps + ANSWERED + DOWN)


def test_a_prack_for_another_response_is_refused() -> None:
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 180 (rseq 5)
        B <- PRACK
        B -> 200 PRACK
        A <- 180
        A -> PRACK (RAck: 99 1 INVITE)
        A <- 481 PRACK
        A -> PRACK (RAck: 1 1 BYE)
        A <- 481 PRACK
        A -> PRACK (RAck: rubbish)
        A <- 481 PRACK
        A -> PRACK
        A <- 200 PRACK
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        """
    )


@pytest.mark.parametrize("answer", ["", "B -> 200 (no sdp)\n B <- ACK"])
def test_without_a_prack_the_call_fails(answer: str) -> None:
    """RFC 3262 3: 5xx after 64*T1, also when the callee has answered meanwhile."""
    ladder = Ladder().climb(f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183
        {answer.replace(chr(10), chr(10) + "        ")}
        after 31.9
        A <- 183, 183, 183, 183, 183, 183
    """)
    ladder.climb("""
        after 0.1
        A <- 504
        A -> ACK
        record failed by gateway 504 no_prack
    """)
    if answer:
        ladder.climb("""
            B <- BYE
            B -> 200 BYE
        """).end()
    else:
        ladder.climb("""
            B <- CANCEL
            B -> 200 CANCEL, 487
            B <- ACK
        """).end()


def test_cancel_while_a_prack_is_due() -> None:
    climb(f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183
        A -> CANCEL
        A <- 200 CANCEL, 487
        B <- CANCEL
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        A -> PRACK
        A <- 481 PRACK
        record cancelled by caller 487
    """)


def test_a_call_that_ends_before_the_prack_comes_ends_without_it_too() -> None:
    """The 2xx waits for a PRACK, the callee hangs up, the PRACK never comes: 5xx all the same."""
    climb(
        f"""
        A -> INVITE ({REL})
        A <- 100
        B <- INVITE
        B -> 183 (rseq 5; sdp)
        A <- 183
        B -> 200 (no sdp)
        B <- ACK
        B -> BYE
        B <- 200 BYE
        record answered by callee 200
        after 31.9
        A <- 183, 183, 183, 183, 183, 183
        after 0.1
        A <- 504
        A -> ACK
        """
    )

"""CANCEL in every state, and its race with the 200 (RFC 3261 9; RFC 5407 2.2, 3.1)."""

from tests.b2bua.ladder import climb


def test_cancel_while_ringing() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL (Reason: SIP)
        A <- 200 CANCEL, 487
        B <- CANCEL (Reason: SIP)
        record cancelled by caller 487
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
    """)


def test_cancel_meets_200_and_the_200_comes_first() -> None:
    """RFC 5407 3.1.2: too late, the call is up; the caller ends it with BYE."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        B -> 200 | A -> CANCEL
        B <- ACK
        A <- 200 CANCEL, 200
        no record
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_cancel_meets_200_and_the_cancel_comes_first() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL | B -> 200
        A <- 200 CANCEL
        B <- CANCEL, ACK, BYE
        A <- 487
        record cancelled by caller 487
        A -> ACK
        B -> 200 CANCEL, 200 BYE
    """)


def test_late_200_after_cancel_is_acknowledged_and_ended() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        B <- CANCEL
        A -> ACK
        after 0.3
        B -> 200
        B <- ACK, BYE
        B -> 481 CANCEL, 200 BYE
        record cancelled by caller 487
        after 1
        B -> 200 (again)
        B <- ACK
    """)


def test_cancel_before_the_first_response_waits_for_it() -> None:
    """RFC 3261 9.1; the INVITE goes on being repeated, else a lost 180 leaves a phone ringing."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE (lost)
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        record cancelled by caller 487
        after 0.5
        B <- INVITE
        B -> 100
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
    """)


def test_cancel_before_the_first_response_and_the_first_is_the_200() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B -> 200
        B <- ACK, BYE
        B -> 200 BYE
        record cancelled by caller 487
    """)


def test_cancel_while_the_attempt_waits_for_the_disk() -> None:
    """B's INVITE never leaves."""
    climb("""
        hold commits
        A -> INVITE
        A -> CANCEL
        A <- 200 CANCEL
        quiet
        commit
        A <- 487
        A -> ACK
        quiet
        record cancelled by caller 487
    """)


def test_cancel_while_the_answer_waits_for_the_disk() -> None:
    """It is too late for CANCEL, though the caller cannot know yet."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        A -> CANCEL
        A <- 200 CANCEL
        quiet
        commits flow
        B <- ACK
        A <- 200
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_cancel_crosses_a_refusal() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        B -> 486 | A -> CANCEL
        B <- ACK
        A <- 200 CANCEL, 486
        A -> ACK
        record busy by callee 486
    """)


def test_cancel_is_sent_once_however_often_b_rings() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        B -> 180, 200 CANCEL
        after 6
        B -> 180
        quiet
        B -> 487
        B <- ACK
        record cancelled by caller 487
    """)


def test_a_callee_that_never_answers_its_cancel_is_given_up() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        B -> 200 CANCEL
        record cancelled by caller 487
        after 33
    """)


def test_cancel_of_nothing() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        after 6
        A -> CANCEL
        A <- 481 CANCEL
    """)


def test_bye_in_the_early_dialog_is_a_cancel() -> None:
    """RFC 3261 15: the caller may say BYE before the answer."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> BYE
        B <- CANCEL
        A <- 487, 200 BYE
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        record cancelled by caller 487
    """)

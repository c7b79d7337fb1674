"""The 2xx and its ACK on each leg (RFC 3261 13.2.2.4, 13.3.1.4)."""

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
"""
UP_DELAYED = """
    A -> INVITE (no sdp)
    A <- 100
    B <- INVITE (no sdp)
    B -> 180
    A <- 180
    B -> 200 (sdp)
    A <- 200 (sdp B1)
"""


def test_a_lost_200_is_sent_again() -> None:
    climb(
        UP.replace("A <- 200", "A <- 200 (lost)")
        + """
        after 0.4
        quiet
        after 0.1
        A <- 200
        A -> ACK
        after 40
        quiet
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_without_an_ack_the_200_is_repeated_for_32_seconds_and_then_both_get_bye() -> None:
    ladder = Ladder().climb(UP)
    start = ladder.wire.now
    ladder.wire.advance(31.9)
    times = [at - start for at, hop, data in ladder.wire.sent if data.startswith(b"SIP/2.0 200")]
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert not ladder.wire.ended()
    ladder.climb("A <- 200, 200, 200, 200, 200, 200, 200, 200, 200, 200")
    ladder.climb("""
        after 0.1
        record answered by gateway 200 no_ack
        A <- BYE (Reason: cause=102)
        B <- BYE (Reason: cause=102)
        A -> 200 BYE
        B -> 200 BYE
    """).end()


def test_a_repeated_200_of_the_callee_is_acknowledged_again() -> None:
    climb(
        UP
        + """
        A -> ACK
        after 0.5
        B -> 200 (again)
        B <- ACK (no sdp; cseq 1)
        after 1
        B -> 200 (again)
        B <- ACK (no sdp; cseq 1)
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """
    )


def test_a_200_repeated_after_the_next_reinvite_is_acknowledged_with_its_own_cseq() -> None:
    climb(
        UP
        + """
        A -> ACK
        A -> INVITE
        A <- 100
        B <- INVITE (cseq 2)
        B -> 200
        B <- ACK (cseq 2)
        A <- 200
        A -> ACK
        B -> 200 (again 2)
        B <- ACK (cseq 2)
        B -> 200 (again 1)
        B <- ACK (cseq 1)
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_an_ack_of_a_200_that_was_not_sent_yet() -> None:
    """No phone can know of it; whoever says so must not leave the call without its end."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        A -> ACK
        commits flow
        B <- ACK
        A <- 200
        A -> ACK
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_a_repeated_ack_is_absorbed() -> None:
    climb(
        UP
        + """
        A -> ACK, ACK (again)
        A -> ACK
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_bye_of_the_callee_before_the_ack_of_the_caller() -> None:
    """The record ends at once; the caller hears of it when its ACK has come (RFC 3261 15)."""
    climb(
        UP
        + """
        B -> BYE
        B <- 200 BYE
        record answered by callee 200
        quiet
        after 0.2
        A -> ACK
        A <- BYE
        A -> 200 BYE
        """
    )


def test_bye_of_the_callee_and_the_ack_never_comes() -> None:
    ladder = Ladder().climb(UP)
    ladder.climb("""
        B -> BYE
        B <- 200 BYE
        record answered by callee 200
    """)
    ladder.wire.advance(31.9)
    ladder.climb("A <- 200, 200, 200, 200, 200, 200, 200, 200, 200, 200")
    ladder.climb("""
        after 0.1
        A <- BYE
        A -> 200 BYE
    """).end()


def test_bye_of_the_callee_while_the_answer_waits_for_the_disk() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        B -> BYE
        quiet
        commits flow
        B <- ACK, 200 BYE
        A <- 200
        record answered by callee 200
        A -> ACK
        A <- BYE
        A -> 200 BYE
    """)


def test_bye_of_the_caller_while_the_answer_waits_for_the_disk() -> None:
    """In its early dialog: the INVITE gets 487, once the end is on disk."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        A -> BYE
        B <- BYE, ACK
        B -> 200 BYE
        quiet
        commits flow
        A <- 487, 200 BYE
        A -> ACK
        record answered by caller 200
    """)


def test_bye_of_the_caller_overtakes_its_ack() -> None:
    climb(
        UP
        + """
        A -> BYE
        B <- BYE
        A <- 200 BYE
        A -> ACK
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_a_bye_that_has_travelled_far() -> None:
    """It ends here, and the one to the other side is ours: no hop more is asked of it."""
    climb(
        UP
        + """
        A -> ACK
        A -> BYE (Max-Forwards: 0)
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_bye_from_both_sides_at_once() -> None:
    """RFC 5407 3.2.2."""
    climb(
        UP
        + """
        A -> ACK
        after 5
        A -> BYE | B -> BYE
        B <- BYE
        A <- 200 BYE
        B <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_byes_that_pass_each_other_on_the_wire() -> None:
    climb(
        UP
        + """
        A -> ACK
        A -> BYE
        B <- BYE (lost)
        A <- 200 BYE
        B -> BYE
        B <- 200 BYE
        after 0.5
        B <- BYE
        B -> 481 BYE
        record answered by caller 200
        """
    )


def test_a_lost_200_of_the_bye() -> None:
    climb(
        UP
        + """
        A -> ACK
        A -> BYE
        A <- 200 BYE (lost)
        B <- BYE
        B -> 200 BYE
        after 0.5
        A -> BYE (again)
        A <- 200 BYE
        record answered by caller 200
        """
    )


def test_delayed_offer() -> None:
    """The ACK for B waits for A's and takes its body; B's repeats are absorbed meanwhile."""
    climb(
        UP_DELAYED
        + """
        after 0.3
        B -> 200 (again)
        quiet
        A -> ACK (sdp)
        B <- ACK (sdp A1)
        after 0.5
        B -> 200 (again)
        B <- ACK (sdp A1)
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_delayed_offer_without_an_ack() -> None:
    ladder = Ladder().climb(UP_DELAYED)
    ladder.wire.advance(31.9)
    ladder.climb("A <- 200, 200, 200, 200, 200, 200, 200, 200, 200, 200")
    ladder.climb("""
        after 0.1
        record answered by gateway 200 no_ack
        A <- BYE
        B <- ACK (no sdp), BYE
        A -> 200 BYE
        B -> 200 BYE
    """).end()


def test_delayed_offer_and_bye_of_the_callee_before_the_ack() -> None:
    climb(
        UP_DELAYED
        + """
        B -> BYE
        B <- 200 BYE
        record answered by callee 200
        A -> ACK (sdp)
        B <- ACK
        A <- BYE
        A -> 200 BYE
        """
    )


def test_delayed_offer_and_bye_of_the_caller_instead_of_its_ack() -> None:
    climb(
        UP_DELAYED
        + """
        A -> BYE
        B <- ACK (no sdp), BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_delayed_offer_and_the_operator_hangs_up_before_the_ack() -> None:
    """B is ACKed once, before its BYE, and not again by the caller's late ACK."""
    climb(
        UP_DELAYED
        + """
        hangup operator
        B <- ACK (no sdp), BYE
        B -> 200 BYE
        record answered by operator 200 operator
        A -> ACK (sdp)
        A <- BYE
        A -> 200 BYE
        """
    )


def test_an_invite_repeated_after_its_answer_is_absorbed() -> None:
    """RFC 6026: it would otherwise be a second call."""
    climb(
        UP
        + """
        A -> INVITE (again)
        quiet
        A -> ACK
        A -> INVITE (again)
        quiet
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_an_ack_with_the_branch_of_its_invite() -> None:
    """Some phones do; RFC 3261 17.1.1.3 wants a new branch."""
    climb(
        UP.replace("A -> INVITE", "A -> INVITE (branch same)")
        + """
        A -> ACK (branch same)
        after 40
        quiet
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_the_operator_hangs_up() -> None:
    climb(
        UP
        + """
        A -> ACK
        hangup operator
        A <- BYE (Reason: operator)
        B <- BYE (Reason: operator)
        A -> 200 BYE
        B -> 200 BYE
        record answered by operator 200 operator
        """
    )


def test_the_operator_hangs_up_while_the_answer_waits_for_the_disk() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        hangup operator
        B <- BYE, ACK
        quiet
        B -> 200 BYE
        commits flow
        A <- 200
        record answered by operator 200 operator
        A -> ACK
        A <- BYE
        A -> 200 BYE
        """
    )


def test_the_operator_hangs_up_a_ringing_call() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hangup operator
        A <- 480
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        A -> ACK
        record failed by operator 480 operator
    """)

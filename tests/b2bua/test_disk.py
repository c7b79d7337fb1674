"""Disk first, then the wire (docs/decisions/0007-disk-first.md)."""

from tests.b2bua.ladder import climb

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


def test_the_attempt_before_its_invite() -> None:
    """And before the 100: who has had one does not ask again, should we die meanwhile."""
    climb("""
        hold commits
        A -> INVITE
        after 1
        A -> INVITE (again)
        quiet
        commit
        A <- 100
        B <- INVITE
        commits flow
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_a_connection_that_breaks_before_the_invite_leaves() -> None:
    """The trunk has been restarted; what waits here has not gone by the old connection."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE (by B)
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        hold commits
        C -> INVITE
        B breaks
        commits flow
        C <- 100
        B <- INVITE (by B)
        B -> 486
        B <- ACK
        C <- 486
        C -> ACK
        record busy by callee 486
        """,
        transport="tcp",
    )


def test_the_first_answer_timer_starts_when_the_invite_leaves() -> None:
    climb("""
        hold commits
        A -> INVITE
        after 1.9
        commit
        A <- 100
        B <- INVITE
        commits flow
        after 3.9
        B <- INVITE, INVITE, INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_a_refusal_before_its_final_response() -> None:
    climb("""
        hold commits
        A -> INVITE (to 9005551234)
        after 0.5
        A -> INVITE (again; to 9005551234)
        quiet
        commit
        A <- 403 (Reason: Q.850%cause=21)
        A -> ACK
        record refused by gateway 403 required
    """)


def test_a_failure_of_the_callee_before_it_crosses() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        hold commits
        B -> 486
        B <- ACK
        quiet
        commit
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_the_answer_before_the_callers_200_and_the_callees_ack() -> None:
    """A callee that had its ACK would not ask again after a crash."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        after 1
        B -> 200 (again)
        quiet
        commit
        B <- ACK
        A <- 200
        commits flow
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_the_end_before_the_200_of_the_bye() -> None:
    climb(
        UP
        + """
        hold commits
        A -> BYE
        B <- BYE
        B -> 200 BYE
        A -> BYE (again)
        quiet
        commit
        A <- 200 BYE
        record answered by caller 200
        """
    )


def test_both_byes_wait_for_the_one_record() -> None:
    climb(
        UP
        + """
        hold commits
        A -> BYE | B -> BYE
        B <- BYE
        B -> 200 BYE
        quiet
        commit
        A <- 200 BYE
        B <- 200 BYE
        record answered by caller 200
        """
    )


def test_a_failing_disk_refuses_a_new_call() -> None:
    climb("""
        hold commits
        A -> INVITE
        disk fails
        A <- 503 (Retry-After)
        A -> ACK
        quiet
        record failed by gateway 503 disk
    """)


def test_a_disk_that_says_nothing_for_two_seconds_refuses_a_new_call() -> None:
    climb("""
        hold commits
        A -> INVITE
        after 1.9
        quiet
        after 0.1
        A <- 503 (Retry-After)
        A -> ACK
        quiet
        record failed by gateway 503 disk
    """)


def test_each_call_has_its_own_two_seconds() -> None:
    climb("""
        hold commits
        A -> INVITE
        after 1.5
        C -> INVITE
        after 0.5
        A <- 503
        A -> ACK
        after 1.4
        quiet
        after 0.1
        C <- 503
        C -> ACK
        record failed by gateway 503 disk
        record failed by gateway 503 disk
    """)


def test_while_the_disk_fails_a_new_call_is_refused_at_once() -> None:
    """Until it has taken something again."""
    climb("""
        hold commits
        A -> INVITE
        disk fails
        A <- 503
        A -> ACK
        C -> INVITE
        C <- 503 (Retry-After)
        C -> ACK
        commits flow
        record failed by gateway 503 disk
        record refused by gateway 503 disk
        C -> INVITE
        C <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        C <- 486
        C -> ACK
        record busy by callee 486
    """)


def test_a_refusal_of_policy_on_a_failing_disk_is_503() -> None:
    """Its record may never come to be, so the caller should come back."""
    climb("""
        hold commits
        A -> INVITE (to 9005551234)
        disk fails
        A <- 503 (Retry-After)
        A -> ACK
        record refused by gateway 403 required
    """)


def test_a_refusal_of_policy_while_the_disk_fails_is_on_record_as_it_was_heard() -> None:
    climb("""
        hold commits
        A -> INVITE
        disk fails
        A <- 503
        A -> ACK
        C -> INVITE (to 9005551234)
        C <- 503 (Retry-After)
        C -> ACK
        commit
        record failed by gateway 503 disk
        record refused by gateway 503 required
    """)


def test_an_emergency_call_waits_for_no_disk() -> None:
    climb("""
        hold commits
        A -> INVITE (to 911)
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        disk fails
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        after 60
        A -> BYE
        B <- BYE
        B -> 200 BYE
        quiet
        commit
        A <- 200 BYE
        record answered by caller 200
    """)


def test_an_emergency_call_starts_while_the_disk_fails() -> None:
    climb("""
        hold commits
        A -> INVITE
        disk fails
        A <- 503
        A -> ACK
        C -> INVITE (to 911)
        C <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        C <- 486
        C -> ACK
        commits flow
        record failed by gateway 503 disk
        record busy by callee 486
    """)


def test_a_bye_crosses_a_failing_disk_and_its_200_waits() -> None:
    climb(
        UP
        + """
        hold commits
        A -> BYE
        B <- BYE
        disk fails
        B -> 200 BYE
        after 5
        A <- 100 BYE
        disk fails
        A -> BYE (again)
        A <- 100 BYE
        after 20
        quiet
        commit
        A <- 200 BYE
        record answered by caller 200
        """
    )


def test_an_answer_on_a_failing_disk_is_taken_back() -> None:
    """The caller gets no 200 without its record; the callee gets ACK and BYE."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        disk fails
        A <- 503
        A -> ACK
        B <- BYE, ACK
        B -> 200 BYE
        record failed by gateway 503 disk
    """)


def test_a_delayed_answer_on_a_failing_disk_is_taken_back() -> None:
    climb("""
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        disk fails
        B <- ACK, BYE
        A <- 503
        A -> ACK
        B -> 200 BYE
        record failed by gateway 503 disk
    """)


def test_a_bye_of_the_callee_while_its_answer_fails_on_the_disk() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        B -> BYE
        disk fails
        B <- ACK
        A <- 503
        A -> ACK
        quiet
        commit
        B <- 200 BYE
        record answered by callee 200
    """)

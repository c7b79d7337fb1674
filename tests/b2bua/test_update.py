"""UPDATE (RFC 3311) and INFO between the legs, and requests nobody expects there."""

from tests.b2bua.ladder import climb
from tests.b2bua.test_reinvite import DOWN, UP


def test_update_crosses() -> None:
    climb(
        UP
        + """
        A -> UPDATE (sdp)
        B <- UPDATE (sdp A2; Contact)
        B -> 200 UPDATE (sdp)
        A <- 200 UPDATE (sdp B2; Contact)
        """
        + DOWN
    )


def test_update_before_the_answer() -> None:
    """RFC 3311 5.1: the callee may not offer while the first offer is open, the caller neither."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        B -> UPDATE (sdp)
        B <- 491 UPDATE
        A -> UPDATE (sdp)
        A <- 500 UPDATE (Retry-After)
        A -> UPDATE
        B <- UPDATE (no sdp)
        B -> 200 UPDATE
        A <- 200 UPDATE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_update_from_both_sides_at_once() -> None:
    climb(
        UP
        + """
        A -> UPDATE (sdp) | B -> UPDATE (sdp)
        B <- UPDATE, 491 UPDATE
        B -> 491 UPDATE
        A <- 491 UPDATE
        """
        + DOWN
    )


def test_a_second_update_before_the_first_is_answered() -> None:
    climb(
        UP
        + """
        A -> UPDATE (sdp)
        B <- UPDATE
        A -> UPDATE (sdp)
        A <- 500 UPDATE (Retry-After)
        B -> 200 UPDATE (sdp)
        A <- 200 UPDATE (cseq 2)
        """
        + DOWN
    )


def test_update_meets_a_reinvite() -> None:
    climb(
        UP
        + """
        A -> INVITE | B -> UPDATE (sdp)
        A <- 100
        B <- INVITE, 491 UPDATE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_refused_update_leaves_the_call_up() -> None:
    climb(
        UP
        + """
        A -> UPDATE (sdp)
        B <- UPDATE
        B -> 488 UPDATE
        A <- 488 UPDATE
        A -> UPDATE (sdp)
        B <- UPDATE
        B -> 200 UPDATE (sdp)
        A <- 200 UPDATE
        """
        + DOWN
    )


def test_481_to_update_ends_the_call() -> None:
    climb(
        UP
        + """
        A -> UPDATE (sdp)
        B <- UPDATE
        B -> 481 UPDATE
        A <- 481 UPDATE, BYE
        B <- BYE
        A -> 200 BYE
        B -> 481 BYE
        record answered by gateway 200 lost
        """
    )


def test_info_crosses_both_ways() -> None:
    climb(
        UP
        + """
        A -> INFO (Info-Package: dtmf) | B -> INFO
        B <- INFO (Info-Package: dtmf)
        A <- INFO
        A -> 200 INFO
        B -> 200 INFO
        A <- 200 INFO
        B <- 200 INFO
        """.replace("A <- 200 INFO\n        B <- 200 INFO", "B <- 200 INFO\n        A <- 200 INFO")
        + DOWN
    )


def test_info_that_nobody_answers_is_not_answered_with_408() -> None:
    """RFC 4320: a 408 would reach nobody in time. The call stays up."""
    climb(
        UP
        + """
        A -> INFO
        B <- INFO
        after 33
        B <- INFO, INFO, INFO, INFO, INFO, INFO, INFO, INFO, INFO, INFO
        A <- 100 INFO
        quiet
        """
        + DOWN
    )


def test_a_408_to_an_info_stops_here() -> None:
    """RFC 4320 4.2: nobody answers anything but INVITE with it, and whoever asked has given up."""
    climb(
        UP
        + """
        A -> INFO
        B <- INFO
        B -> 408 INFO
        quiet
        """
        + DOWN
    )


def test_an_info_that_takes_long_is_announced() -> None:
    """RFC 4320 4.1."""
    climb(
        UP
        + """
        A -> INFO
        B <- INFO
        after 3.5
        B <- INFO, INFO, INFO
        A <- 100 INFO
        B -> 200 INFO
        A <- 200 INFO
        """
        + DOWN
    )


def test_bye_while_an_info_is_open() -> None:
    climb(
        UP
        + """
        A -> INFO
        B <- INFO
        B -> BYE
        A <- 487 INFO, BYE
        B <- 200 BYE
        A -> 200 BYE
        B -> 200 INFO
        record answered by callee 200
        """
    )


def test_info_of_the_callee_before_the_caller_has_its_200() -> None:
    """The caller has no dialog yet that the INFO could be in."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        hold commits
        B -> 200
        B -> INFO
        B <- 500 INFO (Retry-After)
        commits flow
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_options_inside_the_call_is_ours() -> None:
    climb(
        UP
        + """
        A -> OPTIONS
        A <- 200 OPTIONS (Allow; Supported)
        """
        + DOWN
    )


def test_refer_is_not_done_yet() -> None:
    climb(
        UP
        + """
        A -> REFER (Refer-To: <sip:1@127.0.0.1>)
        A <- 405 REFER (Allow)
        """
        + DOWN
    )


def test_an_old_cseq_is_refused() -> None:
    climb(
        UP
        + """
        A -> INFO
        B <- INFO
        B -> 200 INFO
        A <- 200 INFO
        A -> INFO (cseq 1)
        A <- 500 INFO
        """
        + DOWN
    )


def test_a_dialog_nobody_knows() -> None:
    climb(
        UP
        + DOWN
        + """
        after 40
        A -> INFO
        A <- 481 INFO
        A -> INVITE
        A <- 481
        A -> ACK
        A -> ACK
        """
    )

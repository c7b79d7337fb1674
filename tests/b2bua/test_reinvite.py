"""Re-INVITE between the legs (RFC 3261 14; RFC 5407 3.1.4, 3.2.1, 3.3)."""

import pytest
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
    after 5
"""
DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def test_hold_and_resume() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE (sdp A2; cseq 2; Contact)
        B -> 100, 200
        B <- ACK (no sdp; cseq 2)
        A <- 200 (sdp B2; Contact)
        A -> ACK
        A -> INVITE
        A <- 100
        B <- INVITE (sdp A3; cseq 3)
        B -> 200
        B <- ACK (no sdp; cseq 3)
        A <- 200 (sdp B3)
        A -> ACK
        """
        + DOWN
    )


def test_the_callee_reinvites() -> None:
    climb(
        UP
        + """
        B -> INVITE
        B <- 100
        A <- INVITE (sdp B2; cseq 1)
        A -> 200
        A <- ACK (no sdp)
        B <- 200 (sdp A2)
        B -> ACK
        """
        + DOWN
    )


@pytest.mark.parametrize(("x", "y"), [("A", "B"), ("B", "A")])
def test_a_reinvite_without_offer(x: str, y: str) -> None:
    climb(
        UP
        + f"""
        {x} -> INVITE (no sdp)
        {x} <- 100
        {y} <- INVITE (no sdp)
        {y} -> 200 (sdp)
        {x} <- 200 (sdp {y}2)
        {x} -> ACK (sdp)
        {y} <- ACK (sdp {x}2)
        """
        + DOWN
    )


def test_reinvites_from_both_sides_at_once() -> None:
    """RFC 3261 14.2: each side gets 491; nobody retries for them."""
    climb(
        UP
        + """
        A -> INVITE | B -> INVITE
        A <- 100
        B <- INVITE, 491
        B -> 491, ACK
        B <- ACK
        A <- 491
        A -> ACK
        after 10
        quiet
        """
        + DOWN
    )


def test_a_491_goes_back_to_the_asker_who_tries_again() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 491
        B <- ACK
        A <- 491
        A -> ACK
        after 2.5
        quiet
        A -> INVITE
        A <- 100
        B <- INVITE (sdp A3)
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_second_reinvite_before_the_first_is_answered() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        A -> INVITE
        A <- 500 (Retry-After)
        A -> ACK
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK (cseq 2)
        """
        + DOWN
    )


def test_a_reinvite_before_the_ack_of_the_first_200_takes_it_for_acknowledged() -> None:
    """RFC 5407 3.1.4: only the ACK was lost."""
    climb(
        UP.replace("    A -> ACK\n    after 5", "")
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        after 40
        quiet
        """
        + DOWN
    )


def test_a_reinvite_of_the_callee_before_the_caller_has_its_200() -> None:
    climb(
        UP[: UP.index("    B -> 200")]
        + """
        hold commits
        B -> 200
        B -> INVITE
        B <- 491
        B -> ACK
        commits flow
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_reinvite_of_the_caller_before_it_has_its_200() -> None:
    """No phone may (14.2); whoever does must not lose us the answer."""
    climb(
        UP[: UP.index("    B -> 200")]
        + """
        hold commits
        B -> 200
        A -> INVITE (cseq 7; inside)
        A <- 500 (Retry-After)
        commits flow
        B <- ACK
        A <- 200
        A -> ACK (cseq 1)
        A -> BYE (cseq 9)
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_a_reinvite_of_the_callee_before_the_ack_of_the_caller() -> None:
    climb(
        UP.replace("    A -> ACK\n    after 5", "")
        + """
        B -> INVITE
        B <- 491
        B -> ACK
        A -> ACK
        """
        + DOWN
    )


@pytest.mark.parametrize("status", [403, 488, 500, 603])
def test_a_refused_reinvite_leaves_the_call_up(status: int) -> None:
    climb(
        UP
        + f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> {status}
        B <- ACK
        A <- {status}
        A -> ACK
        after 40
        quiet
        """
        + DOWN
    )


@pytest.mark.parametrize("status", [408, 481])
def test_408_and_481_end_the_call(status: int) -> None:
    """RFC 3261 12.2.1.2: the far side knows no such call; both are told so."""
    climb(
        UP
        + f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> {status}
        B <- ACK
        A <- {status}
        A -> ACK
        A <- BYE
        B <- BYE
        A -> 200 BYE
        B -> 481 BYE
        record answered by gateway 200 lost
        """
    )


def test_a_reinvite_that_nobody_answers_ends_the_call() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        after 32
        B <- INVITE, INVITE, INVITE, INVITE, INVITE, INVITE
        A <- 408
        A -> ACK
        A <- BYE
        B <- BYE
        A -> 200 BYE
        record answered by gateway 200 lost
        after 33
        B <- BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE
        """
    )


def test_a_challenge_of_a_reinvite_is_not_the_askers() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 407 (Proxy-Authenticate: Digest)
        B <- ACK
        A <- 502 (no Proxy-Authenticate)
        A -> ACK
        """
        + DOWN
    )


def test_bye_of_the_asker_during_its_reinvite() -> None:
    """RFC 3261 15.1.2: what is open gets 487; B's own 487 is only acknowledged."""
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        A -> BYE
        A <- 487
        A -> ACK
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE, 487
        B <- ACK
        record answered by caller 200
        """
    )


def test_bye_of_the_other_side_during_a_reinvite() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        B -> BYE
        A <- 487, BYE
        A -> ACK
        B <- 200 BYE
        A -> 200 BYE
        B -> 487
        B <- ACK
        record answered by callee 200
        """
    )


@pytest.mark.parametrize(("before", "behind"), [("B -> 100", ""), ("", "B -> 100")])
def test_bye_during_a_reinvite_that_is_never_answered(before: str, behind: str) -> None:
    """Its transaction may not outlive the call by more than 64*T1."""
    climb(
        UP
        + f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        {before}
        A -> BYE
        A <- 487
        A -> ACK
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        {behind}
        record answered by caller 200
        after 65
        quiet
        """
    )


def test_bye_crosses_the_200_of_a_reinvite() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        A -> BYE | B -> 200
        A <- 487
        A -> ACK
        B <- BYE, ACK (cseq 2)
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_bye_while_the_ack_of_a_reinvite_without_offer_is_due() -> None:
    """The 200 of the asked is acknowledged before its BYE, with nothing to answer its offer."""
    climb(
        UP
        + """
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE
        B -> 200 (sdp)
        A <- 200
        hangup operator
        B <- ACK (no sdp; cseq 2), BYE
        B -> 200 BYE
        record answered by operator 200 operator
        A -> ACK (sdp)
        A <- BYE
        A -> 200 BYE
        """
    )


def test_cancel_of_a_reinvite() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        A <- 487
        A -> ACK
        """
        + DOWN
    )


def test_cancel_of_a_reinvite_before_its_first_response() -> None:
    """The CANCEL is not forgotten: it leaves behind the first provisional response."""
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        A -> CANCEL
        A <- 200 CANCEL
        quiet
        B -> 100
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        A <- 487
        A -> ACK
        """
        + DOWN
    )


def test_cancel_of_a_reinvite_meets_its_200() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 100
        B -> 200 | A -> CANCEL
        B <- ACK
        A <- 200, 200 CANCEL
        A -> ACK
        """
        + DOWN
    )


def test_a_lost_ack_of_a_reinvite() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK (lost)
        A <- 200
        after 0.5
        B -> 200 (again)
        B <- ACK (cseq 2)
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_reinvite_without_ack_ends_the_call() -> None:
    climb(
        UP
        + """
        B -> INVITE
        B <- 100
        A <- INVITE
        A -> 200
        A <- ACK
        B <- 200
        after 32
        B <- 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, BYE
        A <- BYE
        A -> 200 BYE
        B -> 200 BYE
        record answered by gateway 200 no_ack
        """
    )


def test_a_reinvite_does_not_offer_100rel() -> None:
    """Nobody here would say PRACK, and a 200 that waits for one never comes."""
    climb(
        UP
        + """
        A -> INVITE (Supported: 100rel, timer)
        A <- 100
        B <- INVITE (no Supported)
        B -> 183 (sdp)
        A <- 183 (sdp B2)
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_a_reinvite_that_rings_for_ever_is_cancelled() -> None:
    climb(
        UP
        + """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        after 180
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        A <- 487
        A -> ACK
        """
        + DOWN
    )


def test_the_new_contact_of_a_reinvite_is_where_requests_go() -> None:
    climb(
        UP
        + """
        B -> INVITE (Contact: <sip:moved@127.0.0.1:5090>)
        B <- 100
        A <- INVITE
        A -> 200
        A <- ACK
        C <- 200 (lost)
        """.replace("C <- 200 (lost)", "B <- 200")
        + """
        B -> ACK
        A -> BYE
        C <- BYE (uri sip:moved@127.0.0.1:5090)
        A <- 200 BYE
        C -> 200 BYE
        record answered by caller 200
        """
    )

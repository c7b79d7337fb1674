"""Several early dialogs of one INVITE (RFC 3261 12.1, 13.2.2.4)."""

from tests.b2bua.ladder import climb


def test_two_forks_with_two_sessions() -> None:
    """Own To-tags, one to one; the 2xx uses its fork's, and so does everything after."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 183 (tag left; sdp), 183 (tag right; sdp)
        A <- 183 (tag one; sdp B1), 183 (tag two; sdp B2)
        B -> 180 (tag left)
        A <- 180 (tag one)
        B -> 200 (tag right)
        B <- ACK (tag right-of-b)
        A <- 200 (tag two; sdp B3)
        A -> ACK
        A -> BYE
        B <- BYE (tag right-of-b)
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_a_second_200_is_acknowledged_and_ended() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (tag left), 180 (tag right)
        A <- 180 (tag one), 180 (tag two)
        B -> 200 (tag left) | B -> 200 (tag right)
        B <- ACK (tag left-of-b), ACK (tag right-of-b), BYE (tag right-of-b)
        A <- 200 (tag one)
        A -> ACK
        B -> 200 BYE
        B -> 200 (again)
        B <- ACK (tag right-of-b)
        A -> BYE
        B <- BYE (tag left-of-b)
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_a_200_of_a_fork_nobody_heard_ring() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (tag left)
        A <- 180 (tag one)
        B -> 200 (tag right)
        B <- ACK
        A <- 200 (tag two)
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_a_180_without_tag_is_passed_on() -> None:
    """RFC 2543 phones ring like that; their 200 has a tag of its own."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (To: <sip:3175551234@127.0.0.1>)
        A <- 180
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_provisional_responses_after_the_answer_are_not_passed_on() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (tag left)
        A <- 180
        B -> 200 (tag left), 180 (tag right)
        B <- ACK
        A <- 200
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)


def test_more_forks_than_anyone_needs_are_not_told() -> None:
    rings = "\n".join(f"B -> 180 (tag t{n})\nA <- 180" for n in range(16))
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        """
        + rings
        + """
        B -> 180 (tag t16)
        quiet
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        """
    )

"""The basic call, and what the two legs of it share and do not share."""

from tests.b2bua.ladder import climb


def test_a_call_crosses_and_ends() -> None:
    climb("""
        A -> INVITE (X-Account-Code: 4711)
        A <- 100
        B <- INVITE (sdp A1; no X-Account-Code)
        B -> 100, 180
        A <- 180
        after 2
        B -> 200
        B <- ACK (no sdp)
        A <- 200 (sdp B1)
        A -> ACK
        after 10
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """)

"""An answer that comes too late: ACKed and ended, and no kill leaves its phone on a call.

Each kill is played in each situation: the 2xx came after a CANCEL, after the gateway had given
the try up, or as a second fork's.
"""

import pytest
from tests.b2bua.ladder import Ladder, climb

INVITED = """
    A -> INVITE
    A <- 100
    B <- INVITE
"""
CANCELLED = (
    INVITED
    + """
    B -> 180
    A <- 180
    A -> CANCEL
    A <- 200 CANCEL, 487
    A -> ACK
    B <- CANCEL
    B -> 200 CANCEL
    record cancelled by caller 487
"""
)
TIMED_OUT = (
    INVITED
    + """
    after 4
    B <- INVITE, INVITE, INVITE
    A <- 408
    A -> ACK
    record failed by gateway 408 timeout
"""
)
RANG_TOO_LONG = (
    INVITED
    + """
    B -> 180
    A <- 180
    after 50
    B <- CANCEL
    B -> 200 CANCEL
    A <- 480
    A -> ACK
    record no_answer by gateway 480 ring_timeout
"""
)
OVER = [(CANCELLED, "487"), (TIMED_OUT, "408"), (RANG_TOO_LONG, "480")]
NAMES = ["cancelled", "timed out", "rang too long"]
SECOND = (
    INVITED
    + """
    B -> 180 (tag left), 180 (tag right)
    A <- 180 (tag one), 180 (tag two)
    B -> 200 (tag left)
    B <- ACK (tag left-of-b)
    A <- 200 (tag one)
    A -> ACK
"""
)
UP = """
    A <- 200, OPTIONS
    B <- ACK (tag left-of-b; cseq 1), OPTIONS
    A -> ACK, 200 OPTIONS
    B -> 200 OPTIONS
"""
DOWN = """
    A -> BYE
    B <- BYE (tag left-of-b)
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def over(situation: str) -> Ladder:
    return Ladder(ring_timeout=50.0).climb(situation)


def on_disk_only(ladder: Ladder) -> None:
    """What waits comes on disk, and the process dies before it hears of that."""
    wire = ladder.wire
    commit = wire.engine.committed
    wire.engine.committed = lambda number, now: None  # type: ignore[method-assign]
    wire.commit()
    wire.engine.committed = commit  # type: ignore[method-assign]


@pytest.mark.parametrize(("situation", "status"), OVER, ids=NAMES)
def test_the_ack_waits_for_the_disk(situation: str, status: str) -> None:
    over(situation).climb("""
        hold commits
        B -> 200
        B -> 200 (again)
        quiet
        commits flow
        B <- ACK, BYE
        B -> 200 (again)
        B <- ACK
        B -> 200 BYE
    """).end()


@pytest.mark.parametrize(("situation", "status"), OVER, ids=NAMES)
def test_killed_before_the_commit(situation: str, status: str) -> None:
    """It has no ACK, so it asks again."""
    over(situation).climb(f"""
        hold commits
        B -> 200
        quiet
        restart
        commits flow
        A <- {status}
        A -> ACK
        B <- CANCEL
        B -> 481 CANCEL, 200 (again)
        B <- ACK, BYE
        B -> 200 BYE
    """).end()


@pytest.mark.parametrize(("situation", "status"), OVER, ids=NAMES)
def test_killed_between_the_commit_and_the_ack(situation: str, status: str) -> None:
    ladder = over(situation).climb("""
        hold commits
        B -> 200
        quiet
    """)
    on_disk_only(ladder)
    ladder.climb(f"""
        restart
        commits flow
        A <- {status}
        A -> ACK
        B <- ACK (cseq 1), BYE
        B -> 200 (again)
        B <- ACK (cseq 1)
        B -> 200 BYE
        after 1
        quiet
    """).end()


@pytest.mark.parametrize(("situation", "status"), OVER, ids=NAMES)
@pytest.mark.parametrize("bye", ["BYE (lost)", "BYE"])
def test_killed_after_the_ack(situation: str, status: str, bye: str) -> None:
    """Whether the BYE left, arrived, or was answered into the void is not known."""
    ladder = over(situation).climb(f"""
        B -> 200
        B <- ACK, {bye}
        after 0.4
    """)
    assert ladder.wire.rows, "the BYE is not answered"
    ladder.climb(f"""
        restart
        A <- {status}
        A -> ACK
        B <- ACK, BYE
        after 0.5
        B <- BYE
        B -> 481 BYE
    """)
    assert not ladder.wire.rows
    ladder.climb("""
        restart
        after 40
        quiet
    """).end()


@pytest.mark.parametrize(("situation", "status"), OVER, ids=NAMES)
def test_killed_when_the_bye_was_answered(situation: str, status: str) -> None:
    ladder = over(situation).climb("""
        B -> 200
        B <- ACK, BYE
        B -> 200 BYE
    """)
    assert not ladder.wire.rows
    ladder.climb("""
        restart
        after 40
        quiet
    """).end()


def test_a_kill_before_the_caller_has_confirmed_its_refusal() -> None:
    """Both are told again, over as many restarts as it takes."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487 (lost)
        B <- CANCEL
        B -> 200
        B <- ACK, BYE (lost)
        record cancelled by caller 487
        restart
        A <- 487 (lost)
        B <- ACK, BYE (lost)
        restart
        A <- 487
        B <- ACK, BYE
        A -> ACK
        B -> 200 BYE, 481 CANCEL
    """)


def test_two_of_them_and_a_kill() -> None:
    climb(
        CANCELLED
        + """
        B -> 200 (tag left), 200 (tag right)
        B <- ACK (tag left-of-b), BYE (lost), ACK (tag right-of-b), BYE (lost)
        restart
        A <- 487
        A -> ACK
        B <- ACK (tag left-of-b), BYE (tag left-of-b), ACK (tag right-of-b), BYE (tag right-of-b)
        B -> 200 BYE
        after 0.5
        B <- BYE (tag left-of-b)
        B -> 200 BYE
        """
    )


def test_another_fork_after_the_kill() -> None:
    """The try is still known: whoever answers it is ended."""
    climb(
        CANCELLED
        + """
        B -> 200 (tag left)
        B <- ACK (tag left-of-b), BYE (lost)
        restart
        A <- 487
        A -> ACK
        B <- ACK (tag left-of-b), BYE (tag left-of-b)
        B -> 180 (tag right), 200 (tag right)
        B <- ACK (tag right-of-b), BYE (tag right-of-b)
        B -> 200 BYE
        after 0.5
        B <- BYE (tag left-of-b)
        B -> 200 BYE
        """
    )


# -- a second fork, while the first is up


def test_a_second_fork_and_a_kill_before_the_commit() -> None:
    """Without its ACK it asks again, and gives up by itself."""
    climb(
        SECOND
        + """
        hold commits
        B -> 200 (tag right)
        quiet
        restart
        commits flow
        """
        + UP
        + """
        B -> 200 (again)
        quiet
        """
        + DOWN
    )


def test_a_second_fork_and_a_kill_between_the_commit_and_the_ack() -> None:
    ladder = Ladder().climb(
        SECOND
        + """
        hold commits
        B -> 200 (tag right)
        quiet
        """
    )
    on_disk_only(ladder)
    ladder.climb(
        """
        restart
        commits flow
        A <- OPTIONS
        B <- OPTIONS (tag left-of-b), ACK (tag right-of-b; cseq 1), BYE (tag right-of-b)
        B -> 200 (again)
        B <- ACK (tag right-of-b)
        B -> 200 OPTIONS, 200 BYE
        A -> 200 OPTIONS
        """
        + DOWN
    ).end()


@pytest.mark.parametrize("bye", ["BYE (lost)", "BYE"])
def test_a_second_fork_and_a_kill_after_its_ack(bye: str) -> None:
    climb(
        SECOND
        + f"""
        B -> 200 (tag right)
        B <- ACK (tag right-of-b), {bye}
        restart
        A <- OPTIONS
        B <- OPTIONS (tag left-of-b), ACK (tag right-of-b), BYE (tag right-of-b)
        B -> 200 OPTIONS, 200 BYE
        A -> 200 OPTIONS
        """
        + DOWN
    )


def test_a_second_fork_and_a_kill_after_the_call() -> None:
    """The BYE of one is not answered, nor that of the other."""
    ladder = climb(
        SECOND
        + """
        B -> 200 (tag right)
        B <- ACK (tag right-of-b), BYE (lost)
        A -> BYE
        B <- BYE (lost)
        A <- 200 BYE
        record answered by caller 200
        restart
        B <- BYE (tag left-of-b)
        A <- BYE
        B <- ACK (tag right-of-b), BYE (tag right-of-b)
        A -> 481 BYE
        B -> 200 BYE
        after 0.5
        B <- BYE (tag left-of-b)
        B -> 200 BYE
        """
    )
    assert not ladder.wire.rows


def test_a_second_fork_that_answers_when_the_call_has_ended() -> None:
    """The BYE of the first is still open, so the call is kept; and with it the second."""
    climb(
        SECOND
        + """
        A -> BYE
        B <- BYE (lost)
        A <- 200 BYE
        record answered by caller 200
        B -> 200 (tag right)
        B <- ACK (tag right-of-b), BYE (lost)
        restart
        B <- BYE (tag left-of-b)
        A <- BYE
        B <- ACK (tag right-of-b), BYE (tag right-of-b)
        A -> 481 BYE
        B -> 200 BYE
        after 0.5
        B <- BYE (tag left-of-b)
        B -> 200 BYE
        """
    )


def test_a_second_fork_and_another_address_of_the_first() -> None:
    """What is kept of the one is not forgotten over the other."""
    climb(
        SECOND
        + """
        B -> 200 (tag right)
        B <- ACK (tag right-of-b), BYE (lost)
        B -> UPDATE (tag left; Contact: <sip:moved@127.0.0.1:5090>)
        A <- UPDATE
        A -> 200 UPDATE
        B <- 200 UPDATE
        restart
        A <- OPTIONS
        C <- OPTIONS
        B <- ACK (tag right-of-b), BYE (tag right-of-b)
        B -> 200 BYE
        A -> 200 OPTIONS
        C -> 200 OPTIONS
        A -> BYE
        C <- BYE
        A <- 200 BYE
        C -> 200 BYE
        record answered by caller 200
        """
    )


# -- an answer that is taken back before it is on disk


@pytest.mark.parametrize("bye", ["BYE (lost)", "BYE"])
def test_killed_between_the_bye_and_the_ack_of_an_answer_not_on_disk(bye: str) -> None:
    """The BYE goes first: without the ACK behind it the callee asks again."""
    ladder = Ladder().climb(f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        hold commits
        B -> 200
        A -> BYE
        B <- {bye}, ACK (lost)
        restart
        commits flow
        A <- 500
        A -> ACK
        B <- CANCEL
        record interrupted by gateway 500 restart
        B -> 481 CANCEL, 200 (again)
        B <- ACK, BYE
        B -> 481 BYE
        A -> BYE (again)
        A <- 481 BYE
    """)
    first, second = [data[:3] for _, hop, data in ladder.wire.sent if hop.port == 5070][1:3]
    assert (first, second) == (b"BYE", b"ACK")
    ladder.end()


# -- where the disk has no say


def test_the_disk_fails() -> None:
    """Nothing is gained by waiting. BYE first: without its ACK a callee ends by itself."""
    Ladder().climb(CANCELLED).climb("""
        hold commits
        B -> 200
        disk fails
        B <- BYE, ACK
        B -> 200 (again)
        B <- ACK
        B -> 200 BYE
        commits flow
    """).end()


def test_an_emergency_call_does_not_wait_but_is_kept() -> None:
    ladder = Ladder().climb("""
        A -> INVITE (to 911)
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        record cancelled by caller 487
        hold commits
        B -> 200
        B <- BYE (lost), ACK
        commits flow
        restart
        A <- 487
        A -> ACK
        B <- ACK, BYE
        B -> 200 BYE, 481 CANCEL
    """)
    ladder.end()


@pytest.mark.parametrize("tag", ["right", "nobody-heard-of"])
def test_a_fork_that_answers_a_call_of_which_nothing_is_kept(tag: str) -> None:
    ladder = Ladder().climb(SECOND + DOWN)
    assert not ladder.wire.rows
    ladder.climb(f"""
        B -> 200 (tag {tag})
        B <- BYE (tag its-own), ACK (tag its-own)
        B -> 200 BYE
        B -> 200 (again)
        B <- ACK (tag its-own)
    """).end()


def test_a_repeated_200_of_a_call_that_is_over_is_only_acknowledged() -> None:
    Ladder().climb(SECOND + DOWN).climb("""
        B -> 200 (again)
        B <- ACK (tag left-of-b)
    """).end()


@pytest.mark.parametrize(
    ("before", "after", "end"),
    [
        ("", "A -> ACK", "ACK (tag callee), BYE (tag callee)"),
        ("A -> ACK", "", "BYE (tag callee), ACK (tag callee)"),  # nothing of it is kept any more
    ],
)
def test_a_fork_that_answers_after_the_refusal_of_another(
    before: str, after: str, end: str
) -> None:
    """A proxy sends on a 2xx also after a failure (16.7), as when its own timer is over and the
    callee answers in that moment."""
    climb(f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (tag left)
        A <- 180
        B -> 408 (tag proxy)
        B <- ACK (tag proxy)
        A <- 408
        {before}
        record no_answer by callee 408
        B -> 200 (tag left)
        B <- {end}
        {after}
        B -> 200 BYE
        B -> 200 (again)
        B <- ACK (tag callee)
        B -> 408 (again)
        B <- ACK (tag proxy)
    """)

"""Feature codes: we answer, remember the sticky code, and hang up."""

import pytest
from tests.b2bua.ladder import Ladder, climb

from tollbar.b2bua import sticky as table

SET = "A -> INVITE (to *62*4711)"
DONE = """
    A -> ACK
    A <- BYE (Reason: Q.850%cause=16)
    A -> 200 BYE
"""
ANSWERED = "record answered by gateway 200 sticky_set"
ALICE = ("default", "1001")


def sticky(ladder: Ladder) -> dict[tuple[str, str], str]:
    return dict(ladder.wire.engine.gate.sticky.codes)


def test_a_sticky_code_is_set_and_cleared() -> None:
    ladder = Ladder().climb(
        f"""
        {SET}
        A <- 100, 200 (sdp -)
        """
        + DONE
        + ANSWERED
    )
    assert sticky(ladder) == {ALICE: "4711"}
    body = ladder.wire.sent[1][2].partition(b"\r\n\r\n")[2]
    assert b"m=audio 0 RTP/AVP 0\r\n" in body
    assert b"4711" not in body
    phone = ladder.phones["A"]
    phone.requests.clear()
    phone.confirmed = False
    ladder.climb("A -> INVITE (to *63)\nA <- 100, 200" + DONE)
    assert sticky(ladder) == {}
    assert ladder.wire.sticky == {ALICE: ""}
    ladder.climb("record answered by gateway 200 sticky_cleared").end()


def test_an_invite_without_offer_is_offered_no_media() -> None:
    ladder = climb(
        f"""
        {SET[:-1]}; no sdp)
        A <- 100, 200 (sdp -)
        A -> ACK (sdp A1)
        A <- BYE
        A -> 200 BYE
        """
        + ANSWERED
    )
    assert b"m=" not in ladder.wire.sent[1][2]


def test_it_bills_nothing_and_is_over_at_once() -> None:
    ladder = Ladder().climb(f"{SET}\nA <- 100, 200")
    assert not ladder.wire.engine.live()
    ladder.climb(DONE + ANSWERED).end()


def test_no_yes_before_the_code_is_on_disk() -> None:
    climb(
        f"""
        hold commits
        {SET}
        quiet
        commit
        A <- 100
        after 1
        quiet
        commit
        A <- 200
        commits flow
        """
        + DONE
        + ANSWERED
    )


def test_the_disk_fails_at_once() -> None:
    ladder = climb(f"""
        hold commits
        {SET}
        disk fails
        A <- 503
        A -> ACK
        record failed by gateway 503 disk
    """)
    assert sticky(ladder) == {}


def test_the_disk_takes_its_time() -> None:
    """The record is written, and the caller hears nothing else than that it is."""
    ladder = Ladder().climb(f"""
        hold commits
        {SET}
        commit
        A <- 100
        disk fails
        after 5
        A -> CANCEL
        A <- 200 CANCEL
        quiet
    """)
    assert sticky(ladder) == {}
    ladder.climb("commits flow\nA <- 200" + DONE + ANSWERED).end()
    assert sticky(ladder) == {ALICE: "4711"}


def test_cancelled_before_the_attempt_is_on_disk() -> None:
    ladder = climb(f"""
        hold commits
        {SET}
        A -> CANCEL
        A <- 200 CANCEL
        commits flow
        A <- 487
        A -> ACK
        record cancelled by caller 487
    """)
    assert sticky(ladder) == {}


def test_no_room_for_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ladder = Ladder()
    monkeypatch.setattr(table, "MOST", 0)
    ladder.climb(f"""
        {SET}
        A <- 503
        A -> ACK
        record failed by gateway 503 limit
    """).end()


def test_a_caller_that_never_acknowledges() -> None:
    climb(
        f"""
        {SET}
        A <- 100, 200
        after 31.9
        A <- 200, 200, 200, 200, 200, 200, 200, 200, 200, 200
        after 0.2
        A <- BYE
        A -> 200 BYE
        """
        + ANSWERED
    )


def test_a_caller_that_hangs_up_itself() -> None:
    climb(
        f"""
        {SET}
        A <- 100, 200
        A -> ACK | A -> BYE
        A <- BYE, 200 BYE
        A -> 481 BYE
        """
        + ANSWERED
    )


def test_requests_inside_it_have_nobody_to_go_to() -> None:
    climb(
        f"""
        {SET}
        A <- 100, 200
        A -> INFO
        A <- 481 INFO
        """
        + DONE
        + ANSWERED
    )


# -- kill -9


def test_killed_before_anything_is_on_disk() -> None:
    ladder = Ladder().climb(f"""
        hold commits
        {SET}
        restart
        commits flow
        A -> INVITE (again)
        A <- 100, 200
    """)
    ladder.climb(DONE + ANSWERED).end()
    assert sticky(ladder) == {ALICE: "4711"}


def test_killed_when_the_attempt_is_on_disk_and_the_code_is_not() -> None:
    ladder = climb(f"""
        hold commits
        {SET}
        commit
        A <- 100
        restart
        commits flow
        A <- 500
        A -> ACK
        record interrupted by gateway 500 restart
    """)
    assert sticky(ladder) == {}


def test_killed_when_the_code_is_on_disk_and_nobody_heard() -> None:
    ladder = Ladder().climb(f"hold commits\n{SET}\ncommit\nA <- 100")
    wire = ladder.wire
    commit = wire.engine.committed
    wire.engine.committed = lambda number, now: None  # type: ignore[method-assign]
    wire.commit()
    wire.engine.committed = commit  # type: ignore[method-assign]
    ladder.climb(
        """
        restart
        commits flow
        A <- 200
        A -> INVITE (again)
        quiet
        """
        + DONE
        + ANSWERED
    ).end()
    assert sticky(ladder) == {ALICE: "4711"}


def test_killed_before_the_ack() -> None:
    climb(
        f"""
        {SET}
        A <- 100, 200 (lost)
        restart
        A <- 200
        """
        + DONE
        + ANSWERED
    )


def test_killed_while_our_bye_is_out() -> None:
    """Whether its ACK came is not known any more: the 200 again, then the BYE."""
    climb(
        f"""
        {SET}
        A <- 100, 200
        A -> ACK
        A <- BYE (lost)
        restart
        A <- 200
        """
        + DONE
        + ANSWERED
    )


def test_killed_for_longer_than_a_200_is_repeated() -> None:
    ladder = Ladder().climb(f"{SET}\nA <- 100, 200 (lost)")
    ladder.wire.restart(away=100.0)
    ladder.climb("A <- BYE\nA -> 481 BYE\n" + ANSWERED).end()
    assert sticky(ladder) == {ALICE: "4711"}

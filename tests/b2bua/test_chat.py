"""Chats: the first MESSAGE is judged and recorded, the others cross (RFC 3428)."""

import pytest
from tests.b2bua.ladder import Ladder, climb
from tests.b2bua.wire import UTC

from tollbar.b2bua.facts import Attempted, Ended, Fact, Noticed

GAP = 1800.0
BEGUN = """
    A -> MESSAGE
    B <- MESSAGE (text hello)
    B -> 200 MESSAGE
    A <- 200 MESSAGE
"""
# What B gets of a MESSAGE that it does not answer for 64*T1.
SENT = "B <- " + ", ".join(["MESSAGE"] * 11)
OVER = """
    after 1800
    record answered by gateway 200 gap
"""


def ended(ladder: Ladder) -> Ended:
    (fact,) = ladder.wire.ended()
    return fact


def attempts(ladder: Ladder) -> list[Fact]:
    return [fact for fact in ladder.wire.facts if isinstance(fact, Attempted)]


def test_a_chat_goes_both_ways_and_is_over_when_nobody_wrote_for_the_gap() -> None:
    ladder = climb(
        BEGUN
        + """
        after 60
        B -> MESSAGE (as 3175551234; to 1001; text hi)
        A <- MESSAGE (text hi; uri sip:1001@127.0.0.1:5080; no Contact)
        A -> 200 MESSAGE
        B <- 200 MESSAGE
        after 1700
        A -> MESSAGE (text bye)
        B <- MESSAGE (text bye; Max-Forwards: 69; cseq 2)
        B -> 202 MESSAGE
        A <- 202 MESSAGE
        no record
        """
        + OVER
    )
    fact = ended(ladder)
    assert (fact.alive, fact.utc) == (UTC + 2760.0, UTC + 2760.0 + GAP)
    assert len(attempts(ladder)) == 1


def test_after_the_gap_another_chat_begins() -> None:
    ladder = climb(BEGUN + OVER + BEGUN.replace("hello", "hello") + OVER)
    assert len(attempts(ladder)) == 2


def test_a_refused_first_message_has_its_record_and_the_next_is_judged_anew() -> None:
    climb("""
        A -> MESSAGE (to 9005551234)
        A <- 403 MESSAGE (Reason: Q.850%cause=21; Warning: Account Code Required)
        record refused by gateway 403 required
        A -> MESSAGE (to 9005551234)
        A <- 403 MESSAGE
        record refused by gateway 403 required
    """)


def test_a_feature_code_is_not_written_to() -> None:
    climb("""
        A -> MESSAGE (to *63)
        A <- 404 MESSAGE
        record refused by gateway 404 no_match
    """)


def test_the_code_and_what_is_ours_does_not_cross() -> None:
    climb("""
        A -> MESSAGE (X-Account-Code: 4711; X-Workgroup: Trials; Date: today)
        B <- MESSAGE (no X-Account-Code; no X-Workgroup; no Contact; Date: today)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        A -> MESSAGE (X-Account-Code: 4711; P-Asserted-Identity: <sip:1001@pbx>)
        B <- MESSAGE (no X-Account-Code; no P-Asserted-Identity)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        after 1800
        record answered by gateway 200 gap
    """)


def test_a_trunk_that_is_given_the_code_is_given_it_with_every_message() -> None:
    ladder = Ladder(send_code_as="X-Matter").climb(BEGUN)
    (chat,) = ladder.wire.engine.chats.open.values()
    assert ladder.wire.engine.assign(chat.id, "0815", "", "api", "bob", ladder.wire.now)
    ladder.climb("""
        A -> MESSAGE
        B <- MESSAGE (X-Matter: 0815)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
    """)
    ladder.climb(OVER).end()


def test_a_reply_spelled_otherwise_belongs_to_the_chat_all_the_same() -> None:
    ladder = climb(
        BEGUN
        + """
        B -> MESSAGE (as +3175551234; to 1002)
        A <- MESSAGE (uri sip:1001@127.0.0.1:5080)
        A -> 200 MESSAGE
        B <- 200 MESSAGE
        """
        + OVER
    )
    assert len(attempts(ladder)) == 1


def test_a_chat_from_outside() -> None:
    climb(
        """
        B -> MESSAGE (as 3175551234; to 1001)
        A <- MESSAGE (uri sip:1001@127.0.0.1:5080)
        A -> 200 MESSAGE
        B <- 200 MESSAGE
        A -> MESSAGE
        B <- MESSAGE (uri sip:3175551234@127.0.0.1:5070)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        """
        + OVER
    )


def test_a_message_is_repeated_and_its_repeats_are_absorbed() -> None:
    climb(
        """
        A -> MESSAGE
        B <- MESSAGE (lost)
        A -> MESSAGE (again)
        after 0.5
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE (lost)
        A -> MESSAGE (again)
        A <- 200 MESSAGE
        """
        + OVER
    )


def test_a_message_inside_a_call_crosses_like_info() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        A -> MESSAGE (inside; text hi; X-Account-Code: 4711)
        B <- MESSAGE (text hi; no X-Account-Code)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        B -> MESSAGE (inside; text ho)
        A <- MESSAGE (text ho)
        A -> 200 MESSAGE
        B <- 200 MESSAGE
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """.replace("(Allow: MESSAGE)", "")
    )


@pytest.mark.parametrize(
    ("status", "crossed", "outcome"),
    [
        ("404", "404", "failed by callee 404"),
        ("486", "486", "busy by callee 486"),
        ("480", "480", "no_answer by callee 480"),
        ("401", "502", "failed by callee 502"),
        ("302", "480", "no_answer by callee 480"),
        ("503", "503", "failed by callee 503"),
    ],
)
def test_a_first_message_that_fails_is_no_chat(status: str, crossed: str, outcome: str) -> None:
    climb(f"""
        A -> MESSAGE
        B <- MESSAGE
        B -> {status} MESSAGE
        A <- {crossed} MESSAGE
        record {outcome}
        A -> MESSAGE
        B <- MESSAGE
        B -> 404 MESSAGE
        A <- 404 MESSAGE
        record failed by callee 404
    """)


def test_a_later_message_that_fails_ends_nothing() -> None:
    climb(
        BEGUN
        + """
        A -> MESSAGE
        B <- MESSAGE
        B -> 404 MESSAGE
        A <- 404 MESSAGE
        no record
        """
        + OVER
    )


def test_a_trunk_that_is_down() -> None:
    """RFC 4320: no 408, which would come too late."""
    climb(f"""
        A -> MESSAGE
        after 31.9
        {SENT}
        A <- 100 MESSAGE
        after 0.2
        quiet
        record failed by gateway 0 timeout
    """)


def test_a_trunk_that_says_408() -> None:
    """RFC 4320 4.2: it says so of an INVITE or not at all, and so do we."""
    climb("""
        A -> MESSAGE
        B <- MESSAGE
        B -> 408 MESSAGE
        quiet
        record no_answer by callee 0
    """)


def test_a_later_message_that_gets_408() -> None:
    climb(
        BEGUN
        + """
        A -> MESSAGE
        B <- MESSAGE
        B -> 408 MESSAGE
        quiet
        after 4
        A <- 100 MESSAGE
        after 1796
        record answered by gateway 200 gap
        """
    )


def test_a_later_message_that_nobody_answers() -> None:
    climb(
        BEGUN
        + f"""
        A -> MESSAGE
        after 33
        {SENT}
        A <- 100 MESSAGE
        quiet
        after 1767
        record answered by gateway 200 gap
        """
    )


def test_a_trunk_that_refuses_connections() -> None:
    ladder = Ladder("tcp")
    ladder.wire.stations.remove(ladder.phones["B"])
    ladder.climb("""
        A -> MESSAGE
        A <- 503 MESSAGE
        record failed by gateway 503 unreachable
    """).end()


def test_a_message_too_long_for_a_datagram_is_not_sent_as_one() -> None:
    """RFC 3428 8."""
    ladder = Ladder()
    for letter in "AB":
        ladder.phones[letter].spellings.clear()
    ladder.climb(f"""
        A -> MESSAGE (text {"x" * 1200})
        A <- 513 MESSAGE
        record failed by gateway 513 too_large
    """).end()


def test_a_message_too_long_for_a_datagram_goes_by_tcp() -> None:
    ladder = Ladder()
    ladder.wire.engine.stack.listeners["udp"].sibling = "tcp"
    ladder.climb(f"""
        A -> MESSAGE (text {"x" * 1200})
        B <- MESSAGE (by B)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
    """)
    ladder.climb(OVER).end()


def test_a_message_under_which_the_connection_breaks_goes_by_a_new_one() -> None:
    ladder = Ladder("tcp").climb("""
        A -> MESSAGE
        B <- MESSAGE (lost)
        B breaks
        B <- MESSAGE (by B)
        B -> 200 MESSAGE
        A <- 200 MESSAGE
    """)
    ladder.climb(OVER).end()


# -- the disk


def test_the_record_before_the_first_message() -> None:
    climb(
        """
        hold commits
        A -> MESSAGE
        A -> MESSAGE (text two)
        quiet
        commit
        B <- MESSAGE (text hello)
        B -> 200 MESSAGE
        B <- MESSAGE (text two)
        quiet
        commits flow
        A <- 200 MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        """
        + OVER
    )


def test_the_disk_fails() -> None:
    climb("""
        hold commits
        A -> MESSAGE
        disk fails
        A <- 503 MESSAGE (Retry-After: 10)
        record failed by gateway 503 disk
    """)


def test_a_refusal_waits_for_its_record() -> None:
    climb("""
        hold commits
        A -> MESSAGE (to 9005551234)
        quiet
        commit
        A <- 403 MESSAGE
        record refused by gateway 403 required
    """)


def test_what_was_delivered_is_said_to_be_whatever_the_disk_does() -> None:
    climb(
        """
        A -> MESSAGE
        B <- MESSAGE
        hold commits
        B -> 200 MESSAGE
        quiet
        disk fails
        A <- 200 MESSAGE
        commits flow
        """
        + OVER
    )


def test_an_emergency_number_is_written_to_without_waiting() -> None:
    ladder = Ladder().climb("""
        hold commits
        A -> MESSAGE (to 911)
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        commits flow
        drain
        A -> MESSAGE (to 911)
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
    """)
    told = [fact for fact in ladder.wire.facts if isinstance(fact, Noticed)]
    assert [(notice.kind, notice.detail) for notice in told] == [
        ("emergency", "caller=1001 callback=+13175550101 location=Rome, 2")
    ] * len(told)
    assert told
    ladder.climb(OVER).end()


def test_while_draining_only_open_chats_go_on() -> None:
    climb(
        BEGUN
        + """
        drain
        A -> MESSAGE
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        A -> MESSAGE (to 3175550000)
        A <- 503 MESSAGE (Retry-After: 10)
        record refused by gateway 503 draining
        """
        + OVER
    )


def test_no_more_chats_than_there_is_room_for() -> None:
    ladder = Ladder()
    ladder.wire.engine.rules.max_chats = 1
    ladder.climb(
        BEGUN
        + """
        A -> MESSAGE (to 3175550000)
        A <- 503 MESSAGE
        record refused by gateway 503 limit
        """
        + OVER
    ).end()


def test_an_operator_ends_a_chat() -> None:
    ladder = Ladder().climb(BEGUN)
    (record_id,) = ladder.wire.engine.chats.open
    assert ladder.wire.engine.hangup(record_id, "operator", ladder.wire.now)
    ladder.climb("quiet\nrecord answered by operator 200 operator").end()


# -- kill -9


def test_killed_before_anything_is_on_disk() -> None:
    climb(
        """
        hold commits
        A -> MESSAGE
        restart
        commits flow
        A -> MESSAGE (again)
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        """
        + OVER
    )


def test_killed_while_the_first_message_is_under_way() -> None:
    """It is not written a second time."""
    climb("""
        A -> MESSAGE
        B <- MESSAGE
        restart
        A <- 500 MESSAGE (lost)
        A -> MESSAGE (again)
        A <- 500 MESSAGE
        B -> 200 MESSAGE
        quiet
        record interrupted by gateway 500 restart
    """)


def test_killed_with_a_refusal_on_disk_and_not_sent() -> None:
    ladder = Ladder().climb("hold commits\nA -> MESSAGE (to 9005551234)")
    wire = ladder.wire
    commit = wire.engine.committed
    wire.engine.committed = lambda number, now: None  # type: ignore[method-assign]
    wire.commit()
    wire.engine.committed = commit  # type: ignore[method-assign]
    ladder.climb("""
        restart
        commits flow
        A <- 403 MESSAGE
        A -> MESSAGE (again)
        A <- 403 MESSAGE
        record refused by gateway 403 required
    """).end()


def test_killed_after_a_first_message_that_nobody_answered() -> None:
    ladder = Ladder()
    ladder.wire.commits = False
    ladder.climb("A -> MESSAGE\ncommit\nB <- MESSAGE")
    ladder.phones["B"].inbox.clear()
    ladder.wire.advance(33)
    ladder.phones["B"].inbox.clear()
    ladder.climb(
        "A <- 100 MESSAGE\ncommit\nrestart\ncommits flow\nrecord failed by gateway 0 timeout"
    ).end()


def test_killed_while_a_chat_is_open() -> None:
    ladder = climb(
        BEGUN
        + """
        after 60
        A -> MESSAGE
        B <- MESSAGE
        B -> 200 MESSAGE
        A <- 200 MESSAGE
        after 600
        restart
        record answered by gateway 200 restart
        """
        + BEGUN
        + OVER
    )
    first, _ = ladder.wire.ended()
    assert first.alive == pytest.approx(UTC + 1060.0)

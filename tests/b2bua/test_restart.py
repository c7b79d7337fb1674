"""kill -9 and another process: what was kept carries every call on."""

import pytest
from tests.b2bua.ladder import Ladder, climb
from tests.b2bua.text import Text

from tollbar.b2bua.engine import Engine
from tollbar.b2bua.peer import Peers

RINGING = """
    A -> INVITE
    A <- 100
    B <- INVITE
    B -> 180
    A <- 180
"""
ANSWERED = (
    RINGING
    + """
    B -> 200
    B <- ACK
    A <- 200
"""
)
UP = (
    ANSWERED
    + """
    A -> ACK
    after 60
"""
)
ALIVE = """
    A <- OPTIONS
    B <- OPTIONS
    A -> 200 OPTIONS
    B -> 200 OPTIONS
"""
DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def test_a_call_being_set_up_is_interrupted() -> None:
    climb(
        RINGING
        + """
        restart
        B <- CANCEL
        A <- 500
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        record interrupted by gateway 500 restart
        """
    )


def test_a_call_being_set_up_and_its_200_comes_after_the_restart() -> None:
    climb(
        RINGING
        + """
        restart
        B <- CANCEL
        A <- 500
        A -> ACK
        B -> 200
        B <- ACK, BYE
        B -> 481 CANCEL, 200 BYE
        record interrupted by gateway 500 restart
        """
    )


def test_a_call_being_set_up_and_two_restarts() -> None:
    """What the second process keeps of it says as much as what the first one did."""
    climb(
        RINGING
        + """
        restart
        B <- CANCEL (lost)
        A <- 500 (lost)
        record interrupted by gateway 500 restart
        restart
        A <- 500
        B <- CANCEL
        A -> ACK
        B -> 200
        B <- ACK, BYE
        B -> 481 CANCEL, 200 BYE
        """
    )


def test_the_callee_answered_and_that_was_not_on_disk() -> None:
    """It has no ACK yet, so it asks again, and hears that the call is over."""
    climb(
        RINGING
        + """
        hold commits
        B -> 200
        quiet
        restart
        commits flow
        B <- CANCEL
        A <- 500
        A -> ACK
        B -> 481 CANCEL, 200 (again)
        B <- ACK, BYE
        B -> 200 BYE
        record interrupted by gateway 500 restart
        """
    )


def test_an_invite_repeated_from_before_gets_the_stored_outcome() -> None:
    climb(
        RINGING
        + """
        restart
        B <- CANCEL
        A <- 500 (lost)
        A -> INVITE (again)
        A <- 500
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        record interrupted by gateway 500 restart
        """
    )


def test_an_attempt_that_was_not_on_disk_never_was() -> None:
    """Nobody said a word about it, so the caller asks again, and that is the first time."""
    climb("""
        hold commits
        A -> INVITE
        quiet
        restart
        commits flow
        A -> INVITE (again)
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_between_the_commit_of_the_attempt_and_its_invite() -> None:
    """The callee knows nothing of it: its 481 to our CANCEL is the end of that."""
    ladder = Ladder().climb("""
        hold commits
        A -> INVITE
    """)
    wire = ladder.wire
    commit = wire.engine.committed
    wire.engine.committed = lambda number, now: None  # type: ignore[method-assign]
    wire.commit()
    wire.engine.committed = commit  # type: ignore[method-assign]
    ladder.climb("""
        restart
        commits flow
        A <- 500
        A -> ACK
        B <- CANCEL (lost)
        after 33
        B <- CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL
        record interrupted by gateway 500 restart
    """).end()


def test_answered_and_no_ack_yet() -> None:
    climb(
        ANSWERED.replace("A <- 200", "A <- 200 (lost)")
        + """
        restart
        A <- 200 (sdp B1), OPTIONS
        B <- ACK (cseq 1), OPTIONS
        A -> ACK, 200 OPTIONS
        B -> 200 OPTIONS
        after 40
        quiet
        """
        + DOWN
    )


def test_between_the_commit_of_the_answer_and_its_200() -> None:
    ladder = Ladder().climb(
        RINGING
        + """
        hold commits
        B -> 200
        """
    )
    wire = ladder.wire
    commit = wire.engine.committed
    wire.engine.committed = lambda number, now: None  # type: ignore[method-assign]
    wire.commit()
    wire.engine.committed = commit  # type: ignore[method-assign]
    ladder.climb(
        """
        restart
        commits flow
        A <- 200 (sdp B1), OPTIONS
        B <- ACK (cseq 1), OPTIONS
        B -> 200 (again)
        B <- ACK (cseq 1)
        A -> ACK, 200 OPTIONS
        B -> 200 OPTIONS
        """
        + DOWN
    ).end()


def test_a_callee_without_its_ack_has_it_before_a_bye() -> None:
    """The process that was to send it died; the caller hangs up before the 200 is repeated."""
    climb(
        ANSWERED
        + """
        restart
        B <- ACK (cseq 1), OPTIONS
        A <- 200, OPTIONS
        A -> ACK, BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    )


def test_the_repeated_200_of_the_callee_is_acknowledged_again() -> None:
    climb(
        ANSWERED
        + """
        restart
        A <- 200, OPTIONS
        B <- ACK, OPTIONS
        B -> 200 (again)
        B <- ACK (cseq 1; uri sip:B@127.0.0.1:5070)
        A -> ACK, 200 OPTIONS
        B -> 200 OPTIONS
        """
        + DOWN
    )


def test_an_ack_that_came_before_the_restart_may_not_come_again() -> None:
    """The caller's phone forgot its INVITE: it is OPTIONS that says whether the call lives."""
    ladder = Ladder().climb(
        ANSWERED
        + """
        A -> ACK
        after 29
        restart
        A <- 200, OPTIONS
        B <- ACK, OPTIONS
        A -> 200 OPTIONS
        B -> 200 OPTIONS
        """
    )
    ladder.wire.advance(40.0)
    while ladder.phones["A"].inbox:
        message, _ = ladder.phones["A"].inbox.popleft()
        assert message.status == 200
    ladder.climb("no record").climb(DOWN).end()


def test_a_delayed_offer_whose_ack_came_long_before_the_restart() -> None:
    ladder = Ladder().climb(
        """
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE
        B -> 200
        A <- 200
        A -> ACK (sdp)
        B <- ACK
        after 60
        restart
        """
        + ALIVE
        + """
        after 70
        quiet
        no record
        B -> INVITE
        B <- 100
        A <- INVITE
        A -> 200
        A <- ACK
        B <- 200
        B -> ACK
        """
        + DOWN
    )
    ladder.end()


def test_a_delayed_offer_and_no_ack_yet() -> None:
    climb(
        """
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE
        B -> 200
        A <- 200 (lost)
        restart
        A <- 200 (sdp B1), OPTIONS
        B <- OPTIONS
        A -> ACK (sdp), 200 OPTIONS
        B <- ACK (sdp A1; cseq 1)
        B -> 200 OPTIONS
        """
        + DOWN
    )


def test_an_up_call_goes_on_and_has_its_true_duration() -> None:
    ladder = climb(
        UP
        + "    restart"
        + ALIVE
        + """
        after 58
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """
    )
    (ended,) = ladder.wire.ended()
    (answered,) = [fact for fact in ladder.wire.facts if type(fact).__name__ == "Answered"]
    assert ended.utc - answered.utc == pytest.approx(60 + 2 + 58, abs=0.01)
    assert ended.alive == 0


def test_an_up_call_of_a_trunk_that_is_configured_no_more() -> None:
    """It goes on as it does after a reload, and both sides hear of its end."""
    ladder = Ladder().climb(UP)
    wire = ladder.wire
    build = wire.build

    def without_it() -> Engine:
        engine = build()
        engine.peers = Peers([engine.peers.by_name["pbx"]])
        return engine

    wire.build = without_it  # type: ignore[method-assign]
    ladder.climb("restart" + ALIVE).climb("""
        B -> INFO
        A <- INFO
        A -> 200 INFO
        B <- 200 INFO
    """).climb(DOWN).end()


@pytest.mark.parametrize(("x", "y"), [("A", "B"), ("B", "A")])
def test_a_reinvite_after_the_restart(x: str, y: str) -> None:
    climb(
        UP
        + "    restart"
        + ALIVE
        + f"""
        {x} -> INVITE
        {x} <- 100
        {y} <- INVITE (sdp)
        {y} -> 200
        {y} <- ACK
        {x} <- 200
        {x} -> ACK
        {x} -> INFO
        {y} <- INFO
        {y} -> 200 INFO
        {x} <- 200 INFO
        """
        + DOWN
    )


@pytest.mark.parametrize(("x", "y"), [("A", "B"), ("B", "A")])
def test_a_reinvite_that_is_answered_after_the_restart(x: str, y: str) -> None:
    """Without its ACK, whoever answered would hang up after 64*T1 (13.3.1.4)."""
    climb(
        UP
        + f"""
        {x} -> INVITE
        {x} <- 100
        {y} <- INVITE (sdp)
        restart
        """
        + ALIVE
        + f"""
        {y} -> 200
        {y} <- ACK
        """
        + DOWN
    )


def test_a_contact_that_changed_before_the_restart_is_where_requests_go() -> None:
    climb(
        UP
        + """
        B -> INVITE (Contact: <sip:moved@127.0.0.1:5090>)
        B <- 100
        A <- INVITE
        A -> 200
        A <- ACK
        B <- 200
        B -> ACK
        restart
        A <- OPTIONS
        C <- OPTIONS (uri sip:moved@127.0.0.1:5090)
        A -> 200 OPTIONS
        C -> 200 OPTIONS
        A -> BYE
        C <- BYE (uri sip:moved@127.0.0.1:5090)
        A <- 200 BYE
        C -> 200 BYE
        record answered by caller 200
        """
    )


def test_a_contact_that_changed_right_after_the_answer() -> None:
    """The ACK of the first 200 has come: that 200 is not said again, and a late repeat of the
    INVITE is no second call."""
    climb(
        ANSWERED
        + """
        A -> ACK
        B -> UPDATE (Contact: <sip:moved@127.0.0.1:5090>)
        A <- UPDATE
        A -> 200 UPDATE
        B <- 200 UPDATE
        restart
        A <- OPTIONS
        C <- OPTIONS (uri sip:moved@127.0.0.1:5090)
        A -> 200 OPTIONS
        C -> 200 OPTIONS
        A -> INVITE (again)
        quiet
        A -> BYE
        C <- BYE (uri sip:moved@127.0.0.1:5090)
        A <- 200 BYE
        C -> 200 BYE
        record answered by caller 200
        """
    )


def test_a_contact_that_changed_while_the_ack_was_due() -> None:
    climb(
        ANSWERED
        + """
        B -> UPDATE (Contact: <sip:moved@127.0.0.1:5090>)
        A <- UPDATE
        A -> 200 UPDATE
        B <- 200 UPDATE
        restart
        A <- 200, OPTIONS
        C <- ACK, OPTIONS (uri sip:moved@127.0.0.1:5090)
        A -> ACK, 200 OPTIONS
        C -> 200 OPTIONS
        A -> BYE
        C <- BYE
        A <- 200 BYE
        C -> 200 BYE
        record answered by caller 200
        """
    )


@pytest.mark.parametrize("answer", ["481", "408"])
def test_a_call_that_one_side_has_lost_meanwhile(answer: str) -> None:
    """It ended when this gateway was last known alive."""
    ladder = climb(
        UP
        + f"""
        restart
        A <- OPTIONS
        B <- OPTIONS
        B -> 200 OPTIONS
        A -> {answer} OPTIONS
        A <- BYE
        B <- BYE
        A -> 481 BYE
        B -> 200 BYE
        record answered by gateway 200 lost
        """
    )
    (ended,) = ladder.wire.ended()
    assert ended.alive == pytest.approx(ended.utc - 2, abs=0.01)


def test_a_bye_sent_before_and_not_answered_goes_again() -> None:
    climb(
        UP
        + """
        A -> BYE
        B <- BYE (lost)
        A <- 200 BYE
        record answered by caller 200
        restart
        B <- BYE
        A <- BYE
        B -> 200 BYE
        A -> 481 BYE
        after 40
        quiet
        """
    )


def test_a_bye_repeated_after_the_restart() -> None:
    """Its record was on disk, its 200 was lost with the process."""
    climb(
        UP
        + """
        A -> BYE
        B <- BYE
        A <- 200 BYE (lost)
        restart
        B <- BYE
        A <- BYE
        A -> BYE (again)
        A <- 200 BYE
        B -> 481 BYE
        A -> 200 BYE
        record answered by caller 200
        """
    )


def test_a_bye_whose_record_was_not_on_disk() -> None:
    """The call is still up for us; the repeated BYE ends it."""
    climb(
        UP
        + """
        hold commits
        A -> BYE
        B <- BYE
        restart
        commits flow
        A <- OPTIONS
        B <- OPTIONS
        A -> BYE (again)
        A <- 200 BYE
        B <- BYE
        B -> 481 OPTIONS, 481 BYE
        A -> 481 OPTIONS
        record answered by caller 200
        """.replace("A <- 200 BYE\n        B <- BYE", "B <- BYE\n        A <- 200 BYE")
    )


def test_a_refusal_is_said_again() -> None:
    climb("""
        A -> INVITE (to 9005551234)
        A <- 403 (lost)
        record refused by gateway 403 required
        restart
        A <- 403 (Reason; Warning)
        A -> INVITE (again)
        A <- 403
        A -> ACK
        after 6
        quiet
    """)


def test_a_failure_of_the_callee_is_said_again() -> None:
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK (lost)
        A <- 486 (lost)
        record busy by callee 486
        restart
        A <- 486
        A -> ACK
        B <- CANCEL
        B -> 486 (again)
        B <- ACK
        B -> 481 CANCEL
    """)


def test_a_cancelled_call_whose_callee_answers_after_the_restart() -> None:
    climb(
        RINGING
        + """
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL (lost)
        record cancelled by caller 487
        restart
        A <- 487
        B <- CANCEL
        A -> ACK
        B -> 200
        B <- ACK, BYE
        B -> 200 BYE, 481 CANCEL
        """
    )


def test_a_caller_over_tcp_is_reached_by_a_new_connection() -> None:
    climb(
        UP
        + """
        restart
        A <- OPTIONS
        B <- OPTIONS
        A -> 200 OPTIONS
        B -> 200 OPTIONS
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """,
        caller="tcp",
    )


def test_a_caller_over_tcp_gets_its_500_by_a_new_connection() -> None:
    climb(
        RINGING
        + """
        restart
        B <- CANCEL
        A <- 500
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        record interrupted by gateway 500 restart
        """,
        caller="tcp",
    )


def test_a_caller_over_tcp_that_is_gone_ends_its_call() -> None:
    ladder = Ladder(caller="tcp").climb(UP)
    ladder.wire.stations.remove(ladder.phones["A"])
    ladder.climb("""
        restart
        B <- OPTIONS, BYE
        B -> 200 OPTIONS, 200 BYE
        record answered by gateway 200 lost
    """).end()


def test_a_callee_over_tcp() -> None:
    climb(UP + "    restart" + ALIVE + DOWN, transport="tcp")


def test_a_caller_over_tcp_whose_contact_is_the_port_it_called_from() -> None:
    """Nobody takes connections there: it is reached where its peer is, and from then on."""
    ladder = climb(
        """
        A -> INVITE (Contact: <sip:A@127.0.0.1:40123%transport=tcp>)
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        after 60
        restart
        """
        + ALIVE
        + """
        B -> INFO
        A <- INFO (uri sip:A@127.0.0.1:40123%transport=tcp)
        A -> 200 INFO
        B <- 200 INFO
        B -> BYE
        A <- BYE (uri sip:A@127.0.0.1:40123%transport=tcp)
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """,
        caller="tcp",
        pbx="tcp",
    )
    tried = [data[:7] for _, hop, data in ladder.wire.sent if hop.port == 40123]
    assert tried == [b"OPTIONS"]


def test_our_cseq_goes_up_over_several_restarts() -> None:
    """Nothing is kept of it on the way; a phone would refuse a number it has had."""
    again = "    after 10\n    restart" + ALIVE
    ladder = climb(UP + again + again + again + DOWN)
    for port in (5080, 5070):
        heard = [
            int(Text(data).cseq)
            for _, hop, data in ladder.wire.sent
            if hop.port == port and data.startswith((b"OPTIONS", b"BYE"))
        ]
        assert heard == sorted(set(heard))
        assert len(heard) >= 3


@pytest.mark.parametrize(
    "call",
    [
        UP + DOWN,
        """
        A -> INVITE (to 9005551234)
        A <- 403
        A -> ACK
        record refused by gateway 403 required
        """,
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        """,
        RINGING
        + """
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        record cancelled by caller 487
        """,
    ],
    ids=["answered", "refused", "busy", "cancelled"],
)
def test_who_knows_that_the_call_is_over_is_not_told_again(call: str) -> None:
    ladder = Ladder().climb(call)
    assert ladder.wire.rows == {}
    ladder.climb("""
        restart
        after 40
        quiet
    """).end()


def test_a_call_longer_than_the_longest_is_ended_at_the_restart() -> None:
    ladder = Ladder()
    ladder.wire.settings = {"max_call": 61.0}
    ladder.climb(UP)
    ladder.climb("""
        restart
        A <- OPTIONS
        B <- OPTIONS
        A -> 200 OPTIONS
        B -> 200 OPTIONS
        after 0
        record answered by gateway 200 max_duration
        A <- BYE
        B <- BYE
        A -> 200 BYE
        B -> 200 BYE
    """).end()


def test_utc_was_set_back_an_hour_before_the_restart() -> None:
    """No call lasts longer for it, neither this one nor those that come after it."""
    ladder = Ladder()
    ladder.wire.settings = {"max_call": 61.0}
    ladder.climb(UP)
    ladder.wire.restart(-3600.0)
    ladder.climb("""
        A <- 200, OPTIONS
        B <- ACK, OPTIONS
        A -> ACK, 200 OPTIONS
        B -> 200 OPTIONS
        C -> INVITE
        C <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        C <- 200
        C -> ACK
        after 61
        record answered by gateway 200 max_duration
        record answered by gateway 200 max_duration
        A <- BYE
        B <- BYE, BYE
        C <- BYE
        A -> 200 BYE
        B -> 200 BYE
        C -> 200 BYE
    """)
    assert ladder.wire.engine.open == {}


def test_kept_bytes_nobody_can_read() -> None:
    """Such a call is closed as interrupted and leaves nothing behind."""
    ladder = Ladder().climb(UP)
    wire = ladder.wire
    (call,) = wire.rows
    kept = wire.rows[call][0]
    for broken in (b"", b"junk", b"9" + kept, kept[:-40], kept.replace(b"udp udp", b"old udp")):
        engine = wire.build()
        failed = engine.restore([(call, broken, False)], 0.0, 10.0)
        assert [name for name, _ in failed] == [call], broken
        facts = [type(fact).__name__ for fact in engine.take_facts()]
        assert facts == ["Ended", "Closed"]
        assert not engine.take_outbox()
        assert (len(engine.calls), len(engine.dialogs), len(engine.stack)) == (0, 0, 0)
        assert len(engine.timers) == 0

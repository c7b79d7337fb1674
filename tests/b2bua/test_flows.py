"""Where bytes come from and go to: connections, sources, other ways."""

import pytest
from tests.b2bua.ladder import Ladder, climb

from tollbar.sip.flow import Target
from tollbar.sip.routing import neighbours
from tollbar.sip.stack import Listener

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
DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


def test_a_caller_over_tcp_is_answered_on_its_connection() -> None:
    climb(
        """
        A -> INVITE
        A <- 100 (by A)
        B <- INVITE
        B -> 180
        A <- 180 (by A)
        B -> 200
        B <- ACK
        A <- 200 (by A)
        A -> ACK
        B -> INVITE
        B <- 100
        A <- INVITE (by A)
        A -> 200
        A <- ACK (by A)
        B <- 200
        B -> ACK
        """
        + DOWN,
        caller="tcp",
    )


def test_a_200_is_repeated_over_tcp_too() -> None:
    """RFC 3261 13.3.1.4: a proxy further on may speak UDP."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        after 0.5
        A <- 200
        A -> ACK
        """
        + DOWN,
        caller="tcp",
    )


def test_nothing_else_is_repeated_over_tcp() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        after 3
        quiet
        B -> 486
        B <- ACK
        A <- 486
        after 31
        quiet
        A -> ACK
        record busy by callee 486
        """,
        caller="tcp",
        transport="tcp",
    )


def test_a_callee_over_tcp() -> None:
    climb(UP + DOWN, transport="tcp")


def test_a_broken_connection_of_the_caller_is_replaced_by_one_to_its_via() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        A breaks
        A <- 100
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
        """,
        caller="tcp",
    )


def test_a_broken_connection_of_the_caller_is_replaced_by_one_to_its_contact() -> None:
    climb(
        UP
        + """
        A breaks
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """,
        caller="tcp",
    )


def test_a_connection_that_breaks_under_a_request() -> None:
    """The BYE was on its way when the connection broke; it goes again by another."""
    climb(
        UP
        + """
        B -> BYE
        A <- BYE (lost)
        B <- 200 BYE
        A breaks
        A <- BYE
        A -> 200 BYE
        record answered by callee 200
        """,
        caller="tcp",
    )


def test_after_a_break_even_the_ack_goes_by_the_new_connection() -> None:
    """An ACK has no transaction that could find out and try again."""
    climb(
        UP
        + """
        A breaks
        B -> INVITE
        B <- 100
        A <- INVITE (by A)
        A -> 200
        A <- ACK (by A)
        B <- 200
        B -> ACK
        """
        + DOWN,
        caller="tcp",
    )


def test_an_answer_that_waited_for_the_disk_outlives_its_connection() -> None:
    climb(
        UP
        + """
        hold commits
        A -> BYE
        B <- BYE
        A breaks
        B -> 200 BYE
        commits flow
        A <- 200 BYE (by A)
        record answered by caller 200
        """,
        caller="tcp",
    )


def test_a_callee_whose_connection_breaks() -> None:
    climb(
        UP
        + """
        B -> INFO
        A <- INFO
        A -> 200 INFO
        B <- 200 INFO
        B breaks
        A -> INVITE
        A <- 100
        B <- INVITE (by B)
        B -> 200
        B <- ACK (by B)
        A <- 200
        A -> ACK
        """
        + DOWN,
        transport="tcp",
    )


def test_a_callee_that_refuses_connections() -> None:
    ladder = Ladder("tcp")
    ladder.wire.stations.remove(ladder.phones["B"])
    ladder.climb("""
        A -> INVITE
        A <- 100, 503
        A -> ACK
        record failed by gateway 503 unreachable
    """).end()


@pytest.mark.parametrize("method", ["OPTIONS", "INFO", "INVITE", "BYE"])
def test_a_port_that_is_closed_for_a_moment_ends_no_call(method: str) -> None:
    """Over UDP the network says that nobody listens; who was restarted takes his calls up."""
    ladder = Ladder().climb(UP)
    if method == "OPTIONS":
        ladder.climb("""
            after 900
            A <- OPTIONS
            A -> 200 OPTIONS
        """)
    else:
        ladder.climb(f"A -> {method}")
    if method == "INVITE":
        ladder.climb("A <- 100")
    if method == "BYE":
        ladder.climb("A <- 200 BYE")
    ladder.climb(f"B <- {method} (lost)")
    ladder.wire.lost(Target("udp", "udp", "127.0.0.1", 5070))
    ladder.climb(f"""
        quiet
        after 0.5
        B <- {method}
        B -> 200 {method}
    """)
    if method == "INVITE":
        ladder.climb("""
            B <- ACK
            A <- 200
            A -> ACK
        """)
    if method == "INFO":
        ladder.climb("A <- 200 INFO")
    if method == "BYE":
        ladder.climb("record answered by caller 200")
    else:
        ladder.climb(DOWN)
    ladder.end()


def test_a_port_that_is_closed_for_a_moment_leaves_nobody_ringing() -> None:
    ladder = Ladder().climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL (lost)
    """)
    ladder.wire.lost(Target("udp", "udp", "127.0.0.1", 5070))
    ladder.climb("""
        after 0.5
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        record cancelled by caller 487
    """).end()


def test_a_caller_that_cannot_be_reached_ends_the_call() -> None:
    """Its connection is gone and nobody listens at its Contact."""
    ladder = Ladder(caller="tcp").climb(UP)
    ladder.wire.stations.remove(ladder.phones["A"])
    ladder.climb("""
        A breaks
        B -> INVITE
        B <- 100, 503
        B -> ACK
        B <- BYE
        B -> 200 BYE
        record answered by gateway 200 lost
    """).end()


def test_an_unknown_source_hears_nothing_and_leaves_no_record() -> None:
    climb("""
        C -> INVITE (from 192.0.2.66:5060)
        C -> OPTIONS (from 192.0.2.66:5060)
        C -> CANCEL (from 192.0.2.66:5060)
        C -> BYE (from 192.0.2.66:5060)
        quiet
        no record
    """)


def test_an_unknown_source_is_refused_where_that_is_set() -> None:
    ladder = Ladder()
    ladder.wire.engine.rules.refuse_unknown = True
    phone = ladder.phones["C"]
    phone.address = "192.0.2.66"
    ladder.climb("""
        C -> INVITE (from 192.0.2.66:5090)
        C <- 403
        C -> ACK (from 192.0.2.66:5090)
        no record
    """).end()


def test_a_request_inside_a_dialog_may_come_from_anywhere() -> None:
    """It belongs by its Call-ID and tags, never by its flow."""
    ladder = Ladder().climb(UP)
    phone = ladder.phones["A"]
    phone.address, phone.port = "192.0.2.66", 6000
    ladder.climb("""
        A -> INFO (from 192.0.2.66:6000)
        B <- INFO
        B -> 200 INFO
        A <- 200 INFO
        A -> BYE (from 192.0.2.66:6000)
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
    """).end()


def test_a_response_goes_where_the_via_says_not_where_the_datagram_came_from() -> None:
    """RFC 3261 18.2.2 without rport: the sent-by port."""
    climb("""
        A -> INVITE (from 127.0.0.1:6001; Via: SIP/2.0/UDP 127.0.0.1:5080%branch=z9hG4bK-x)
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_a_route_set_is_followed() -> None:
    """Record-Routes of the caller's side come back to it in order; requests follow them."""
    climb("""
        A -> INVITE (Record-Route: <sip:127.0.0.1:5090%lr>)
        A <- 100
        B <- INVITE (no Record-Route; no Route)
        B -> 180
        A <- 180 (Record-Route: <sip:127.0.0.1:5090%lr>)
        B -> 200
        B <- ACK
        A <- 200 (Record-Route: <sip:127.0.0.1:5090%lr>)
        A -> ACK
        B -> BYE
        C <- BYE (Route: <sip:127.0.0.1:5090%lr>; uri sip:A@127.0.0.1:5080)
        B <- 200 BYE
        C -> 200 BYE
        record answered by callee 200
    """)


# Where nobody takes a connection: the port a peer's own connection came from, an address
# behind a NAT.
NOBODY = ["sip:B@127.0.0.1:6999%transport=tcp", "sip:B@10.0.0.5%transport=tcp"]


@pytest.mark.parametrize("contact", NOBODY)
def test_a_callee_that_takes_no_connection_is_reached_by_the_one_that_is_open(
    contact: str,
) -> None:
    """Its ACK would be lost, and whoever speaks TCP may not repeat the 200 that asks for it."""
    climb(
        f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200 (Contact: <{contact}>)
        B <- ACK (uri {contact}; by B)
        A <- 200
        A -> ACK
        B -> 200 (again)
        B <- ACK (by B)
        A -> INVITE
        A <- 100
        B <- INVITE (uri {contact}; by B)
        B -> 200 (Contact: <{contact}>)
        B <- ACK (by B)
        A <- 200
        A -> ACK
        """
        + DOWN,
        transport="tcp",
    )


@pytest.mark.parametrize("contact", NOBODY)
def test_a_prack_finds_such_a_callee_too(contact: str) -> None:
    climb(
        f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180 (rseq 1; Contact: <{contact}>)
        B <- PRACK (by B)
        A <- 180
        B -> 200 PRACK
        B -> 200 (Contact: <{contact}>)
        B <- ACK (by B)
        A <- 200
        A -> ACK
        """
        + DOWN,
        transport="tcp",
    )


def test_an_answer_to_its_offer_reaches_such_a_callee() -> None:
    climb(
        """
        A -> INVITE (no sdp)
        A <- 100
        B <- INVITE (no sdp)
        B -> 200 (sdp; Contact: <sip:B@10.0.0.5%transport=tcp>)
        A <- 200 (sdp B1)
        A -> ACK (sdp)
        B <- ACK (sdp A1; by B)
        """
        + DOWN,
        transport="tcp",
    )


def test_a_late_answer_of_such_a_callee_is_acknowledged_and_ended() -> None:
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        B -> 200 (Contact: <sip:B@10.0.0.5%transport=tcp>)
        B -> 200 CANCEL
        B <- ACK (by B), BYE (by B)
        B -> 200 BYE
        record cancelled by caller 487
        """,
        transport="tcp",
    )


def test_a_callee_over_udp_that_takes_no_connection_is_reached_by_datagrams() -> None:
    contact = "sip:B@127.0.0.1:6999%transport=tcp"
    climb(
        f"""
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200 (Contact: <{contact}>)
        B <- ACK (uri {contact}; Via: SIP/2.0/UDP)
        A <- 200
        A -> ACK
        """
        + DOWN
    )


def test_an_ack_lost_with_its_connection_goes_by_the_next() -> None:
    climb(
        UP
        + """
        B -> INVITE
        B <- 100
        A <- INVITE
        A -> 200
        A <- ACK (lost)
        B <- 200
        B -> ACK
        A breaks
        A -> 200 (again)
        A <- ACK (by A)
        """
        + DOWN,
        caller="tcp",
    )


def test_a_leg_keeps_to_its_side_of_a_gateway_with_two() -> None:
    """A trunk outside, over TCP, whose Contact says UDP: no request leaves from the inside."""
    ladder = Ladder("tcp")
    engine = ladder.wire.engine
    outside = [
        Listener("outside-udp", "udp", "127.0.0.2", 5060),
        Listener("outside-tcp", "tcp", "127.0.0.2", 5060),
    ]
    engine.stack.listeners.update({listener.name: listener for listener in outside})
    engine.listeners = neighbours(engine.stack.listeners.values())
    engine.peers.by_name["carrier"].to = Target("outside-tcp", "tcp", "127.0.0.1", 5070)
    ladder.climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE (Via: SIP/2.0/TCP 127.0.0.2:5060)
        B -> 200 (Contact: <sip:B@127.0.0.1:5070>)
        B <- ACK (Via: SIP/2.0/UDP 127.0.0.2:5060)
        A <- 200
        A -> ACK
        """
        + DOWN
    ).end()


LONG = "X-Long: " + "x" * 1300


def long_calls() -> Ladder:
    ladder = Ladder()
    ladder.wire.engine.stack.listeners["udp"].sibling = "tcp"
    return ladder


def test_a_long_invite_goes_as_a_datagram_where_tcp_is_swallowed() -> None:
    """RFC 3261 18.1.1; a firewall says nothing, and the trunk's patience is not all spent on it."""
    ladder = long_calls()
    ladder.wire.deliver = lambda station, data, flow: None if flow else station.take(data, None)
    ladder.climb(
        f"""
        A -> INVITE ({LONG})
        A <- 100
        after 1.9
        quiet
        after 0.1
        B <- INVITE ({LONG}; Via: SIP/2.0/UDP)
        B -> 180
        A <- 180
        after 100
        A <- 180
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    ).end()


def test_a_long_invite_that_nobody_answers_either_way() -> None:
    ladder = long_calls()
    ladder.wire.deliver = lambda station, data, flow: None if flow else station.take(data, None)
    ladder.climb(f"""
        A -> INVITE ({LONG})
        A <- 100
        after 4
        B <- INVITE, INVITE, INVITE
        A <- 408
        A -> ACK
        record failed by gateway 408 timeout
        after 32
    """)
    ladder.phones["B"].inbox.clear()
    ladder.end()


def test_a_long_invite_by_tcp_rings_as_long_as_any() -> None:
    long_calls().climb(f"""
        A -> INVITE ({LONG})
        A <- 100
        B <- INVITE ({LONG}; Via: SIP/2.0/TCP)
        B -> 180
        A <- 180
        after 179
        A <- 180, 180
        after 1
        B <- CANCEL
        A <- 180, 480
        A -> ACK
        B -> 200 CANCEL, 487
        B <- ACK
        record no_answer by gateway 480 ring_timeout
    """).end()


def test_a_connection_to_the_callee_that_breaks_under_a_request() -> None:
    climb(
        UP
        + """
        A -> BYE
        B <- BYE (lost)
        A <- 200 BYE
        B breaks
        B <- BYE (by B)
        B -> 200 BYE
        record answered by caller 200
        """,
        transport="tcp",
    )


def test_an_invite_under_which_the_connection_breaks_goes_by_a_new_one() -> None:
    """The trunk has been restarted, and its system knows the old connection no more."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE (lost)
        B breaks
        B <- INVITE (by B)
        B -> 486
        B <- ACK (by B)
        A <- 486
        A -> ACK
        record busy by callee 486
        """,
        transport="tcp",
    )

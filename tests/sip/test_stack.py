"""Matching, merging, refusing and the way back (RFC 3261 8.2, 9.2, 17, 18; RFC 3581; 5626)."""

import pytest
from tests.sip.wire import (
    NATTED,
    PEER,
    TCP_PEER,
    TLS_PEER,
    VIA,
    User,
    Wire,
    header,
    headers,
    request,
    response,
    start,
    where,
)

from tollbar.sip import stack as stacks
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.stack import COOKIE, REASONS
from tollbar.sip.transaction import ACCEPTED, CONFIRMED, InviteClient

ACK_TO = b"<sip:9195551234@198.51.100.1>;tag=ours"
STRANGER = Flow("udp", "udp", "203.0.113.66", 5060)
OTHER = b"SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK%d"
START = b"OPTIONS sip:192.0.2.9 SIP/2.0\r\n"
REST = (
    b"Max-Forwards: 70\r\nFrom: <sip:us@198.51.100.1>;tag=us\r\nTo: <sip:192.0.2.9>\r\n"
    b"Call-ID: ours-1\r\nCSeq: 1 OPTIONS\r\n%bContent-Length: 0\r\n\r\n"
)
FAR = Target("udp", "udp", "192.0.2.9", 5070)


def ask(wire: Wire, more: bytes = b"", hop: Hop = FAR) -> tuple[User, bytes]:
    """A request of ours on its way."""
    user = User()
    wire.stack.launch(START, REST % more, hop, user, wire.now)
    (data,) = wire.collect()
    return user, data


# -- matching requests (17.2.3)


def test_a_repeat_is_absorbed_unread() -> None:
    wire = Wire()
    wire.receive(request(b"OPTIONS"))
    wire.answer(wire.core.servers[0], 200)
    assert wire.words(request(b"OPTIONS")) == ["200"]
    assert len(wire.core.servers) == 1
    assert wire.stack.repeats_absorbed == 1


@pytest.mark.parametrize(
    "other",
    [
        {"via": b"SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtwo"},
        {"via": b"SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKone"},
        {"via": b"SIP/2.0/UDP phone.example.com;branch=z9hG4bKone"},
        {"method": b"INFO"},
    ],
    ids=["branch", "port", "host", "method"],
)
def test_another_branch_sent_by_or_method_is_another_request(other: dict[str, bytes]) -> None:
    wire = Wire()
    wire.receive(request(b"OPTIONS", to=ACK_TO))
    wire.receive(request(**{"method": b"OPTIONS", "to": ACK_TO, "cseq": 2, **other}))  # type: ignore[arg-type]
    assert len(wire.core.servers) == 2


def test_another_source_is_another_request() -> None:
    """Two peers that chose one branch must not get each other's answers."""
    wire = Wire()
    wire.receive(request(b"OPTIONS", to=ACK_TO))
    wire.receive(request(b"OPTIONS", to=ACK_TO), Flow("udp", "udp", "192.0.2.8", 5060))
    assert len(wire.core.servers) == 2


def test_a_repeat_from_another_port_of_the_source_is_a_repeat() -> None:
    wire = Wire()
    wire.receive(request(b"OPTIONS"))
    wire.receive(request(b"OPTIONS"), NATTED)
    assert len(wire.core.servers) == 1


UPPER = (
    b"SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop",
    b"SIP / 2.0 / UDP 192.0.2.7:5060;branch=z9hG4bKtop",
    b"SIP/2.0/UDP 192.0.2.7:5060\r\n ;branch=z9hG4bKtop",
    b"\r\n SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop",
    b"SIP/2.0/UDP 192.0.2.7:5060 ; branch = z9hG4bKtop",
    b"SIP/2.0/UDP 192.0.2.7:5060;branch=top-2543",
    b"SIP/2.0/UDP 192.0.2.7:5060",
    b", ,SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop",
    b"SIP/2.0/TLS-SCTP 192.0.2.7:5060;branch=z9hG4bKtop",
)
LOWER = b"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKlow"


@pytest.mark.parametrize("top", UPPER)
def test_the_key_is_the_topmost_vias(top: bytes) -> None:
    """A spiral: the lower Via has been here, the topmost is new."""
    for second in ([top, LOWER], [top + b", " + LOWER]):
        wire = Wire()
        wire.receive(request(b"INFO", via=LOWER, to=ACK_TO))
        wire.receive(request(b"INFO", via=second, to=ACK_TO))
        assert len(wire.core.servers) == 2
        assert headers(wire.stack.response(wire.core.servers[1], 200), b"Via")[-1].endswith(LOWER)
        # And its own repeat is one.
        wire.receive(request(b"INFO", via=second, to=ACK_TO))
        assert len(wire.core.servers) == 2


def test_a_via_in_the_body_is_no_key() -> None:
    wire = Wire()
    wire.receive(request(b"INFO", via=LOWER, to=ACK_TO))
    body = b"INVITE sip:x SIP/2.0\r\nVia: " + LOWER + b"\r\n\r\n"
    wire.receive(request(b"INFO", via=b"SIP/2.0/UDP 192.0.2.7", to=ACK_TO, body=body))
    assert len(wire.core.servers) == 2
    no_via = request(b"INFO", via=(), to=ACK_TO, body=body)
    assert wire.words(no_via) == []
    assert len(wire.core.servers) == 2


@pytest.mark.parametrize("prefix", [b"\r\n", b"\r\n\r\n\r\n"])
def test_empty_lines_before_a_message_mean_nothing(prefix: bytes) -> None:
    """7.5: ignored; so ACK and CANCEL still find what came with them, and responses are read."""
    wire = Wire()
    wire.receive(prefix + request())
    wire.receive(request())
    assert len(wire.core.servers) == 1
    wire.answer(wire.core.servers[0], 486)
    wire.receive(request(b"ACK"))
    assert wire.core.servers[0].state == CONFIRMED
    wire.receive(request(b"OPTIONS", cseq=7))
    wire.receive(prefix + request(b"OPTIONS", cseq=7))
    assert len(wire.core.servers) == 2
    user, data = ask(wire)
    wire.receive(prefix + response(data, 200))
    assert user.heard == [200]


def test_compact_names_and_any_case_are_matched_alike() -> None:
    wire = Wire()
    wire.receive(request())
    wire.answer(wire.core.servers[0], 486)
    ack = request(b"ACK").replace(b"Via:", b"v :").replace(b"CSeq:", b"CSEQ  :")
    wire.receive(ack)
    assert wire.core.servers[0].state == CONFIRMED


# -- requests of RFC 2543 elements

OLD_VIA = b"SIP/2.0/UDP 192.0.2.7:5060"


def test_without_the_cookie_a_repeat_is_found_by_its_fields() -> None:
    wire = Wire()
    old = request(b"INVITE", via=OLD_VIA)
    wire.receive(old)
    assert wire.words(old) == ["100"]
    assert len(wire.core.servers) == 1
    wire.receive(request(b"INVITE", via=OLD_VIA, cseq=2, to=ACK_TO))
    wire.receive(request(b"INVITE", via=OLD_VIA, call_id=b"another"))
    assert len(wire.core.servers) == 3


def test_a_cookie_with_nothing_behind_it_is_none() -> None:
    """RFC 4475 3.2.1: two requests with it are not one."""
    wire = Wire()
    bare = OLD_VIA + b";branch=z9hG4bK"
    wire.receive(request(b"OPTIONS", via=bare))
    wire.receive(request(b"OPTIONS", via=bare, call_id=b"another"))
    wire.receive(request(b"OPTIONS", via=bare))
    assert len(wire.core.servers) == 2


def test_without_the_cookie_an_ack_of_a_failure_is_absorbed() -> None:
    wire = Wire()
    wire.receive(request(via=OLD_VIA))
    wire.answer(wire.core.servers[0], 486)
    wire.receive(request(b"ACK", via=OLD_VIA, to=ACK_TO))
    assert wire.core.servers[0].state == CONFIRMED
    assert wire.core.acks == []


@pytest.mark.parametrize("via", [OLD_VIA, VIA], ids=["2543", "branch of the INVITE"])
def test_the_ack_of_a_2xx_reaches_the_core_also_under_its_invites_key(via: bytes) -> None:
    wire = Wire()
    wire.receive(request(via=via))
    wire.answer(wire.core.servers[0], 200)
    wire.receive(request(b"ACK", via=via, to=ACK_TO))
    assert len(wire.core.acks) == 1
    assert wire.core.servers[0].state == ACCEPTED


# -- ACK and CANCEL


def test_an_ack_of_nothing_goes_to_the_core_and_is_never_answered() -> None:
    wire = Wire()
    assert wire.words(request(b"ACK", to=ACK_TO)) == []
    assert len(wire.core.acks) == 1
    assert wire.words(request(b"ACK", cseq_method=b"INVITE")) == []


def test_cancel_is_answered_and_told() -> None:
    wire = Wire()
    wire.receive(request())
    assert wire.words(request(b"CANCEL")) == ["200"]
    assert wire.core.cancelled[0] is wire.core.servers[0]
    assert wire.words(request(b"CANCEL")) == ["200"]
    assert len(wire.core.cancelled) == 1


def test_cancel_of_nothing_gets_481() -> None:
    wire = Wire()
    assert wire.words(request(b"CANCEL")) == ["481"]
    assert wire.core.cancelled == []


@pytest.mark.parametrize("method", [b"INFO", b"OPTIONS"])
def test_cancel_of_another_method_gets_481(method: bytes) -> None:
    """9.1: only INVITE is cancelled."""
    wire = Wire()
    wire.receive(request(method))
    assert wire.words(request(b"CANCEL")) == ["481"]


def test_cancel_under_a_rewritten_via_finds_its_invite() -> None:
    wire = Wire()
    wire.receive(request())
    moved = b"SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKone"
    assert wire.words(request(b"CANCEL", via=moved)) == ["200"]
    assert wire.core.cancelled[0] is wire.core.servers[0]


@pytest.mark.parametrize(
    "other",
    [
        {"via": b"SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKother"},
        {"call_id": b"other"},
        {"cseq": 2},
        {"sender": b"<sip:1001@192.0.2.7>;tag=other"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_under_a_rewritten_via_everything_else_has_to_fit(other: dict[str, bytes]) -> None:
    wire = Wire()
    wire.receive(request())
    moved = {"via": b"SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKone", **other}
    assert wire.words(request(b"CANCEL", **moved)) == ["481"]  # type: ignore[arg-type]


def test_cancel_of_an_old_element_finds_its_invite() -> None:
    wire = Wire()
    wire.receive(request(via=OLD_VIA))
    assert wire.words(request(b"CANCEL", via=OLD_VIA)) == ["200"]
    assert len(wire.core.cancelled) == 1


# -- merged requests (8.2.2.2)


def test_the_same_request_by_another_path_gets_482() -> None:
    wire = Wire()
    for method in (b"INVITE", b"OPTIONS"):
        wire.receive(request(method))
        other = request(method, via=b"SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bKtwo")
        (loop,) = wire.receive(other)
        assert start(loop) == "482"
        assert b";tag=" in header(loop, b"To")
        assert wire.receive(other) == [loop]
    assert len(wire.core.servers) == 2


def test_inside_a_dialog_nothing_is_merged() -> None:
    wire = Wire()
    wire.receive(request(b"INFO", to=ACK_TO))
    wire.receive(request(b"INFO", to=ACK_TO, via=LOWER))
    assert len(wire.core.servers) == 2


def test_a_new_request_after_the_first_is_over_is_not_merged() -> None:
    wire = Wire()
    server = wire.server(request(b"OPTIONS"))
    wire.answer(server, 200)
    wire.run(32.0)
    assert wire.words(request(b"OPTIONS", via=LOWER)) == []
    assert len(wire.core.servers) == 2


# -- refusals without a transaction

BROKEN = [
    (request(cseq_method=b"BYE"), "400"),
    (request().replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), "505"),
    (request(more=b"To: <sip:x@y>\r\n"), "400"),
    (request(more=b"Content-Length: 9\r\n"), "400"),
    (request(uri=b"<sip:x@y>"), "400"),
    (request().replace(b"Call-ID", b"X-Call"), "400"),
]


@pytest.mark.parametrize(("data", "word"), BROKEN)
def test_the_unusable_is_answered_and_nothing_is_kept(data: bytes, word: str) -> None:
    wire = Wire()
    first = wire.receive(data)
    assert [start(sent) for sent in first] == [word]
    assert wire.receive(data) == first
    assert wire.empty()
    assert wire.core.servers == []
    assert header(first[0], b"Via").startswith(VIA)
    assert wire.core.notices == ["malformed"] * 2


@pytest.mark.parametrize(("data", "_word"), BROKEN)
def test_a_stranger_hears_nothing_of_it(data: bytes, _word: str) -> None:
    wire = Wire(known=False)
    assert wire.receive(data, STRANGER) == []
    assert wire.core.notices == []
    assert wire.empty()


def test_a_stranger_makes_nothing() -> None:
    wire = Wire(known=False)
    for method in (b"INVITE", b"OPTIONS", b"CANCEL", b"ACK", b"BYE"):
        assert wire.receive(request(method), STRANGER) == []
    assert wire.empty()
    assert not wire.core.servers
    assert not wire.core.acks


def test_an_unusable_ack_is_never_answered() -> None:
    wire = Wire()
    assert wire.receive(request(b"ACK", more=b"To: <sip:x@y>\r\n")) == []


def test_where_no_via_can_be_read_there_is_nobody_to_answer() -> None:
    wire = Wire()
    assert wire.receive(request(via=())) == []
    assert wire.receive(request(via=b"nonsense")) == []
    assert wire.receive(b"nonsense" * 10) == []
    assert wire.empty()


# -- the way back (18.2, RFC 3581)


def answered(via: bytes, flow: Flow) -> tuple[bytes, Hop]:
    wire = Wire()
    server = wire.server(request(b"OPTIONS", via=via), flow)
    wire.answer(server, 200)
    _, hop, data = wire.said[-1]
    return header(data, b"Via"), hop


def test_rport_brings_the_answer_where_the_request_came_from() -> None:
    via, hop = answered(b"SIP/2.0/UDP 10.0.0.7:5060;rport;branch=z9hG4bKone", NATTED)
    assert hop is NATTED
    assert via == (b"SIP/2.0/UDP 10.0.0.7:5060;rport=40001;branch=z9hG4bKone;received=192.0.2.7")


@pytest.mark.parametrize("rport", [b";rport", b";RPORT", b"; rport", b";rport;x=1"])
def test_rport_is_filled_in_wherever_it_stands(rport: bytes) -> None:
    via, hop = answered(b"SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKone" + rport, NATTED)
    assert via.startswith(b"SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKone;")
    assert via.endswith(b";received=192.0.2.7")
    assert via.count(b";rport=40001") == via.count(b"rport") == 1
    assert hop is NATTED


def test_without_rport_the_answer_goes_to_vias_port_at_the_source() -> None:
    via, hop = answered(b"SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bKone", NATTED)
    assert where(hop) == ("target", "udp", "192.0.2.7", 5080)
    assert via == b"SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bKone"


def test_without_a_port_it_is_5060() -> None:
    via, hop = answered(b"SIP/2.0/UDP phone.example.com;branch=z9hG4bKone", NATTED)
    assert where(hop) == ("target", "udp", "192.0.2.7", 5060)
    assert via == b"SIP/2.0/UDP phone.example.com;branch=z9hG4bKone;received=192.0.2.7"


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        (b"SIP/2.0/UDP 10.0.0.7;received=203.0.113.9;branch=z9hG4bKone", b"received=192.0.2.7"),
        (b"SIP/2.0/UDP 10.0.0.7;rport=9;branch=z9hG4bKone", b"received=192.0.2.7"),
        (
            b"SIP/2.0/UDP 10.0.0.7;received=1.2.3.4;rport;branch=z9hG4bKone",
            b"received=192.0.2.7",
        ),
        (b"SIP/2.0/UDP 192.0.2.7;received=203.0.113.9;branch=z9hG4bKone", b""),
    ],
)
def test_what_the_sender_says_of_its_own_address_is_not_doubled(
    via: bytes, expected: bytes
) -> None:
    found, _ = answered(via, NATTED)
    assert found.count(b";received=") <= 1
    assert found.count(b";rport") <= 1
    assert expected in found
    assert b"203.0.113.9" not in found
    assert b"1.2.3.4" not in found


def test_ipv6_is_received_without_brackets() -> None:
    """RFC 5118 4.5."""
    flow = Flow("udp", "udp", "2001:db8::9:1", 5060)
    via, hop = answered(b"SIP/2.0/UDP [2001:db8::9:255]:5060;branch=z9hG4bKone", flow)
    assert via.endswith(b";received=2001:db8::9:1")
    assert hop is flow
    via, _ = answered(b"SIP/2.0/UDP [2001:db8::9:1]:5060;branch=z9hG4bKone", flow)
    assert b"received" not in via


def test_over_a_connection_the_answer_goes_back_on_it() -> None:
    for flow in (TCP_PEER, TLS_PEER):
        via = b"SIP/2.0/%b 10.0.0.7:5070;branch=z9hG4bKone" % flow.transport.upper().encode()
        _, hop = answered(via, flow)
        assert hop is flow


@pytest.mark.parametrize(
    ("flow", "sent_by", "port"),
    [
        (TCP_PEER, b"10.0.0.7:5070", 5070),
        (TCP_PEER, b"10.0.0.7", 5060),
        (TLS_PEER, b"10.0.0.7", 5061),
    ],
)
def test_where_the_connection_is_gone_a_new_one_goes_to_vias_port(
    flow: Flow, sent_by: bytes, port: int
) -> None:
    wire = Wire()
    wire.receive(request(via=b"SIP/2.0/TCP %b;branch=z9hG4bKone" % sent_by), flow)
    wire.stack.lost(flow, wire.now)
    wire.collect()
    wire.answer(wire.core.servers[0], 200)
    assert where(wire.hops()[-1]) == ("target", flow.transport, "192.0.2.7", port)


def test_who_asks_again_by_another_connection_is_answered_there() -> None:
    """A phone that accepts no connections can have its answer no other way."""
    wire = Wire()
    invite = request(via=b"SIP/2.0/TCP 10.0.0.7:5070;branch=z9hG4bKone")
    wire.receive(invite, TCP_PEER)
    wire.stack.lost(TCP_PEER, wire.now)
    again = Flow("tcp", "tcp", "192.0.2.7", 41001)
    wire.receive(invite, again)
    wire.collect()
    wire.answer(wire.core.servers[0], 486)
    assert wire.hops()[-1] is again
    wire.stack.lost(again, wire.now)
    wire.collect()
    assert where(wire.hops()[-1]) == ("target", "tcp", "192.0.2.7", 5070)


def test_a_response_repeats_what_8_2_6_names() -> None:
    wire = Wire()
    vias = [VIA, LOWER + b" , " + LOWER]
    data = request(
        b"OPTIONS", via=vias, more=b"Timestamp: 54\r\nSubject: x\r\n", to=b"Bob <sip:b@x>"
    )
    server = wire.server(data)
    (sent,) = [wire.stack.response(server, 200, b"Allow: INVITE\r\n", b"body", b"ours")]
    assert sent == (
        b"SIP/2.0 200 OK\r\nVia: " + VIA + b"\r\nVia: " + LOWER + b" , " + LOWER + b"\r\n"
        b"From: <sip:1001@192.0.2.7>;tag=phone\r\nCall-ID: call-1@192.0.2.7\r\nCSeq: 1 OPTIONS\r\n"
        b"Timestamp: 54\r\nTo: Bob <sip:b@x>;tag=ours\r\nAllow: INVITE\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    )


def test_an_empty_first_element_of_via_does_not_shift_the_rest() -> None:
    wire = Wire()
    server = wire.server(request(b"OPTIONS", via=b" , " + VIA + b", " + LOWER), NATTED)
    sent = wire.stack.response(server, 200)
    assert [part for part in header(sent, b"Via").replace(b" ", b"").split(b",") if part] == [
        VIA.replace(b" ", b""),
        LOWER.replace(b" ", b""),
    ]


# -- responses


def test_a_response_finds_its_request() -> None:
    wire = Wire()
    user, data = ask(wire)
    wire.receive(response(data, 200))
    assert user.heard == [200]


@pytest.mark.parametrize(
    "change",
    [
        (b"z9hG4bK", b"z9hG4bKx"),
        (b"1 OPTIONS", b"1 INVITE"),
    ],
    ids=["branch", "method"],
)
def test_branch_and_method_both_have_to_fit(change: tuple[bytes, bytes]) -> None:
    wire = Wire()
    user, data = ask(wire)
    wire.receive(response(data, 200).replace(*change))
    assert user.heard == []


def test_a_response_may_write_our_via_in_its_own_way() -> None:
    for found, written in (
        (b";branch", b" ;branch"),
        (b";branch", b"\r\n ;branch"),
        (b"SIP/2.0/UDP", b"SIP / 2.0 / UDP"),
        (b"SIP/2.0", b", SIP/2.0"),
        (b";rport", b";rport=5060;received=198.51.100.1"),
    ):
        wire = Wire()
        user, data = ask(wire)
        wire.receive(response(data, 200, vias=[header(data, b"Via").replace(found, written)]))
        assert user.heard == [200]


@pytest.mark.parametrize("own_first", [True, False])
def test_a_response_with_two_vias_is_dropped(own_first: bool) -> None:
    """8.1.3.3: it was meant for someone else, however the two are written."""
    for join in (None, b", ", b",", b" ,\r\n ", b", ,"):
        wire = Wire()
        user, data = ask(wire)
        pair = [header(data, b"Via"), LOWER]
        if not own_first:
            pair.reverse()
        wire.receive(response(data, 200, vias=pair if join is None else [join.join(pair)]))
        assert user.heard == []
        assert wire.core.strays == []


def test_a_via_in_a_responses_body_does_not_count() -> None:
    wire = Wire()
    user, data = ask(wire)
    body = b"SIP/2.0 200 OK\r\nVia: " + LOWER + b"\r\n\r\n"
    wire.receive(response(data, 200, body=body))
    assert user.heard == [200]


def test_a_response_to_nothing_is_told_as_a_stray_and_never_answered() -> None:
    wire = Wire()
    _, data = ask(wire)
    wire.run(40)
    assert wire.receive(response(data, 200)) == []
    assert [stray.status for stray in wire.core.strays] == [200]


@pytest.mark.parametrize(
    "change",
    [
        (b"SIP/2.0 200", b"SIP/2.0 999"),
        (b"SIP/2.0 200", b"SIP/2.0 20"),
        (b"CSeq: 1", b"CSeq: 99999999999"),
        (b"tag=far", b'tag="far'),
        (b"<sip:far@192.0.2.9:5070>", b"<sip:far@192.0.2.9:5070"),
        (b"Content-Length: 0", b"Record-Route: nonsense <\r\nContent-Length: 0"),
        (b"Content-Length: 0", b"Record-Route: <sip:[>\r\nContent-Length: 0"),
        (b"Content-Length: 0", b"Content-Length: 7"),
    ],
)
def test_an_unusable_response_is_dropped(change: tuple[bytes, bytes]) -> None:
    wire = Wire()
    user, data = ask(wire)
    broken = response(data, 200)
    assert change[0] in broken
    assert wire.receive(broken.replace(*change)) == []
    assert user.heard == []
    assert wire.core.notices == ["malformed"]
    # The request goes on waiting for an answer it can read.
    wire.receive(response(data, 200))
    assert user.heard == [200]


@pytest.mark.parametrize(
    "change",
    [
        (b"<sip:far@192.0.2.9:5070>", b"<sip:far@192.0.2.9:5070"),
        (b"Content-Length: 0", b"Record-Route: nonsense <\r\nContent-Length: 0"),
        (b"Content-Length: 0", b"Subject is busy\r\nContent-Length: 0"),
        (b"Content-Length: 0", b"X Word: busy\r\nContent-Length: 0"),
    ],
)
def test_a_failure_ends_the_request_whatever_else_it_garbles(
    change: tuple[bytes, bytes],
) -> None:
    """It makes no dialog (12.1), so its Contact and Record-Route are not looked at; a line that
    is no header is left out."""
    wire = Wire()
    user, data = ask(wire)
    refusal = response(data, 486)
    assert change[0] in refusal
    wire.receive(refusal.replace(*change))
    assert user.heard == [486]
    assert wire.core.notices == []


@pytest.mark.parametrize(
    "change",
    [
        (b"From: ", b"X-From: "),
        (b"Call-ID: ", b"X-Call-ID: "),
        (b"Call-ID: ", b"Call-ID: two "),
        (b"<sip:us@198.51.100.1>", b"<sip:us@198.51.100.1"),
    ],
)
def test_what_names_its_dialog_is_read_only_of_a_response_nobody_waits_for(
    change: tuple[bytes, bytes],
) -> None:
    wire = Wire()
    user, data = ask(wire)
    broken = response(data, 200)
    assert change[0] in broken
    wire.receive(broken.replace(*change))
    assert user.heard == [200]
    assert wire.core.notices == []
    other = broken.replace(header(data, b"Via"), b"SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKnone")
    wire.receive(other.replace(*change))
    assert wire.core.notices == ["malformed"]
    assert wire.core.strays == []
    wire.receive(other)
    (stray,) = wire.core.strays
    assert (stray.from_tag, stray.to_tag) == (b"us", b"far")


# -- keep-alives


def test_a_ping_on_a_connection_is_answered() -> None:
    wire = Wire()
    assert wire.receive(b"\r\n\r\n", TCP_PEER) == [b"\r\n"]
    assert wire.receive(b"\r\n\r\n", TLS_PEER) == [b"\r\n"]
    assert wire.hops() == [TCP_PEER, TLS_PEER]


def test_a_strangers_ping_is_not() -> None:
    """A scanner learns nothing, and a flood of them is nearly free."""
    wire = Wire(known=False)
    assert wire.receive(b"\r\n\r\n", TCP_PEER) == []


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"", b"\r\n", b"\x00", b"\x00" * 8, b"jak"])
def test_keep_alives_of_datagrams_need_no_answer(data: bytes) -> None:
    wire = Wire()
    assert wire.receive(data) == []
    assert wire.empty()


# -- requests too long for a datagram (18.1.1)


def test_a_long_request_goes_by_the_connection_oriented_sibling() -> None:
    wire = Wire()
    _, data = ask(wire, b"Subject: %b\r\n" % (b"x" * 1300))
    assert where(wire.hops()[-1]) == ("target", "tcp", "192.0.2.9", 5070)
    assert header(data, b"Via").startswith(b"SIP/2.0/TCP 198.51.100.1:5060;")


def test_a_short_one_goes_as_it_is_meant_to() -> None:
    wire = Wire()
    ask(wire, b"Subject: %b\r\n" % (b"x" * 900))
    assert wire.hops()[-1] is FAR


def test_no_datagram_of_a_request_is_longer_than_1300() -> None:
    longest = 0
    for filler in range(900, 1100):
        wire = Wire()
        _, data = ask(wire, b"Subject: %b\r\n" % (b"x" * filler))
        if wire.hops()[-1].transport == "udp":
            longest = max(longest, len(data))
        else:
            assert len(data) > 1250
    assert 1250 < longest <= 1300


def test_where_tcp_fails_the_long_request_goes_by_udp_after_all() -> None:
    wire = Wire()
    user, data = ask(wire, b"Subject: %b\r\n" % (b"x" * 1300))
    wire.stack.lost(wire.hops()[-1], wire.now)
    (again,) = wire.collect()
    assert wire.hops()[-1] is FAR
    via = header(again, b"Via")
    assert via.startswith(b"SIP/2.0/UDP 198.51.100.1:5060;")
    # Everything but the transport is as it was: the answer finds it.
    assert again == data.replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP", 1)
    assert wire.run(0.5) == [(0.5, "OPTIONS")]
    wire.receive(response(again, 200))
    assert user.heard == [200]
    assert user.failures == []


def test_the_ack_and_cancel_of_a_long_invite_follow_it() -> None:
    wire = Wire()
    user = User()
    rest = (REST % (b"Subject: %b\r\n" % (b"x" * 1300))).replace(b"OPTIONS", b"INVITE")
    client = wire.stack.launch(b"INVITE sip:192.0.2.9 SIP/2.0\r\n", rest, FAR, user, 0.0)
    assert isinstance(client, InviteClient)
    wire.stack.lost(client.hop, wire.now)
    _, data = wire.collect()
    wire.receive(response(data, 180))
    wire.stack.cancel(client, User(), wire.now, b"")
    (cancel,) = wire.collect()
    (ack,) = wire.receive(response(data, 487))
    for sent in (cancel, ack):
        assert header(sent, b"Via") == header(data, b"Via")
    assert all(hop is FAR for hop in wire.hops()[1:])


def test_an_invite_of_the_longest_size_can_be_cancelled_and_acked() -> None:
    """Our copy of it may be longer than what we would read."""
    wire = Wire()
    rest = (REST % (b"X: y\r\n" * 400)).replace(b"OPTIONS", b"INVITE")[:-2] + b"\r\n"
    client = wire.stack.launch(
        b"INVITE sip:192.0.2.9 SIP/2.0\r\n", rest + b"x" * 66_000, FAR, User(), 0.0
    )
    assert isinstance(client, InviteClient)
    (data,) = wire.collect()
    head = data.partition(b"X: y")[0] + b"\r\n"
    wire.receive(response(head, 180))
    wire.stack.cancel(client, User(), wire.now, b"")
    assert [start(sent) for sent in wire.collect()] == ["CANCEL"]
    assert wire.words(response(head, 487)) == ["ACK"]


# -- bounds


def test_one_peer_cannot_make_transactions_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_SERVERS", 20)
    wire = Wire()
    words = []
    for number in range(50):
        words += wire.words(request(b"OPTIONS", via=OTHER % number, call_id=b"c%d" % number))
    assert words == ["503"] * 30
    assert len(wire.stack.servers) == len(wire.stack.merging) == 20
    _, _, refused = wire.said[-1]
    assert header(refused, b"Retry-After").isdigit()
    # What is under way goes on: repeats, ACKs and CANCELs, and a place comes free in time.
    for server in wire.core.servers:
        wire.answer(server, 200)
    wire.run(32.0)
    assert wire.empty()
    assert wire.words(request()) == ["100"]


def test_at_the_bound_what_is_under_way_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_SERVERS", 4)
    wire = Wire()
    wire.receive(request())
    for number in range(4):
        wire.receive(request(b"OPTIONS", via=OTHER % number, call_id=b"c%d" % number))
    assert len(wire.stack.servers) == 4
    assert wire.words(request(b"CANCEL")) == ["200"]
    assert len(wire.core.cancelled) == 1
    wire.answer(wire.core.servers[0], 487)
    wire.receive(request(b"ACK"))
    assert wire.core.servers[0].state == CONFIRMED
    # That room is bounded too.
    for number in range(9):
        assert wire.words(request(b"BYE", via=OTHER % (9 + number), to=ACK_TO)) == ["503"]
        assert wire.words(request(b"CANCEL", via=OTHER % (9 + number))) == ["503"]


def test_large_requests_count_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_HELD", 200_000)
    wire = Wire()
    words = []
    for number in range(10):
        data = request(b"INFO", via=OTHER % number, call_id=b"c%d" % number, body=b"x" * 60_000)
        words += wire.words(data)
    assert words == ["503"] * 7
    assert len(wire.stack.servers) == 3
    wire.run(32.0)
    assert wire.empty()
    assert wire.stack.held == 0


def test_counts_name_only_known_methods() -> None:
    wire = Wire()
    for number in range(100):
        wire.receive(request(b"M%d" % number, via=b"SIP/2.0/UDP h;branch=z9hG4bK%d" % number))
        wire.receive(b"SIP/2.0 %03d x\r\n\r\n" % number)
        wire.receive(b"SIP/2.0 7%02d x\r\n\r\n" % number)
        wire.receive(b"SIP/2.0 %d\r\n\r\n" % number)
    assert wire.stack.received == {b"other": 400}


def test_every_status_is_counted_by_itself() -> None:
    wire = Wire()
    for status in (100, 199, 200, 486, 699):
        wire.receive(b"SIP/2.0 %d x\r\n\r\n" % status)
    assert wire.stack.received == {b"100": 1, b"199": 1, b"200": 1, b"486": 1, b"699": 1}


def test_what_is_sent_is_counted_by_method_and_status() -> None:
    """Repeats too, as what is received is: the counts are those of a capture."""
    wire = Wire()
    server = wire.server(request())
    wire.answer(server, 180)
    wire.answer(server, 486)
    wire.run(wire.now + 0.6)
    wire.receive(request(via=OTHER % 2, call_id=b"call-1@192.0.2.7"))
    _, data = ask(wire)
    wire.receive(response(data, 200))
    assert wire.stack.sent == {b"100": 1, b"180": 1, b"486": 2, b"482": 1, b"OPTIONS": 1}
    user = User()
    invite = START.replace(b"OPTIONS", b"INVITE")
    wire.stack.launch(invite, (REST % b"").replace(b"OPTIONS", b"INVITE"), FAR, user, wire.now)
    (data,) = wire.collect()
    wire.run(wire.now + 0.5)
    for _ in range(2):
        wire.receive(response(data, 503))
    assert wire.stack.sent[b"INVITE"] == wire.stack.sent[b"ACK"] == 2


# -- words


def test_tokens_do_not_repeat() -> None:
    wire = Wire()
    tokens = [wire.stack.token() for _ in range(1000)]
    assert len(set(tokens)) == 1000
    assert {len(token) for token in tokens} == {16}


def test_every_branch_of_ours_has_the_cookie() -> None:
    wire = Wire()
    _, data = ask(wire)
    assert b";branch=" + COOKIE in header(data, b"Via")


def test_every_status_we_say_has_its_words() -> None:
    assert all(100 <= status <= 699 and text for status, text in REASONS.items())
    assert PEER.port == 5060

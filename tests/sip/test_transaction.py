"""The four transactions: total tables, the timers of RFC 3261 table 4, RFC 6026's Accepted."""

from collections import Counter

import pytest
from tests.sip.wire import (
    LISTENERS,
    NATTED,
    PEER,
    TCP_PEER,
    User,
    Wire,
    request,
    response,
    start,
    where,
)

from tollbar.sip import transaction as t
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.transaction import (
    Client,
    InviteClient,
    InviteServer,
    Transaction,
)

FIRST = {
    "INVITE server": t.PROCEEDING,
    "server": t.TRYING,
    "INVITE client": t.TRYING,
    "client": t.TRYING,
}
UDP_FAR = Target("udp", "udp", "192.0.2.9", 5070)
TCP_FAR = Target("tcp", "tcp", "192.0.2.9", 5070)
DOUBLING = [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
CAPPED = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]

each_machine = pytest.mark.parametrize("kind", FIRST)


# -- the tables


def reachable(kind: str) -> set[int]:
    rules, _ = t.MACHINES[kind]
    found = {FIRST[kind]}
    while True:
        more = found | {after for (before, _), (after, _) in rules.items() if before in found}
        if more == found:
            return found
        found = more


def test_every_machine_is_drawn() -> None:
    assert set(t.MACHINES) == set(FIRST)


@each_machine
def test_every_cell_is_a_step_or_a_named_ignore(kind: str) -> None:
    rules, reasons = t.MACHINES[kind]
    ignored = [cell for cells in reasons.values() for cell in cells]
    assert [cell for cell, times in Counter(ignored).items() if times > 1] == []
    assert set(rules) & set(ignored) == set()
    live = reachable(kind) - {t.TERMINATED}
    cells = {(state, event) for state in live for event in range(len(t.EVENTS))}
    assert set(rules) | set(ignored) == cells
    assert all(reason.strip() for reason in reasons)


@each_machine
def test_the_table_as_laid_out_is_the_rules(kind: str) -> None:
    rules, _ = t.MACHINES[kind]
    table = t.lay_out(rules)
    assert len(table) == len(t.STATES)
    for state in range(len(t.STATES)):
        assert len(table[state]) == len(t.EVENTS)
        for event in range(len(t.EVENTS)):
            assert table[state][event] == rules.get((state, event), (state, t.ignore))


@each_machine
def test_every_state_is_left_in_the_end(kind: str) -> None:
    """From each state a timer or the user leads on; nothing waits for ever by the table."""
    rules, _ = t.MACHINES[kind]
    for state in reachable(kind) - {t.TERMINATED}:
        exits = {event for (s, event), (after, _) in rules.items() if s == state != after}
        assert exits & {t.GIVE_UP, t.LINGER, t.SUCCESS}, t.STATES[state]


# -- server, INVITE


def final(wire: Wire, status: int, flow: Flow = PEER) -> InviteServer:
    server = wire.server(request(), flow)
    assert isinstance(server, InviteServer)
    wire.answer(server, status)
    return server


def test_a_repeat_before_anything_was_said_is_absorbed() -> None:
    wire = Wire()
    wire.receive(request())
    (server,) = wire.core.servers
    server.data = b""
    assert wire.words(request()) == []
    assert wire.core.servers == [server]


def test_repeats_get_the_last_provisional() -> None:
    wire = Wire()
    assert wire.words(request()) == ["100"]
    assert wire.words(request()) == ["100"]
    (server,) = wire.core.servers
    assert isinstance(server, InviteServer)
    wire.stack.trying(server, wire.now)
    assert wire.words(request()) == ["100"]
    wire.answer(wire.core.servers[0], 180)
    assert wire.words(request()) == ["180"]
    assert len(wire.core.servers) == 1


def test_failure_is_repeated_by_timer_g_until_timer_h() -> None:
    wire = Wire()
    server = final(wire, 486)
    user = server.user = User()
    assert wire.run(1000) == [(when, "486") for when in CAPPED]
    assert user.over == [server]
    assert wire.empty()


def test_failure_is_repeated_when_the_invite_is() -> None:
    wire = Wire()
    final(wire, 486)
    assert wire.words(request()) == ["486"]


def test_ack_ends_the_repeats_and_is_absorbed_for_timer_i() -> None:
    wire = Wire()
    server = final(wire, 486)
    wire.run(2.0)
    ack = request(b"ACK", to=b"<sip:9195551234@198.51.100.1>;tag=ours")
    assert wire.words(ack) == []
    assert server.state == t.CONFIRMED
    assert wire.words(ack) == []
    assert wire.words(request()) == []
    assert wire.core.acks == []
    assert wire.run(6.999) == []
    assert not wire.empty()
    wire.run(7.0)
    assert wire.empty()


def test_failure_over_tcp_is_not_repeated_and_waits_for_the_ack_till_timer_h() -> None:
    wire = Wire()
    final(wire, 486, TCP_PEER)
    assert wire.run(31.9) == []
    assert not wire.empty()
    wire.run(32.0)
    assert wire.empty()


def test_ack_over_tcp_ends_the_transaction_at_once() -> None:
    wire = Wire()
    final(wire, 486, TCP_PEER)
    wire.receive(request(b"ACK"), TCP_PEER)
    assert wire.empty()


def test_accepted_absorbs_the_invite_and_is_over_after_timer_l() -> None:
    wire = Wire()
    server = final(wire, 200)
    assert server.state == t.ACCEPTED
    assert wire.words(request()) == []
    assert wire.run(31.9) == []
    assert not wire.empty()
    wire.run(32.0)
    assert wire.empty()


def test_accepted_passes_the_ack_and_further_2xx() -> None:
    """RFC 6026 7.1: the ACK is for the dialog; each 2xx of the user goes out."""
    wire = Wire()
    server = final(wire, 200)
    wire.receive(request(b"ACK", to=b"<sip:9195551234@198.51.100.1>;tag=ours"))
    assert [ack.method for ack in wire.core.acks] == [b"ACK"]
    assert wire.answer(server, 200) == ["200"]
    assert wire.answer(server, 486) == []
    assert wire.answer(server, 183) == []


def test_accepted_over_tcp_stays_as_long() -> None:
    wire = Wire()
    final(wire, 200, TCP_PEER)
    wire.run(31.9)
    assert not wire.empty()
    wire.run(32.0)
    assert wire.empty()


@pytest.mark.parametrize("status", [180, 200, 503])
def test_nothing_follows_a_final_failure(status: int) -> None:
    wire = Wire()
    server = final(wire, 486)
    assert wire.answer(server, status) == []
    wire.receive(request(b"ACK"))
    assert wire.answer(server, status) == []


# -- server, everything else


def test_request_is_answered_once_and_repeats_get_the_answer_till_timer_j() -> None:
    wire = Wire()
    server = wire.server(request(b"OPTIONS"))
    assert wire.words(request(b"OPTIONS")) == []
    assert wire.answer(server, 200) == ["200"]
    assert wire.words(request(b"OPTIONS")) == ["200"]
    assert wire.run(31.9) == []
    assert wire.words(request(b"OPTIONS")) == ["200"]
    wire.run(32.0)
    assert wire.empty()


def test_a_provisional_answers_repeats_until_the_final_comes() -> None:
    wire = Wire()
    server = wire.server(request(b"INFO"))
    assert wire.answer(server, 100) == ["100"]
    assert wire.words(request(b"INFO")) == ["100"]
    assert wire.answer(server, 200) == ["200"]
    assert wire.answer(server, 500) == []
    assert wire.answer(server, 100) == []


def test_over_tcp_the_answer_ends_it() -> None:
    wire = Wire()
    server = wire.server(request(b"OPTIONS"), TCP_PEER)
    user = server.user = User()
    wire.answer(server, 200)
    assert wire.empty()
    assert user.over == [server]


def test_a_request_nobody_answers_is_forgotten() -> None:
    wire = Wire()
    server = wire.server(request(b"INFO"))
    user = server.user = User()
    assert wire.run(32.0) == [(3.5, "100")]
    assert user.over == [server]
    assert wire.empty()


@pytest.mark.parametrize("flow", [PEER, TCP_PEER])
def test_a_slow_answer_is_announced_when_timer_e_of_who_asks_is_at_t2(flow: Flow) -> None:
    """RFC 4320 4.1: one 100, not before; repeats get it again."""
    wire = Wire()
    server = wire.server(request(b"INFO"), flow)
    assert wire.run(3.4) == []
    assert wire.words(request(b"INFO"), flow) == []
    assert wire.run(8.0) == [(3.5, "100")]
    assert wire.words(request(b"INFO"), flow) == ["100"]
    assert wire.answer(server, 200) == ["200"]
    assert wire.run(64.0) == []
    assert wire.empty()


def test_what_is_answered_in_time_is_not_announced() -> None:
    wire = Wire()
    wire.answer(wire.server(request(b"INFO")), 200)
    assert wire.run(32.0) == []


def test_ack_means_nothing_to_other_requests() -> None:
    wire = Wire()
    server = wire.server(request(b"OPTIONS"))
    server.feed(t.ACK, None, wire.now)
    assert server.state == t.TRYING


# -- clients

INVITE = (
    b"INVITE sip:5551234@192.0.2.9:5070 SIP/2.0\r\n",
    b"Max-Forwards: 69\r\nFrom: <sip:1001@198.51.100.1>;tag=us\r\nTo: <sip:5551234@192.0.2.9>\r\n"
    b"Call-ID: ours-1\r\nCSeq: 1 INVITE\r\nContact: <sip:198.51.100.1:5060>\r\n"
    b"Content-Length: 0\r\n\r\n",
)
BYE = (
    b"BYE sip:5551234@192.0.2.9:5070 SIP/2.0\r\n",
    INVITE[1].replace(b"1 INVITE", b"2 BYE").replace(b"Contact: <sip:198.51.100.1:5060>\r\n", b""),
)


def launch(wire: Wire, what: tuple[bytes, bytes], hop: Hop) -> tuple[Transaction, User, bytes]:
    user = User()
    client = wire.stack.launch(*what, hop, user, wire.now)
    (data,) = wire.collect()
    return client, user, data


def test_invite_is_repeated_by_timer_a_until_timer_b() -> None:
    wire = Wire()
    client, user, _ = launch(wire, INVITE, UDP_FAR)
    assert wire.run(31.99) == [(when, "INVITE") for when in DOUBLING]
    assert user.failures == []
    assert wire.run(1000) == []
    assert user.failures == [408]
    assert user.over == [client]
    assert wire.empty()


def test_request_is_repeated_by_timer_e_until_timer_f() -> None:
    wire = Wire()
    _, user, _ = launch(wire, BYE, UDP_FAR)
    assert wire.run(1000) == [(when, "BYE") for when in CAPPED]
    assert user.failures == [408]
    assert wire.empty()


@pytest.mark.parametrize("what", [INVITE, BYE])
def test_over_tcp_nothing_is_repeated_and_the_end_is_the_same(what: tuple[bytes, bytes]) -> None:
    wire = Wire()
    _, user, _ = launch(wire, what, TCP_FAR)
    assert wire.run(31.99) == []
    assert user.failures == []
    wire.run(32.0)
    assert user.failures == [408]
    assert wire.empty()


def test_a_provisional_ends_the_repeats_of_invite_and_timer_b() -> None:
    wire = Wire()
    _, user, data = launch(wire, INVITE, UDP_FAR)
    wire.run(2.0)
    wire.receive(response(data, 100))
    wire.receive(response(data, 180))
    assert wire.run(600) == []
    assert user.heard == [100, 180]
    assert user.failures == []


def test_a_100_for_the_cancel_is_not_the_invites() -> None:
    wire = Wire()
    _, user, data = launch(wire, INVITE, UDP_FAR)
    wire.receive(response(data.replace(b"1 INVITE", b"1 CANCEL"), 100))
    assert user.heard == []
    assert wire.words(response(data, 100)) == []
    assert user.heard == [100]


def test_a_provisional_slows_other_requests_to_t2_and_leaves_timer_f() -> None:
    wire = Wire()
    _, user, data = launch(wire, BYE, UDP_FAR)
    wire.run(0.6)
    wire.receive(response(data, 100))
    assert wire.run(1000) == [
        (when, "BYE") for when in (1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5)
    ]
    assert user.failures == [408]
    assert wire.empty()


def test_failure_of_invite_is_acked_at_each_repeat_till_timer_d() -> None:
    wire = Wire()
    _, user, data = launch(wire, INVITE, UDP_FAR)
    assert wire.words(response(data, 486)) == ["ACK"]
    assert wire.words(response(data, 486)) == ["ACK"]
    assert user.heard == [486]
    assert wire.words(response(data, 200)) == []
    assert user.heard == [486, 200]
    wire.run(31.9)
    assert wire.words(response(data, 486)) == ["ACK"]
    wire.run(32.0)
    assert wire.empty()


def test_failure_over_tcp_is_acked_and_over() -> None:
    wire = Wire()
    _, user, data = launch(wire, INVITE, TCP_FAR)
    flow = Flow("tcp", "tcp", "192.0.2.9", 5070)
    assert wire.words(response(data, 486), flow) == ["ACK"]
    assert user.heard == [486]
    assert wire.empty()


def test_the_ack_of_a_failure_is_the_invites_own() -> None:
    """17.1.1.3: same Request-URI, Via, Call-ID, From and CSeq number; To of the response."""
    wire = Wire()
    routed = (INVITE[0], b"Route: <sip:192.0.2.9;lr>\r\nRoute: <sip:192.0.2.10;lr>\r\n" + INVITE[1])
    _, _, data = launch(wire, routed, UDP_FAR)
    (ack,) = wire.receive(response(data, 486))
    lines, sent = ack.split(b"\r\n"), data.split(b"\r\n")
    assert lines[0] == b"ACK sip:5551234@192.0.2.9:5070 SIP/2.0"
    assert [line for line in lines if line.startswith(b"Via")] == [sent[1]]
    assert b"To: <sip:5551234@192.0.2.9>;tag=far" in lines
    assert b"CSeq: 1 ACK" in lines
    for name in (b"From", b"Call-ID", b"Route"):
        kept = [line for line in sent if line.startswith(name)]
        assert [line for line in lines if line.startswith(name)] == kept
    assert where(wire.hops()[-1]) == where(UDP_FAR)


def test_every_2xx_is_told_while_accepted_and_none_after_timer_m() -> None:
    wire = Wire()
    client, user, data = launch(wire, INVITE, UDP_FAR)
    assert wire.words(response(data, 200, tag=b"fork-1")) == []
    assert wire.words(response(data, 200, tag=b"fork-1")) == []
    assert wire.words(response(data, 200, tag=b"fork-2")) == []
    assert user.heard == [200, 200, 200]
    wire.receive(response(data, 486))
    wire.receive(response(data, 183))
    assert user.heard == [200, 200, 200]
    wire.run(31.9)
    wire.receive(response(data, 200))
    assert user.heard == [200] * 4
    wire.run(32.0)
    assert user.over == [client]
    assert wire.empty()
    wire.receive(response(data, 200))
    assert user.heard == [200] * 4
    assert [stray.status for stray in wire.core.strays] == [200]


def test_answer_is_told_once_and_repeats_absorbed_for_timer_k() -> None:
    wire = Wire()
    _, user, data = launch(wire, BYE, UDP_FAR)
    wire.receive(response(data, 200))
    wire.receive(response(data, 200))
    assert user.heard == [200]
    assert wire.core.strays == []
    wire.run(4.9)
    assert not wire.empty()
    wire.run(5.0)
    assert wire.empty()


def test_answer_over_tcp_ends_it() -> None:
    wire = Wire()
    _, user, data = launch(wire, BYE, TCP_FAR)
    wire.receive(response(data, 200), Flow("tcp", "tcp", "192.0.2.9", 5070))
    assert user.heard == [200]
    assert wire.empty()


# -- cancel


def test_cancel_takes_the_invites_own_and_waits_64_t1_for_its_final() -> None:
    wire = Wire()
    client, user, data = launch(wire, INVITE, UDP_FAR)
    assert isinstance(client, InviteClient)
    wire.receive(response(data, 180))
    canceller = User()
    assert wire.stack.cancel(client, canceller, wire.now, b"Reason: SIP;cause=200\r\n")
    (cancel,) = wire.collect()
    assert start(cancel) == "CANCEL"
    assert cancel.split(b"\r\n")[1] == data.split(b"\r\n")[1]
    assert b"\r\nCSeq: 1 CANCEL\r\n" in cancel
    assert b"\r\nTo: <sip:5551234@192.0.2.9>\r\n" in cancel
    assert b"\r\nReason: SIP;cause=200\r\n" in cancel
    assert wire.stack.cancel(client, canceller, wire.now, b"") is None
    wire.receive(response(cancel, 200))
    assert canceller.heard == [200]
    wire.run(31.9)
    assert user.failures == []
    wire.run(32.0)
    assert user.failures == [408]
    assert wire.empty()


def test_a_provisional_after_the_cancel_does_not_lengthen_the_wait() -> None:
    wire = Wire()
    client, user, data = launch(wire, INVITE, UDP_FAR)
    assert isinstance(client, InviteClient)
    wire.receive(response(data, 180))
    wire.stack.cancel(client, User(), wire.now, b"")
    wire.run(20.0)
    wire.receive(response(data, 180))
    wire.run(32.0)
    assert user.failures == [408]


# -- lost


def test_a_request_that_cannot_be_sent_fails_with_503() -> None:
    for what in (INVITE, BYE):
        wire = Wire()
        _, user, _ = launch(wire, what, UDP_FAR)
        wire.stack.lost(UDP_FAR, wire.now)
        assert user.failures == [503]
        assert wire.collect() == []
        assert wire.empty()


def test_a_loss_elsewhere_changes_nothing() -> None:
    wire = Wire()
    _, user, _ = launch(wire, BYE, UDP_FAR)
    for elsewhere in (
        Target("other", "udp", "192.0.2.9", 5070),
        Target("udp", "udp", "192.0.2.8", 5070),
        Target("udp", "udp", "192.0.2.9", 5071),
        NATTED,
    ):
        wire.stack.lost(elsewhere, wire.now)
    assert user.failures == []


def test_the_spare_hop_is_taken_once() -> None:
    for what, word in ((INVITE, "INVITE"), (BYE, "BYE")):
        wire = Wire()
        client, user, _ = launch(wire, what, TCP_FAR)
        assert isinstance(client, InviteClient | Client)
        client.spare = UDP_FAR
        wire.stack.lost(TCP_FAR, wire.now)
        (again,) = wire.collect()
        assert again.split(b"\r\n")[1].startswith(b"Via: SIP/2.0/UDP 198.51.100.1:5060")
        assert client.hop is UDP_FAR
        assert wire.run(0.5) == [(0.5, word)]
        wire.stack.lost(UDP_FAR, wire.now)
        assert user.failures == [503]
        assert wire.empty()


def test_an_invite_under_way_outlives_its_connection() -> None:
    wire = Wire()
    _, user, data = launch(wire, INVITE, TCP_FAR)
    wire.receive(response(data, 180))
    wire.stack.lost(TCP_FAR, wire.now)
    assert user.failures == []
    wire.receive(response(data, 200), Flow("tcp", "tcp", "192.0.2.9", 5070))
    assert user.heard == [180, 200]


def back(flow: Flow) -> tuple[str, str, str, int]:
    return "target", flow.transport, flow.address, 5060


@pytest.mark.parametrize("status", [180, 200, 486])
def test_a_response_whose_connection_died_goes_by_a_new_one(status: int) -> None:
    """18.2.2: to the source address, at the port of Via's sent-by."""
    wire = Wire()
    server = final(wire, status, TCP_PEER)
    wire.stack.lost(TCP_PEER, wire.now)
    assert [start(data) for data in wire.collect()] == [str(status)]
    assert where(wire.hops()[-1]) == back(TCP_PEER)
    hop = server.hop
    wire.stack.lost(hop, wire.now)
    assert wire.collect() == []


def test_an_answer_not_given_yet_goes_by_a_new_connection() -> None:
    for provisional in (False, True):
        wire = Wire()
        server = wire.server(request(b"INFO"), TCP_PEER)
        if provisional:
            wire.answer(server, 100)
        wire.stack.lost(TCP_PEER, wire.now)
        wire.collect()
        assert wire.answer(server, 200) == ["200"]
        assert where(wire.hops()[-1]) == back(TCP_PEER)


def test_listeners_show_what_is_advertised() -> None:
    assert [listener.via for listener in LISTENERS] == [
        b"Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=",
        b"Via: SIP/2.0/TCP 198.51.100.1:5060;rport;branch=",
        b"Via: SIP/2.0/TLS 198.51.100.1:5061;rport;branch=",
    ]

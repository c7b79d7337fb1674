"""Whom a loss concerns, and what a flood of losses may cost."""

import pytest
from tests.sip.wire import TCP_PEER, User, Wire, request, where

from tollbar.sip import losses
from tollbar.sip.flow import Flow, Hop, Target

START = b"BYE sip:192.0.2.9 SIP/2.0\r\n"
REST = (
    b"Max-Forwards: 70\r\nFrom: <sip:us@198.51.100.1>;tag=us\r\nTo: <sip:192.0.2.9>;tag=x\r\n"
    b"Call-ID: ours-1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
)


def ask(wire: Wire, hop: Hop) -> User:
    user = User()
    wire.stack.launch(START, REST, hop, user, wire.now)
    wire.collect()
    return user


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_request_sent_to_an_address_hears_of_the_path_to_it(transport: str) -> None:
    """The network names the path, the request may know no more than where it went."""
    wire = Wire()
    user = ask(wire, Target(transport, transport, "192.0.2.9", 5070))
    wire.stack.lost(Flow(transport, transport, "192.0.2.9", 5070), wire.now)
    assert user.failures == [503]


def test_a_request_sent_on_a_path_hears_of_the_address() -> None:
    wire = Wire()
    user = ask(wire, Flow("udp", "udp", "192.0.2.9", 5070))
    wire.stack.lost(Target("udp", "udp", "192.0.2.9", 5070), wire.now)
    assert user.failures == [503]


def test_a_datagram_that_did_not_arrive_is_nothing_to_who_answers() -> None:
    wire = Wire()
    flow = Flow("udp", "udp", "192.0.2.7", 5060)
    wire.receive(request(b"INFO"), flow)
    wire.stack.lost(flow, wire.now)
    assert wire.answer(wire.core.servers[0], 200) == ["200"]
    assert wire.hops()[-1] is flow


class Watched(dict[bytes, object]):
    """A table that counts how often it is looked through."""

    looks = 0

    def values(self):  # type: ignore[no-untyped-def]
        self.looks += 1
        return super().values()


def test_a_flood_of_losses_is_looked_into_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "AT_ONCE", 10)
    monkeypatch.setattr(losses, "A_SECOND", 100)
    wire = Wire()
    users = [ask(wire, Target("udp", "udp", "192.0.2.9", 6000 + n)) for n in range(40)]
    table: Watched = Watched(wire.stack.clients)
    wire.stack.clients = table  # type: ignore[assignment]
    for number in range(39):
        wire.stack.lost(Flow("udp", "udp", "192.0.2.9", 6000 + number), wire.now)
    assert table.looks == 1
    assert [user.failures for user in users] == [[503], *([[]] * 39)]
    wire.run(0.35)
    assert table.looks == 1
    wire.run(0.55)
    assert table.looks == 2
    assert [user.failures for user in users] == [*([[503]] * 39), []]
    # Long enough ago: the next is looked into at once.
    wire.run(0.85)
    wire.stack.lost(Flow("udp", "udp", "192.0.2.9", 6039), wire.now)
    assert users[39].failures == [503]
    assert wire.empty()


def test_a_connection_that_is_lost_among_many_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(losses, "AT_ONCE", 0)
    monkeypatch.setattr(losses, "A_SECOND", 10)
    wire = Wire()
    user = ask(wire, Target("tcp", "tcp", "192.0.2.9", 5070))
    wire.receive(request(b"INFO", via=b"SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKone"), TCP_PEER)
    wire.stack.lost(Flow("udp", "udp", "192.0.2.1", 9), wire.now)
    for flow in (TCP_PEER, Flow("tcp", "tcp", "192.0.2.9", 5070)):
        wire.stack.lost(flow, wire.now)
    assert user.failures == []
    wire.run(0.3)
    assert user.failures == [503]
    wire.answer(wire.core.servers[0], 200)
    assert where(wire.hops()[-1]) == ("target", "tcp", "192.0.2.7", 5060)

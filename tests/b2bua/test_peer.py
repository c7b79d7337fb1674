"""A source is the peer whose description fits it most closely."""

from ipaddress import ip_network

import pytest

from tollbar.b2bua.peer import Peer, Peers
from tollbar.sip.flow import Flow, Target


def peer(name: str, *sources: tuple[str, int | None, str | None], **more: object) -> Peer:
    made = Peer(name, "pbx", None, **more)  # type: ignore[arg-type]
    for network, port, transport in sources:
        made.comes_from(ip_network(network), port, transport)
    return made


def find(peers: list[Peer], address: str, port: int = 5060, transport: str = "udp") -> str:
    names: set[str] = set()
    # The order in the file means nothing.
    for order in (peers, peers[::-1]):
        found = Peers(order).find(Flow("l", transport, address, port))
        names.add(found.name if found is not None else "")
    assert len(names) == 1
    return names.pop()


PLAN = [
    peer("anyone", ("10.0.0.0/8", None, None)),
    peer("office", ("10.1.0.0/16", None, None), ("2001:db8:1::/48", None, None)),
    peer("pbx", ("10.1.2.3/32", None, None)),
    peer("second", ("10.1.2.3/32", 5070, None)),
    peer("secure", ("10.1.2.3/32", 5070, "tls")),
    peer("stream", ("10.1.2.3/32", None, "tcp")),
]


@pytest.mark.parametrize(
    ("address", "port", "transport", "name"),
    [
        ("10.200.0.1", 5060, "udp", "anyone"),
        ("10.1.200.1", 5060, "udp", "office"),
        ("10.1.2.3", 5060, "udp", "pbx"),
        ("10.1.2.3", 5070, "udp", "second"),
        ("10.1.2.3", 5070, "tls", "secure"),
        ("10.1.2.3", 5070, "tcp", "second"),
        ("10.1.2.3", 41000, "tcp", "stream"),
        ("10.1.2.3", 41000, "tls", "pbx"),
        ("11.0.0.1", 5060, "udp", ""),
        ("127.0.0.1", 5060, "udp", ""),
        ("2001:db8:1::9", 5060, "udp", "office"),
        ("2001:db8:2::9", 5060, "udp", ""),
        ("::1", 5060, "udp", ""),
        ("::ffff:10.1.2.3", 5060, "udp", "pbx"),
        ("::ffff:11.1.2.3", 5060, "udp", ""),
        ("2001:db8:1::9%eth0", 5060, "udp", "office"),
    ],
)
def test_the_most_specific_source(address: str, port: int, transport: str, name: str) -> None:
    assert find(PLAN, address, port, transport) == name


def test_a_peer_at_one_address_is_not_its_neighbour() -> None:
    only = [peer("pbx", ("127.0.0.2/32", None, None))]
    assert find(only, "127.0.0.2") == "pbx"
    assert find(only, "127.0.0.3") == ""
    assert find(only, "127.0.0.1") == ""


def test_the_longer_prefix_wins_over_port_and_transport() -> None:
    plan = [peer("wide", ("10.0.0.0/8", 5060, "udp")), peer("host", ("10.0.0.1/32", None, None))]
    assert find(plan, "10.0.0.1") == "host"
    assert find(plan, "10.0.0.2") == "wide"


def test_everything_of_both_families_is_not_one_network() -> None:
    plan = [peer("four", ("0.0.0.0/0", None, None)), peer("six", ("::/0", None, None))]
    assert find(plan, "192.0.2.1") == "four"
    assert find(plan, "2001:db8::1") == "six"
    assert find(plan, "::ffff:192.0.2.1") == "four"


def test_a_certificate_goes_before_any_address() -> None:
    plan = Peers(
        [
            peer("address", ("10.0.0.1/32", None, None)),
            peer("named", certificates=["pbx.example.com", "alt.example.com"]),
        ]
    )

    def found(transport: str, names: tuple[str, ...]) -> str:
        flow = Flow("l", transport, "10.0.0.1", 5061, names=names)
        peer = plan.find(flow)
        return peer.name if peer is not None else ""

    assert found("tls", ("alt.example.com",)) == "named"
    assert found("tls", ("other.example.com",)) == "address"
    assert found("tls", ()) == "address"


def test_the_answer_is_kept_on_the_flow_until_the_peers_are_others() -> None:
    flow = Flow("l", "udp", "10.1.2.3", 5060)
    first = Peers(PLAN)
    found = first.find(flow)
    assert found is not None
    assert found.name == "pbx"
    assert flow.source == (first, found)
    assert first.find(flow) is found
    assert Peers([]).find(flow) is None
    again = first.find(flow)
    assert again is found


def test_how_a_peer_is_reached_is_written_once() -> None:
    for target, authority, host in (
        (Target("l", "udp", "192.0.2.9", 5060), b"192.0.2.9", b"192.0.2.9"),
        (Target("l", "udp", "192.0.2.9", 5070), b"192.0.2.9:5070", b"192.0.2.9"),
        (Target("l", "tls", "192.0.2.9", 5061), b"192.0.2.9;transport=tls", b"192.0.2.9"),
        (Target("l", "tcp", "2001:db8::9", 5060), b"[2001:db8::9];transport=tcp", b"[2001:db8::9]"),
    ):
        made = Peer("p", "trunk", target)
        assert (made.authority, made.host) == (authority, host)
    assert Peer("p", "pbx", None).authority == b""

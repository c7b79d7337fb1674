"""Where a request of a dialog goes (RFC 3261 8.1.2, 12.2.1.1; 5923)."""

import pytest
from tests.sip.wire import where

from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.routing import neighbours, next_hop, resolve, strict_first
from tollbar.sip.stack import Listener

IPV4 = [
    Listener("u", "udp", "198.51.100.1", 5060),
    Listener("t", "tcp", "198.51.100.1", 5060),
    Listener("s", "tls", "198.51.100.1", 5061),
]
IPV6 = [
    Listener("u6", "udp", "sip.example.com", 5060, bound="2001:db8::1"),
    Listener("t6", "tcp", "sip.example.com", 5060, bound="2001:db8::1"),
]
SECOND = [
    Listener("second", "udp", "203.0.113.1", 5060),
    Listener("t2", "tcp", "203.0.113.1", 5060),
]
LISTENERS = neighbours([*IPV4, *IPV6, *SECOND])
NAMES = {"udp": "u", "tcp": "t", "tls": "s"}
UDP_WAY = Flow("u", "udp", "192.0.2.7", 5062)
TCP_FLOW = Flow("t", "tcp", "192.0.2.7", 41000)
TLS_FLOW = Flow("s", "tls", "192.0.2.7", 42000)
TLS_GONE = Target("s", "tls", "192.0.2.7", 42000)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (b"sip:1001@192.0.2.8", ("udp", "192.0.2.8", 5060)),
        (b"sip:192.0.2.8", ("udp", "192.0.2.8", 5060)),
        (b"sip:1001@192.0.2.8:5070", ("udp", "192.0.2.8", 5070)),
        (b"sip:1001@192.0.2.8:5070;transport=udp", ("udp", "192.0.2.8", 5070)),
        (b"sip:1001@192.0.2.8:5070;transport=UDP", ("udp", "192.0.2.8", 5070)),
        (b"SIP:1001@192.0.2.8;Transport=TCP", ("tcp", "192.0.2.8", 5060)),
        (b"sip:1001@192.0.2.8;transport=tls", ("tls", "192.0.2.8", 5061)),
        (b"sips:1001@192.0.2.8", ("tls", "192.0.2.8", 5061)),
        (b"sips:1001@192.0.2.8:5071;transport=tcp", ("tls", "192.0.2.8", 5071)),
        (b"sip:1001@192.0.2.8;transport=sctp", ("udp", "192.0.2.8", 5060)),
        (b"sip:1001@192.0.2.8;transport=\xff\xfe", ("udp", "192.0.2.8", 5060)),
        (b"sip:1001@[2001:DB8::8]", ("udp", "2001:db8::8", 5060)),
        (b"sip:1001@[2001:db8::8]:5070;transport=tcp", ("tcp", "2001:db8::8", 5070)),
        (b"sip:1001@localhost:5070", ("udp", "127.0.0.1", 5070)),
        (b"sip:1001@LocalHost", ("udp", "127.0.0.1", 5060)),
        (b"sip:1001@example.com:5070;maddr=192.0.2.8", ("udp", "192.0.2.8", 5070)),
        (b"sip:1001@192.0.2.9;MADDR=[2001:db8::8]", ("udp", "2001:db8::8", 5060)),
    ],
)
def test_a_uri_names_its_hop(uri: bytes, expected: tuple[str, str, int]) -> None:
    hop = resolve(uri, UDP_WAY, LISTENERS)
    assert where(hop) == ("target", *expected)
    assert hop.listener == NAMES[hop.transport] + "6" * (":" in hop.address)


@pytest.mark.parametrize(
    "uri",
    [
        b"sip:1001@phone.example.com",
        b"sip:1001@phone.example.com:5080;transport=tcp",
        b"sip:1001@pbx",
        b"tel:+13175551234",
        b"urn:service:sos",
        b"",
        b"*",
        b"nonsense",
        b"sip:1001@[192.0.2.8",
        b"sip:1001@999.1.1.1",
        b"sip:1001@192.0.2.8;maddr=proxy.example.com",
        b"sip:1001@192.0.2.7:5062",
        b"sip:1001@192.0.2.7:5062;transport=UDP",
    ],
)
def test_what_names_no_other_place_goes_the_way_it_came(uri: bytes) -> None:
    assert resolve(uri, UDP_WAY, LISTENERS) is UDP_WAY


def test_without_a_listener_for_the_transport_it_goes_the_way_it_came() -> None:
    only = neighbours(IPV4[:1])
    assert resolve(b"sip:192.0.2.8;transport=tcp", UDP_WAY, only) is UDP_WAY
    assert resolve(b"sips:192.0.2.8", UDP_WAY, only) is UDP_WAY
    assert resolve(b"sip:[2001:db8::8]", UDP_WAY, only) is UDP_WAY


def test_who_came_by_tls_is_not_called_back_in_the_clear() -> None:
    hop = resolve(b"sip:1001@192.0.2.8:5070", TLS_GONE, LISTENERS)
    assert where(hop) == ("target", "tls", "192.0.2.8", 5070)


def test_the_listener_is_that_of_the_way() -> None:
    """With two UDP listeners, a side of a call keeps to its own."""
    way = Flow("second", "udp", "192.0.2.7", 5062)
    assert resolve(b"sip:1001@192.0.2.8", way, LISTENERS).listener == "second"
    assert resolve(b"sip:1001@192.0.2.8;transport=tcp", way, LISTENERS).listener == "t2"
    assert resolve(b"sips:1001@192.0.2.8", way, LISTENERS).listener == "s"
    back = Target("t2", "tcp", "192.0.2.7", 5060)
    assert resolve(b"sip:1001@192.0.2.8", back, LISTENERS).listener == "second"


def test_an_ipv6_address_is_reached_from_one() -> None:
    way = Target("t6", "tcp", "2001:db8::7", 5060)
    assert resolve(b"sip:1001@[2001:db8::8]", way, LISTENERS).listener == "u6"
    assert resolve(b"sips:1001@[2001:db8::8]", way, LISTENERS) is way


@pytest.mark.parametrize("flow", [TCP_FLOW, TLS_FLOW])
def test_a_live_connection_is_kept_to(flow: Flow) -> None:
    assert next_hop(b"sip:1001@192.0.2.8", [], flow, LISTENERS) is flow
    assert next_hop(b"sip:1001@192.0.2.8", [b"<sip:192.0.2.9;lr>"], flow, LISTENERS) is flow


def test_a_connection_that_is_gone_is_replaced_by_what_the_uri_names() -> None:
    gone = Target("t", "tcp", "192.0.2.7", 41000)
    hop = next_hop(b"sip:1001@192.0.2.7:5060;transport=tcp", [], gone, LISTENERS)
    assert where(hop) == ("target", "tcp", "192.0.2.7", 5060)


@pytest.mark.parametrize("way", [UDP_WAY, TLS_GONE])
def test_the_first_route_goes_before_the_target(way: Hop) -> None:
    hop = next_hop(
        b"sip:1001@192.0.2.8", [b"<sip:192.0.2.9:5080;lr>", b"<sip:192.0.2.10;lr>"], way, LISTENERS
    )
    assert (hop.address, hop.port) == ("192.0.2.9", 5080)


@pytest.mark.parametrize(
    ("route", "strict"),
    [
        (b"<sip:192.0.2.9;lr>", False),
        (b"<sip:192.0.2.9;LR>", False),
        (b"<sip:192.0.2.9;lr=on>", False),
        (b"<sip:192.0.2.9>", True),
        (b"<sip:192.0.2.9>;lr", True),
    ],
)
def test_a_loose_router_says_lr_in_its_uri(route: bytes, strict: bool) -> None:
    assert strict_first([route]) is strict


def test_no_route_is_no_strict_route() -> None:
    assert strict_first([]) is False

"""A session description that accepts nothing (RFC 3264 6)."""

import pytest

from tollbar.sip.sdp import declined

OFFER = (
    b"v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=2873397496 0\r\n"
    b"m=audio 49170/2 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/SAVPF 31\r\n"
    b"m=image 49172 udptl t38\r\n"
)
HEAD = b"v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n"


def test_every_stream_is_refused_in_its_order_and_the_time_is_the_offers() -> None:
    assert declined(OFFER, b"192.0.2.9") == (
        HEAD + b"t=2873397496 0\r\nm=audio 0 RTP/AVP 0 101\r\nm=video 0 RTP/SAVPF 31\r\n"
        b"m=image 0 udptl t38\r\n"
    )


def test_where_nothing_is_offered_no_stream_is() -> None:
    assert declined(b"", b"192.0.2.9") == HEAD + b"t=0 0\r\n"


def test_an_ipv6_address_stands_without_brackets() -> None:
    assert b"o=- 0 0 IN IP6 2001:db8::1\r\n" in declined(OFFER, b"[2001:db8::1]")


@pytest.mark.parametrize(
    "body", [b"m=\r\nm=audio\r\nm=audio 1 RTP/AVP\r\n", b"\xff\x00m=x", b"m=a b c\x85d e\n" * 500]
)
def test_any_bytes_give_lines_and_nothing_between_them(body: bytes) -> None:
    found = declined(body, b"192.0.2.9")
    assert found.endswith(b"\r\n")
    assert b"\n" not in found.replace(b"\r\n", b"")

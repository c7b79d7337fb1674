"""URIs taken apart and written back (RFC 3261 19.1, RFC 3966)."""

import pytest

from tollbar.sip.errors import SipError
from tollbar.sip.uri import Uri


def test_a_uri_with_everything() -> None:
    uri = Uri.parse(b"SIPS:alice:secret@Atlanta.com:5061;Transport=TCP;lr?subject=a%20b&to=x")
    assert uri.scheme == b"sips"
    assert (uri.user, uri.password) == (b"alice", b"secret")
    assert (uri.host, uri.port, uri.hostport) == (b"Atlanta.com", 5061, b"Atlanta.com:5061")
    assert uri.params == {b"transport": b"TCP", b"lr": b""}
    assert uri.headers == b"subject=a%20b&to=x"
    assert uri.header(b"Subject") == b"a b"
    assert uri.header(b"missing") is None


@pytest.mark.parametrize(
    "text",
    [
        b"sip:host",
        b"sip:host:5060",
        b"sip:1001@host",
        b"sip:a:b@host",
        b"sip:1001@[2001:db8::1]:5060;transport=tcp",
        b"sip:user;par=u%40example.net@example.com",
        b"sip:*61*4711%230123@host;user=phone",
        b"sip:a@host?Replaces=x%3Bto-tag%3Dy",
        b"tel:+1-919-555-1234;phone-context=example.com",
        b"tel:911",
        b"urn:service:sos.police",
        b"nobody:knows?what;this=is",
    ],
)
def test_written_back_as_received(text: bytes) -> None:
    assert Uri.parse(text).as_bytes() == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"sip:1001@host", "1001"),
        (b"sip:%31001@host", "1001"),
        (b"sip:+1919;isub=7;postd=p22@host", "+1919"),
        (b"sip:a%3Bb@host", "a;b"),
        (b"sip:*61*4711#0123@host", "*61*4711#0123"),
        (b"sip:*61*4711%230123@host", "*61*4711#0123"),
        (b"sip:J%C3%B6rg@host", "Jörg"),
        (b"sip:%ff@host", "\ufffd"),
        (b"sip:host", ""),
        (b"tel:+1-919;ext=1", "+1-919"),
        (b"urn:service:sos", "urn:service:sos"),
    ],
)
def test_the_number_dialled(text: bytes, number: str) -> None:
    assert Uri.parse(text).number == number


def test_semicolons_and_question_marks_belong_to_a_user_part() -> None:
    uri = Uri.parse(b"sip:a;b?c/d@host;lr")
    assert uri.user == b"a;b?c/d"
    assert uri.params == {b"lr": b""}
    assert uri.headers == b""


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"sip",
        b"sip:",
        b"sip:@host",
        b"sip:user@",
        b"sip:a@b@c",
        b"sip:us er@host",
        b"sip:<user>@host",
        b"sip:user@ho st",
        b"sip:user@host:port",
        b"sip:user@host:65536",
        b"sip:user@host:123456",
        b"sip:user@host;",
        b"sip:user@host;;lr",
        b"sip:user@host;lr;LR",
        b"sip:2001:db8::10",
        b"sip:[2001:db8::10",
        b"sip:[1:2:3:4:5:6:7:8:9]",
        b"sip:[2001:db8:::1]",
        b"sip:[2001:db8:::192.0.2.1:::1]",
        b"sip:user@host\r\n",
        b"sip:user\x00@host",
        b"tel:",
        b"tel:;a=b",
        b"1x:y",
        b"x y:z",
        b"urn:a b",
        b":a",
    ],
)
def test_a_bad_uri_is_refused(text: bytes) -> None:
    with pytest.raises(SipError) as caught:
        Uri.parse(text)
    assert caught.value.status == 400


def test_the_old_third_colon_is_dropped() -> None:
    assert Uri.parse(b"sip:[2001:db8:::192.0.2.1]").host == b"[2001:db8::192.0.2.1]"


def test_a_uri_made_by_hand() -> None:
    uri = Uri(b"sip", b"1001", b"host", 5080)
    uri.params[b"transport"] = b"tcp"
    assert uri.as_bytes() == b"sip:1001@host:5080;transport=tcp"
    assert uri.hostport == b"host:5080"

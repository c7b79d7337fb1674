"""Via, addresses, CSeq and the grammar below them (RFC 3261 20, 25.1)."""

from collections.abc import Callable

import pytest

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import Address, Via, cseq, tag_of


def test_via_as_everyone_writes_it() -> None:
    via = Via(b"SIP/2.0/UDP PBX.example.com:5062;branch=z9hG4bKa;rport;received=192.0.2.1")
    assert via.transport == b"UDP"
    assert (via.host, via.port, via.sent_by) == (
        b"PBX.example.com",
        5062,
        b"pbx.example.com:5062",
    )
    assert via.branch == b"z9hG4bKa"
    assert via.params == {b"rport": b"", b"received": b"192.0.2.1"}


def test_via_without_port_and_parameters() -> None:
    via = Via(b"SIP/2.0/TLS host")
    assert (via.port, via.sent_by, via.branch, via.params) == (0, b"host", b"", {})


@pytest.mark.parametrize(
    "text",
    [
        b"SIP / 2.0 / udp  [2001:DB8::1] : 05060 ; Branch = x",
        b"sip/2.0/Udp [2001:DB8::1]:5060;branch=x",
        b"SIP/2.0/UDP\t[2001:DB8::1]:5060\t;branch=x",
    ],
)
def test_every_spelling_of_a_via_gives_one_key(text: bytes) -> None:
    via = Via(text)
    assert via.transport == b"UDP"
    assert via.sent_by == b"[2001:db8::1]:5060"
    assert via.branch == b"x"
    assert via.text == text


def test_via_ports_up_to_the_last() -> None:
    for port in (1, 9999, 10000, 59999, 60000, 65535):
        assert Via(b"SIP/2.0/UDP a:%d" % port).port == port
    for bad in (b"65536", b"123456", b"x", b""):
        with pytest.raises(SipError):
            Via(b"SIP/2.0/UDP a:" + bad)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SIP/2.0/UDP",
        b"SIP/2.0/UDP ",
        b"SIP/2.0 host",
        b"SIP/2.0/UDP host;",
        b"SIP/2.0/UDP host;;branch=x",
        b"SIP/2.0/UDP host;branch=x;branch=y",
        b"SIP/2.0/UDP host;branch=x;BRANCH=y",
        b"SIP/2.0/UDP host;branch=",
        b'SIP/2.0/UDP host;branch="x',
        b"SIP/2.0/UDP ho<st",
        b"SIP/2.0/UDP [::zz]",
        b"SIP/2.0/UDP [::::]",
        b"SIP/2.0/UDP [1.2.3.4]",
        b"SIP/2.0/UDP 2001:db8::1;branch=x",
    ],
)
def test_a_bad_via_is_refused(text: bytes) -> None:
    with pytest.raises(SipError) as caught:
        Via(text)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        (b"<sip:a@b>", b"", b"sip:a@b", {}),
        (b"Bob <sip:a@b>", b"Bob", b"sip:a@b", {}),
        (b"Bob<sip:a@b>;tag=x", b"Bob", b"sip:a@b", {b"tag": b"x"}),
        (b'"B, o;b" <sip:a@b;lr>;tag=x', b"B, o;b", b"sip:a@b;lr", {b"tag": b"x"}),
        (b'"a \\"<q>\\"" <sip:a@b>', b'a "<q>"', b"sip:a@b", {}),
        (b'""<sip:a@b> ; TAG = x ; q="a;b"', b"", b"sip:a@b", {b"tag": b"x", b"q": b'"a;b"'}),
        (b"sip:a@b;tag=x", b"", b"sip:a@b", {b"tag": b"x"}),
        (b"sip:a@b ;tag=x", b"", b"sip:a@b", {b"tag": b"x"}),
        (b"sip:a@b", b"", b"sip:a@b", {}),
        (b"Bell, Alexander <sip:a@b>", b"Bell, Alexander", b"sip:a@b", {}),
        ("Jörg <sip:a@b>".encode(), "Jörg".encode(), b"sip:a@b", {}),
        (b"*", b"", b"*", {}),
        (b"<sip:a@b>;+sip.instance=\"<urn:uuid:1>\"", b"", b"sip:a@b",
         {b"+sip.instance": b'"<urn:uuid:1>"'}),
    ],
)  # fmt: skip
def test_addresses(text: bytes, display: bytes, uri: bytes, params: dict[bytes, bytes]) -> None:
    address = Address(text)
    assert (address.display, address.uri, address.params) == (display, uri, params)
    assert address.tag == tag_of(text) == params.get(b"tag", b"")
    assert address.text == text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<>",
        b"<sip:a@b",
        b'"x <sip:a@b>',
        b'"x <sip:a@b>;tag=1',
        b"<sip:a@b >;tag=1",
        b'"x" y <sip:a@b>',
        b'"x"',
        b'x"y <sip:a@b>',
        b"< sip:a@b >",
        b"<sip:a@b> rest",
        b"<sip:a@b>;",
        b"<sip:a@b>;tag=1;tag=2",
        b"sip:a@b?Route=c",
        b"sip:a,b@c",
        b"sip:a b@c",
    ],
)
def test_a_bad_address_is_refused(text: bytes) -> None:
    readers: tuple[Callable[[bytes], object], ...] = (Address, tag_of)
    for read in readers:
        with pytest.raises(SipError) as caught:
            read(text)
        assert caught.value.status == 400


def test_the_uri_of_an_address_is_parsed_once() -> None:
    address = Address(b"<sip:1001@pbx>")
    assert address.parsed.user == b"1001"
    assert address.parsed is address.parsed
    with pytest.raises(SipError):
        _ = Address(b"<sip:>").parsed


def test_cseq() -> None:
    assert cseq(b"0009   INVITE") == (9, b"INVITE")
    for bad in (b"", b"1", b"INVITE 1", b"1 IN VITE", b"1 IN<", b"2147483648 INVITE"):
        with pytest.raises(SipError):
            cseq(bad)


@pytest.mark.parametrize(
    ("value", "items"),
    [
        (b"", []),
        (b" , ,", []),
        (b"a", [b"a"]),
        (b"a ,b,, c", [b"a", b"b", b"c"]),
        (b'"x, y" <sip:a,b@c>;p="1,2", z', [b'"x, y" <sip:a,b@c>;p="1,2"', b"z"]),
        (b'"a\\",b", c', [b'"a\\",b"', b"c"]),
    ],
)
def test_lists(value: bytes, items: list[bytes]) -> None:
    assert grammar.split_list(value) == items


@pytest.mark.parametrize("value", [b'a, "b', b'a, "b\\"', b"a, <b"])
def test_an_unbalanced_list_is_refused(value: bytes) -> None:
    with pytest.raises(SipError):
        grammar.split_list(value)


def test_a_list_is_bounded() -> None:
    assert len(grammar.split_list(b"a," * 1023 + b"a")) == grammar.MOST_ITEMS
    with pytest.raises(SipError):
        grammar.split_list(b"a," * 1024 + b"a")


def test_numbers() -> None:
    assert grammar.number(b"0" * 9000 + b"42", 42) == 42
    for bad in (b"43", b"9" * 9000, b"", b" 1", b"-1", b"\xb9", b"1_0"):
        with pytest.raises(SipError):
            grammar.number(bad, 42)


def test_quoting_there_and_back() -> None:
    text = b'say "hi" \\ there'
    assert grammar.quote(text) == b'"say \\"hi\\" \\\\ there"'
    assert grammar.unquote(grammar.quote(text)) == text
    assert grammar.unquote(b"plain") == b"plain"
    assert grammar.unquote(b'"') == b'"'
    assert grammar.quote(b"\x07\t\x7f\xff") == b'"\\\x07\t\\\x7f\xff"'
    assert grammar.quote(b"a\r\nb\x00") == b'"a b "'


def test_unescape_leaves_what_is_no_escape() -> None:
    assert grammar.unescape(b"%41%zz%4%%42") == b"A%zz%4%B"


def test_nothing_sent_ends_a_line() -> None:
    assert grammar.clean(b"a\r\nX-Evil: 1\x00b") == b"a X-Evil: 1 b"
    assert grammar.clean(b"fine \xff") == b"fine \xff"
    for bad in (b"\r", b"\n", b"\x00"):
        assert bad not in grammar.clean(b"a" + bad)

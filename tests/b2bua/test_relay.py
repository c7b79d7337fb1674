"""What crosses and what never does."""

import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.wire import header, headers, request, response

from tollbar.b2bua.causes import refusal_headers
from tollbar.b2bua.peer import Peer
from tollbar.b2bua.relay import METHODS, OURS, Relay, hops_left, user_part
from tollbar.policy.attempt import FORWARD, REJECT, Decision, Route
from tollbar.signalling import Undress
from tollbar.sip.flow import Target
from tollbar.sip.memo import LONGEST, MOST
from tollbar.sip.message import Message
from tollbar.sip.stack import Listener

CODE: Final = b"4711815"
ALIASES: Final = ["X-Account-Code", "X-Asterisk-Accountcode", "X-accountcode"]
TEMPLATES: Final = ["*61*CODE#NUMBER", "CODE**NUMBER"]
LISTENER: Final = Listener("udp", "udp", "198.51.100.1", 5060)
TRUNK: Final = Peer("carrier", "trunk", Target("udp", "udp", "192.0.2.9", 5070))


def relay() -> Relay:
    return Relay(ALIASES, "account-code", Undress(TEMPLATES))


def cross(data: bytes, trusted: bool = False) -> bytes:
    """The header lines of a message that cross."""
    return b"\r\n" + relay().headers(Message.parse(data), trusted)


def invite(
    data: bytes,
    *,
    dial_string: str = "9195551234",
    code: str = "",
    peer: Peer = TRUNK,
    trusted: bool = False,
) -> bytes:
    message = Message.parse(data)
    message.check()
    decision = Decision(FORWARD, account_code=code)
    start, rest, _ = relay().invite(
        message, decision, Route("carrier", dial_string), peer, LISTENER, b"cid", b"us", trusted
    )
    return start + b"Via: SIP/2.0/UDP us;branch=z9hG4bKx\r\n" + rest


# -- each leg's own


def test_no_header_of_a_legs_own_crosses() -> None:
    lines = b"".join(b"%b: <sip:own@example.com>;secret\r\n" % name for name in sorted(OURS))
    data = request().replace(b"Max-Forwards: 70\r\n", lines.replace(b"Content-Length: ", b"X: "))
    message = Message()
    for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        message.lines.append((name, value))
    crossed = relay().headers(message, False)
    assert b"secret" not in crossed.replace(b"X: <sip:own@example.com>;secret\r\n", b"")


def test_the_list_of_the_specification_is_kept_to() -> None:
    listed = (
        b"Via Route Record-Route Contact Call-ID CSeq Content-Length Authorization "
        b"Proxy-Authorization WWW-Authenticate Proxy-Authenticate Proxy-Require Require RSeq RAck "
        b"Path Service-Route Timestamp"
    )
    assert set(listed.split()) <= OURS


def test_compact_names_and_any_case_do_not_cross_either() -> None:
    data = request(more=b"m: <sip:x@y>\r\nK: timer\r\nPROXY-REQUIRE: x\r\nv: SIP/2.0/UDP h\r\n")
    assert cross(data) == b"\r\n"


def test_everything_else_crosses_as_it_is() -> None:
    lines = (
        b'Subject: a, b;c="d" \r\ns: second\r\nX-Anything: %0d%0a\r\nUser-Agent: Phone/1\r\n'
        b"Privacy: id\r\nReason: Q.850;cause=16\r\nP-Early-Media: supported\r\nX-Empty:\r\n"
        b"Content-Type: application/sdp\r\nContent-Disposition: session\r\n"
    )
    assert cross(request(more=lines)) == (
        b'\r\nSubject: a, b;c="d"\r\nSubject: second\r\nX-Anything: %0d%0a\r\n'
        b"User-Agent: Phone/1\r\nPrivacy: id\r\nReason: Q.850;cause=16\r\n"
        b"P-Early-Media: supported\r\nX-Empty: \r\nContent-Type: application/sdp\r\n"
        b"Content-Disposition: session\r\n"
    )


def test_the_invite_is_our_own() -> None:
    body = b"v=0\r\n\x00\xff"
    data = invite(
        request(
            sender=b'"Bell, A." <sip:1001;x=1@10.0.0.7:5062;y=2>;tag=phone;z=3',
            more=b"Content-Type: application/sdp\r\n",
            body=body,
        )
    )
    assert data.startswith(b"INVITE sip:9195551234@192.0.2.9:5070 SIP/2.0\r\n")
    assert header(data, b"From") == b'"Bell, A." <sip:1001@198.51.100.1>;tag=us'
    assert header(data, b"To") == b"<sip:9195551234@192.0.2.9>"
    assert header(data, b"Call-ID") == b"cid"
    assert header(data, b"CSeq") == b"1 INVITE"
    assert header(data, b"Contact") == b"<sip:198.51.100.1:5060>"
    assert header(data, b"Max-Forwards") == b"69"
    assert data.endswith(b"\r\n\r\n" + body)
    for name in (b"From", b"To", b"Call-ID", b"CSeq", b"Contact", b"Via", b"Max-Forwards"):
        assert len(headers(data, name)) == 1
    assert Message.parse(data).body == body
    Message.parse(data).check()


def test_from_and_to_carry_the_trunks_domain() -> None:
    peer = Peer("carrier", "trunk", TRUNK.to, domain="carrier.example")
    data = invite(request(), peer=peer)
    assert header(data, b"From") == b"<sip:1001@carrier.example>;tag=us"
    assert header(data, b"To") == b"<sip:9195551234@carrier.example>"
    assert data.startswith(b"INVITE sip:9195551234@192.0.2.9:5070 ")


@pytest.mark.parametrize(
    ("transport", "port", "address", "authority"),
    [
        ("udp", 5060, "192.0.2.9", b"192.0.2.9"),
        ("tcp", 5060, "192.0.2.9", b"192.0.2.9;transport=tcp"),
        ("tls", 5061, "192.0.2.9", b"192.0.2.9;transport=tls"),
        ("tcp", 5070, "2001:db8::9", b"[2001:db8::9]:5070;transport=tcp"),
    ],
)
def test_the_request_uri_says_how_the_peer_is_reached(
    transport: str, port: int, address: str, authority: bytes
) -> None:
    peer = Peer("carrier", "trunk", Target("udp", transport, address, port))
    assert invite(request(), peer=peer).startswith(b"INVITE sip:9195551234@%b SIP" % authority)


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (b"<sip:10.0.0.7>;tag=a", b"<sip:anonymous@198.51.100.1>;tag=us"),
        (b"<tel:+1-317-555;ext=4>;tag=a", b"<sip:+1-317-555@198.51.100.1>;tag=us"),
        (b"sip:1001@10.0.0.7;tag=a", b"<sip:1001@198.51.100.1>;tag=us"),
        (b"<sips:a%40b:pw@h>;tag=a", b"<sip:a%40b@198.51.100.1>;tag=us"),
        (b"<mailto:bob@example.com>;tag=a", b"<sip:bob%40example.com@198.51.100.1>;tag=us"),
        (b'"say \\"hi\\"" <sip:1@h>;tag=a', b'"say \\"hi\\"" <sip:1@198.51.100.1>;tag=us'),
        (b"Bob Bell <sip:1@h>;tag=a", b'"Bob Bell" <sip:1@198.51.100.1>;tag=us'),
    ],
)
def test_from_keeps_name_and_user(sender: bytes, expected: bytes) -> None:
    data = invite(request(sender=sender))
    assert header(data, b"From") == expected
    Message.parse(data).check()


def test_max_forwards_counts_down() -> None:
    for came, goes in ((b"70", 69), (b"1", 0), (b"255", 254)):
        data = request().replace(b"Max-Forwards: 70", b"Max-Forwards: " + came)
        assert hops_left(Message.parse(data)) == goes
    assert hops_left(Message.parse(request().replace(b"Max-Forwards: 70\r\n", b""))) == 70


# -- what both can do


def test_allow_and_supported_are_intersections() -> None:
    crossed = cross(
        request(
            more=b"Allow: INVITE,ACK , BYE, REFER,NOTIFY\r\nSupported: timer, 100REL,path\r\n"
            b"k: replaces\r\n"
        )
    )
    assert crossed == b"\r\nAllow: INVITE, ACK, BYE\r\nSupported: 100rel\r\n"


def test_one_peers_words_do_not_spoil_anothers() -> None:
    shared = relay()
    first = Message.parse(request(more=b"Allow: 100rel\r\nSupported: INVITE\r\n"))
    assert shared.headers(first, False) == b""
    second = Message.parse(request(more=b"Allow: INVITE\r\nSupported: 100rel\r\n"))
    assert shared.headers(second, False) == b"Allow: INVITE\r\nSupported: 100rel\r\n"


def test_what_is_remembered_of_them_is_bounded() -> None:
    shared = relay()
    for number in range(MOST + 100):
        more = b"Allow: INVITE, X%d\r\nDate: %d\r\nX-New-%d: 1\r\n" % ((number,) * 3)
        assert b"Date: %d\r\n" % number in shared.headers(Message.parse(request(more=more)), False)
        assert len(shared._crossed) <= MOST
    long = b"User-Agent: %b\r\n" % (b"x" * (LONGEST + 1))
    before = len(shared._crossed)
    assert long in shared.headers(Message.parse(request(more=long)), False)
    assert len(shared._crossed) == before
    names = {name for name, _ in shared._crossed}
    assert names == {b"Allow"}, "only what a peer says the same in every call"


@pytest.mark.parametrize(
    ("more", "body", "offered"),
    [
        (b"", b"v=0\r\n", True),
        (b"Supported: 100rel\r\n", b"v=0\r\n", True),
        (b"Supported: timer\r\n", b"v=0\r\n", True),
        (b"Supported: 100rel\r\n", b"", True),
        (b"Require: 100rel\r\n", b"", True),
        (b"", b"", False),
    ],
)
def test_100rel_is_offered_unless_nobody_could_answer_the_offer(
    more: bytes, body: bytes, offered: bool
) -> None:
    data = invite(request(more=more, body=body))
    assert headers(data, b"Supported") == ([b"100rel"] if offered else [])
    assert headers(data, b"Require") == []


def test_refer_is_never_allowed() -> None:
    assert b"REFER" not in METHODS


# -- identity (RFC 3325)


def test_asserted_identity_crosses_between_trusted_peers_only() -> None:
    data = request(more=b'P-Asserted-Identity: "A" <sip:1001@h>, <tel:+1317>\r\nPrivacy: id\r\n')
    assert headers(cross(data, True), b"P-Asserted-Identity") == [b'"A" <sip:1001@h>, <tel:+1317>']
    assert headers(cross(data), b"P-Asserted-Identity") == []
    assert b"P-Asserted" not in invite(data)
    assert b"P-Asserted" in invite(data, trusted=True)
    assert headers(cross(data), b"Privacy") == [b"id"]


def test_diversion_and_history_are_kept() -> None:
    lines = (
        b"Diversion: <sip:1002@pbx>;reason=no-answer;counter=1\r\n"
        b"History-Info: <sip:1002@pbx?Reason=SIP%3Bcause%3D302>;index=1, <sip:9@x>;index=1.1\r\n"
        b"Referred-By: <sip:1003@pbx>\r\n"
    )
    assert cross(request(more=lines)) == b"\r\n" + lines


def test_a_line_crosses_by_its_own_call_alone() -> None:
    """What is remembered of a line holds for whoever sends it, and for this relay only."""
    data = request(
        more=b"P-Asserted-Identity: <sip:1001@h>\r\nUser-Agent: a\r\nx-asterisk-accountcode: 1\r\n"
        b"X-Matter: 1\r\nDiversion: <sip:1002;account-code=1@h>\r\n"
    )
    shared = relay()
    other = Relay(["User-Agent", "diversion"], "matter", str)
    for _ in range(2):
        assert shared.headers(Message.parse(data), False) == (
            b"User-Agent: a\r\nX-Matter: 1\r\nDiversion: <sip:1002@h>\r\n"
        )
        assert shared.headers(Message.parse(data), True) == (
            b"P-Asserted-Identity: <sip:1001@h>\r\nUser-Agent: a\r\nX-Matter: 1\r\n"
            b"Diversion: <sip:1002@h>\r\n"
        )
        assert other.headers(Message.parse(data), False) == (
            b"x-asterisk-accountcode: 1\r\nX-Matter: 1\r\n"
        )


# -- the account code

FORMS = [
    # headers, by any alias, in any case, repeated
    b"X-Account-Code: CODE\r\n",
    b"x-ACCOUNT-code:CODE\r\nX-Account-Code : CODE\r\n",
    b"X-Asterisk-Accountcode: CODE\r\nX-accountcode: CODE\r\n",
    b"X-Account-Code:\r\n CODE\r\n",
    # parameters and digits within headers that name earlier numbers
    b"Diversion: <sip:1002;account-code=CODE@pbx>;reason=busy\r\n",
    b"Diversion: <sip:1002@pbx;account-code=CODE>;reason=busy\r\n",
    b"Diversion: <sip:1002@pbx>;account-code=CODE;reason=busy\r\n",
    b'Diversion: <sip:1002@pbx>;account-code="CODE";reason=busy\r\n',
    b'Diversion: <sip:1002@pbx>;account-code="x \\" CODE";reason=busy\r\n',
    b"Diversion: <sip:1002@pbx> ; Account-Code = CODE ; reason=busy\r\n",
    b"Diversion: <sip:1002@pbx>;account-code\t=\t CODE\r\n",
    b"Diversion: <sip:1002@pbx>;reason=busy,<sip:1003@pbx;Account-codE=CODE>\r\n",
    b"Diversion: <sip:1002@pbx;%61ccount%2Dcode=CODE>\r\n",
    b"Diversion: <sip:1002%3Baccount-code%3DCODE@pbx>\r\n",
    b"Diversion: <tel:+1317555;account-code=CODE>\r\n",
    b"Diversion: <sip:*61*CODE#1002@pbx>\r\n",
    b"Diversion: <sip:*61*CODE%231002@pbx>;reason=busy\r\n",
    b"Diversion: <sip:%2a61%2aCODE%231002@pbx>\r\n",
    b"Diversion: <tel:CODE**1002>\r\n",
    b"Diversion: sip:CODE**1002@pbx\r\n",
    b"Diversion: <sip:*61*CODE@pbx>\r\n",
    b"Diversion: <sip:*6-1*CODE%2310-02@pbx>\r\n",
    b"Diversion: <tel:(*61*)CODE>\r\n",
    b"History-Info: <sip:1002@pbx?X-Account-Code=CODE>;index=1\r\n",
    b"History-Info: <sip:1002@pbx?a=b&x-account-code=CODE&X-accountcode=CODE&c=d>;index=1\r\n",
    b"History-Info: <sip:1002@pbx?X-accountcode=CODE&X-accountcode=CODE>;index=1\r\n",
    b"History-Info: <sip:CODE**1002@pbx>;index=1,<sip:*61*CODE%231@pbx;user=phone>;index=1.1\r\n",
    b"Referred-By: <sip:1002@pbx;account-code=CODE>\r\n",
    b"Refer-To: <sip:*61*CODE%231002@pbx>\r\n",
    b"r: <sip:1002@pbx;account-code=CODE>\r\n",
    b"Call-Info: <sip:1002@pbx;account-code=CODE>;purpose=icon\r\n",
    b"b: <sip:1002@pbx;account-code=CODE>\r\n",
    b"Remote-Party-ID: <sip:1002@pbx;account-code=CODE>;party=calling\r\n",
    b"Reply-To: <sip:1002@pbx>;account-code=CODE\r\n",
    b"P-Called-Party-ID: <sip:*61*CODE%231002@pbx>\r\n",
    b"P-Asserted-Identity: <sip:1002@pbx;account-code=CODE>\r\n",
    # any other header that holds a URI
    b"P-Served-User: <sip:1002@pbx;account-code=CODE>\r\n",
    b"X-Original-URI: sip:*61*CODE#1002@pbx\r\n",
    b"X-Original-URI: <tel:1002;account-code=CODE>\r\n",
    # names that are shown
    b'Diversion: "*61*CODE#1002" <sip:1002@pbx>\r\n',
    b"Diversion: <sip:1@pbx>, *61*CODE#1002<sip:1002@pbx>\r\n",
    b'Remote-Party-ID: "CODE**1002" <sip:1002@pbx>;party=called\r\n',
    b'P-Asserted-Identity: "a \\"b\\" *61*CODE#1002"<sip:1002@pbx>\r\n',
]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_code_crosses(form: bytes) -> None:
    data = request(more=form.replace(b"CODE", CODE))
    for trusted in (False, True):
        assert CODE not in cross(data, trusted)
        assert CODE not in invite(data, trusted=trusted)


@pytest.mark.parametrize(
    "fields",
    [
        {"uri": b"sip:9195551234@198.51.100.1;account-code=CODE"},
        {"uri": b"sip:9195551234;account-code=CODE@198.51.100.1"},
        {"uri": b"sip:*61*CODE%239195551234@198.51.100.1"},
        {"uri": b"sip:9195551234@198.51.100.1?X-Account-Code=CODE"},
        {"to": b"<sip:9195551234@198.51.100.1;account-code=CODE>"},
        {"to": b"<sip:*61*CODE%239195551234@198.51.100.1>;account-code=CODE"},
        {"sender": b"<sip:1001@h;account-code=CODE>;tag=a"},
        {"sender": b"<sip:1001@h>;tag=a;account-code=CODE"},
        {"sender": b"<sip:1001;account-code=CODE@h>;tag=a"},
        {"sender": b"<sip:1001%3Baccount-code=CODE@h>;tag=a"},
        {"sender": b"<tel:1001;account-code=CODE>;tag=a"},
        {"sender": b"<sip:*61*CODE%231001@h>;tag=a"},
        {"sender": b"<sip:CODE**1001@h>;tag=a"},
        {"sender": b"<sip:*6-1*CODE%231001@h>;tag=a"},
        {"sender": b"<mailto:1001;account-code=CODE>;tag=a"},
        {"sender": b"<mailto:1001?X-Account-Code=CODE>;tag=a"},
    ],
)
def test_nor_from_the_addresses(fields: dict[str, bytes]) -> None:
    data = request(**{k: v.replace(b"CODE", CODE) for k, v in fields.items()})  # type: ignore[arg-type]
    sent = invite(data)
    assert CODE not in sent
    assert header(sent, b"From") == b"<sip:1001@198.51.100.1>;tag=us"


@pytest.mark.parametrize("name", [b'"*61*CODE#1001"', b'"CODE**1001"', b"*61*CODE"])
def test_nor_from_the_callers_name(name: bytes) -> None:
    sent = invite(request(sender=name.replace(b"CODE", CODE) + b" <sip:1001@h>;tag=a"))
    assert CODE not in sent
    assert (header(sent, b"From") or b"").endswith(b" <sip:1001@198.51.100.1>;tag=us")


def test_what_is_left_of_a_name_is_one_quoted_string() -> None:
    line = b'Diversion: "a \\"b\\" *61*4711815#10\\"02" <sip:1@h>;reason="no\\"ne"'
    crossed = cross(request(more=line + b"\r\n"))
    assert crossed == b'\r\nDiversion: "10\\"02" <sip:1@h>;reason="no\\"ne"\r\n'


def test_names_without_a_code_stay() -> None:
    for line in (
        b'Diversion: "Bell, A." <sip:1@h>, Jo*hn <sip:2@h>',
        b'Remote-Party-ID: "+1 (317) 555-0101"<sip:1@h>',
        b'P-Called-Party-ID: "" <sip:1@h>',
    ):
        assert cross(request(more=line + b"\r\n")) == b"\r\n" + line + b"\r\n"


def test_what_stood_around_the_code_is_kept() -> None:
    for given_value, kept in (
        (b"<sip:1002;account-code=CODE@pbx>;reason=busy", b"<sip:1002@pbx>;reason=busy"),
        (b"<sip:1002@pbx;a=1;account-code=CODE;b=2>", b"<sip:1002@pbx;a=1;b=2>"),
        (b'<sip:1002@pbx>;account-code="CODE";reason=busy', b"<sip:1002@pbx>;reason=busy"),
        (b"<sip:1002@pbx?X-accountcode=CODE&a=b>", b"<sip:1002@pbx?a=b>"),
        (b"<sip:1002@pbx?a=b&X-accountcode=CODE>", b"<sip:1002@pbx?a=b>"),
        (b"<sip:1002@pbx?X-accountcode=CODE>;index=1", b"<sip:1002@pbx>;index=1"),
        (b"<sip:*61*CODE%231002@pbx>;index=1", b"<sip:1002@pbx>;index=1"),
        (b"<sip:1002@pbx>;account-code", b"<sip:1002@pbx>"),
        (b"<sip:1002@pbx>;account-code-x=1", b"<sip:1002@pbx>;account-code-x=1"),
        (b"<sip:1002@pbx>;my-account-code=1", b"<sip:1002@pbx>;my-account-code=1"),
        (b"<sip:1002@pbx?a=%20b>;q=%3b", b"<sip:1002@pbx?a=%20b>;q=%3b"),
    ):
        data = request(more=b"Diversion: " + given_value.replace(b"CODE", CODE) + b"\r\n")
        assert header(cross(data), b"Diversion") == kept


def test_a_trunk_that_is_to_have_the_code_gets_it_under_its_name_and_once() -> None:
    peer = Peer("carrier", "trunk", TRUNK.to, send_code_as="X-Billing")
    data = request(more=b"X-Account-Code: 1\r\nX-accountcode: 2\r\n")
    sent = invite(data, peer=peer, code="0214")
    assert headers(sent, b"X-Billing") == [b"0214"]
    assert b"ccount" not in sent
    assert headers(invite(data, peer=peer), b"X-Billing") == []
    assert b"0214" not in invite(data, code="0214")


# -- no injection


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("9195551234", b"9195551234"),
        ("+1919", b"+1919"),
        ("*61*1#2", b"*61*1%232"),
        ("a\r\nX: y", b"a%0D%0AX:%20y".replace(b":", b"%3A")),
        ("1@evil", b"1%40evil"),
        ("1>;tag=x", b"1%3E%3Btag=x".replace(b"%3Btag", b"%3Btag")),
        ("ä", b"%C3%A4"),
        ("\ud800", b"%3F"),
        ("", b""),
    ],
)
def test_a_dial_string_stays_a_user_part(number: str, written: bytes) -> None:
    assert user_part(number) == written


def test_no_dial_string_still_makes_a_request_uri() -> None:
    data = invite(request(), dial_string="")
    assert data.startswith(b"INVITE sip:192.0.2.9:5070 SIP/2.0\r\n")
    Message.parse(data).check()


LINES = re.compile(rb"[A-Za-z0-9.!%*_+`'~-]+: [^\r\n]*|[A-Z]+ [^ \r\n]+ SIP/2\.0")
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=200)
@given(number=TEXT, display=st.binary(max_size=20), user=st.binary(max_size=20), value=TEXT)
def test_whatever_comes_in_no_line_is_added(
    number: str, display: bytes, user: bytes, value: str
) -> None:
    data = request(
        sender=b'"%b" <sip:%b@h>;tag=a' % (display, user),
        more=b"Subject: %b\r\nDiversion: <sip:%b@h>\r\n" % (value.encode(), value.encode()),
    )
    try:
        message = Message.parse(data)
        message.check()
    except ValueError:
        return
    sent = invite(data, dial_string=number)
    lines = sent.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(LINES.fullmatch(line) for line in lines), sent
    expected = len(invite(request(more=b"Subject: x\r\nDiversion: y\r\n")).split(b"\r\n"))
    # Lines that came in add up; nothing that is no line of its own becomes one.
    assert len(sent.split(b"\r\n")) <= expected + data.count(b"\r\n") - request().count(b"\r\n")


@pytest.mark.parametrize("text", ['no\r\nX-Evil: "y"', "no\nX", 'a"b\\', "a\x0bb\x0cc\x85d", "ü"])
def test_what_a_refused_caller_reads_is_one_line(text: str) -> None:
    decision = Decision(REJECT, status=403, text=text)
    lines = refusal_headers(decision, b"198.51.100.1").split(b"\r\n")
    assert len(lines) == 3
    assert lines[2] == b""
    assert lines[0].startswith(b'Reason: Q.850;cause=21;text="')
    assert lines[1].startswith(b'Warning: 399 198.51.100.1 "')
    assert all(line.count(b'"') == 2 and line.endswith(b'"') for line in lines[:2])
    assert not any(b"\r" in line or b"\n" in line for line in lines)


# -- in bounded time

LONG = 60_000


@pytest.mark.parametrize(
    "line",
    [
        b"Supported: a" + b" " * LONG + b"b",
        b"Allow: " + b", " * (LONG // 2),
        b"Diversion: " + b";" * LONG,
        b"Diversion: " + b"; account-code =" * (LONG // 15),
        b"Diversion: ;account-code=" + b'"' + b"\\" * LONG,
        b"Diversion: " + b"sip:" * (LONG // 4),
        b"Diversion: sip:" + b'"' * LONG,
        b"Diversion: sip:" + b'"' + b'\\"' * (LONG // 2),
        b"Diversion: sip:" + b"a " * (LONG // 2),
        b"Diversion: sip:" + b", " * (LONG // 2),
        b"Diversion: sip:" + b"*61*1" * (LONG // 5),
        b"Diversion: <sip:" + b"%3b" * (LONG // 3) + b"@h>",
        b"History-Info: <sip:a@b?" + b"X-accountcode=1&" * (LONG // 16) + b">",
        b"History-Info: <sip:a@b" + b"?" * LONG + b">",
        b"Reason: " + b"Q.850" * (LONG // 5),
        b"Reason: Q.850" + b"; cause" * (LONG // 7),
        b"Reason: Q.850;" + b" " * LONG,
    ],
    ids=lambda line: line[:24].decode(),
)
def test_no_header_takes_more_than_its_length_in_steps(line: bytes) -> None:
    """Anything that searched again from every byte would take minutes here."""
    from tollbar.b2bua.causes import q850_of

    data = request(more=line + b"\r\n")
    cross(data)
    assert q850_of(Message.parse(response(data, 486, more=line + b"\r\n")), 486) in range(128)

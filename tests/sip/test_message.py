"""Message: splitting, names, values, bodies, bounds, and what check refuses (RFC 3261 7, 8.1.1)."""

from itertools import chain

import pytest

from tollbar.sip.errors import SipError
from tollbar.sip.message import Message, salvage

INVITE = (
    b"INVITE sip:+19195551234@192.0.2.10:5060;transport=udp SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKPj0a1b2c3d4e5f;rport\r\n"
    b"Via: SIP/2.0/TCP 192.0.2.21;branch=z9hG4bKlower\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Alice" <sip:1001@pbx.example.com>;tag=9fxced76sl\r\n'
    b"To: <sip:+19195551234@192.0.2.10>\r\n"
    b"Contact: <sip:1001@192.0.2.20:5060>\r\n"
    b"Call-ID: 3848276298220188511@pbx.example.com\r\n"
    b"CSeq: 22756 INVITE\r\n"
    b"Allow: INVITE, ACK,BYE\r\n"
    b"Supported: Timer, 100rel\r\n"
    b"Supported: replaces\r\n"
    b"X-Account-Code: 4711\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)
RESPONSE = INVITE.replace(INVITE.split(b"\r\n")[0], b"SIP/2.0 180 Ringing now")


def with_line(line: bytes) -> bytes:
    return INVITE.replace(b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\r\n" + line + b"\r\n")


def swapped(old: bytes, new: bytes) -> bytes:
    assert old in INVITE
    return INVITE.replace(old, new, 1)


def refused(data: bytes) -> int:
    with pytest.raises(SipError) as caught:
        Message.parse(data).check()
    return caught.value.status


def test_a_request_is_taken_apart() -> None:
    m = Message.parse(INVITE)
    m.check()
    assert (m.method, m.status) == (b"INVITE", 0)
    assert m.uri == b"sip:+19195551234@192.0.2.10:5060;transport=udp"
    assert m.lines[0][0] == b"Via"
    assert len(m.lines) == 14
    assert m.body == b"v=0\r\n"
    assert (m.cseq, m.cseq_method) == (22756, b"INVITE")
    assert m.call_id == b"3848276298220188511@pbx.example.com"
    assert m.via.branch == b"z9hG4bKPj0a1b2c3d4e5f"
    assert m.from_.tag == b"9fxced76sl"
    assert m.to.tag == b""
    assert m.contact is not None
    assert m.contact.uri == b"sip:1001@192.0.2.20:5060"
    assert m.max_forwards == 70
    assert m.request_uri.number == "+19195551234"


def test_a_response_is_taken_apart() -> None:
    m = Message.parse(RESPONSE)
    m.check()
    assert (m.method, m.uri, m.status, m.reason) == (b"", b"", 180, b"Ringing now")
    assert m.cseq_method == b"INVITE"


def test_values_are_kept_once_parsed() -> None:
    m = Message.parse(INVITE)
    assert m.via is m.via
    assert m.from_ is m.from_
    assert m.request_uri is m.request_uri


def test_first_all_items_and_tokens() -> None:
    m = Message.parse(INVITE)
    assert m.first(b"Supported") == b"Timer, 100rel"
    assert m.first(b"Require") is None
    assert m.all(b"Supported") == [b"Timer, 100rel", b"replaces"]
    assert m.items(b"Supported") == [b"Timer", b"100rel", b"replaces"]
    assert m.tokens(b"Supported") == [b"timer", b"100rel", b"replaces"]
    assert m.tokens(b"Allow") == [b"INVITE", b"ACK", b"BYE"]
    assert m.tokens(b"Require") == []
    assert m.contact is not None


@pytest.mark.parametrize("spelling", [b"f", b"F", b"from", b"FROM", b"fRoM", b"From ", b"From\t"])
def test_names_become_canonical(spelling: bytes) -> None:
    m = Message.parse(swapped(b"From:", spelling + b":"))
    assert m.lines[3][0] == b"From"
    assert m.from_.tag == b"9fxced76sl"


def test_an_unknown_name_stays_as_received() -> None:
    m = Message.parse(with_line(b"x-FaNcY:yes"))
    assert m.first(b"x-FaNcY") == b"yes"


def test_an_empty_value_is_a_value() -> None:
    assert Message.parse(with_line(b"Subject:")).first(b"Subject") == b""
    assert Message.parse(with_line(b"s:   ")).first(b"Subject") == b""


def test_folded_lines_are_joined() -> None:
    m = Message.parse(with_line(b"Subject: one\r\n two\r\n\t three"))
    assert m.first(b"Subject") == b"one two three"
    m = Message.parse(with_line(b"Subject:\r\n  Route: not a header"))
    assert m.first(b"Subject") == b"Route: not a header"
    assert m.first(b"Route") is None


def test_bytes_survive() -> None:
    m = Message.parse(with_line(b"Subject: \xff\x00\x80 ok"))
    assert m.first(b"Subject") == b"\xff\x00\x80 ok"
    body = bytes(range(256))
    m = Message.parse(swapped(b"Content-Length: 5\r\n\r\nv=0\r\n", b"l: 256\r\n\r\n" + body))
    assert m.body == body


@pytest.mark.parametrize("line", [b"Subject: a\nX-Account-Code: 1", b"Subject: a\rb", b"a\n b: c"])
def test_a_bare_line_end_is_refused(line: bytes) -> None:
    assert refused(with_line(line)) == 400


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b"Subject",
        b"Contact",
        b"v",
        b": no name",
        b"two words: x",
        b"a\xff: x",
        b"(x): y",
        b"x,y: z",
    ],
)
def test_a_line_that_is_no_header_is_refused(line: bytes) -> None:
    assert refused(with_line(line)) == 400


def test_a_fold_with_nothing_before_it_is_refused() -> None:
    assert refused(INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n Via", 1)) == 400


def test_the_head_must_end() -> None:
    head = INVITE.partition(b"\r\n\r\n")[0]
    assert refused(head) == 400
    assert refused(head + b"\r\n") == 400


def test_line_ends_before_the_start_line_are_skipped() -> None:
    assert Message.parse(b"\r\n\r\n" + INVITE).method == b"INVITE"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"INVITE sip:a@b.c SIP/3.0", 505),
        (b"INVITE sip:a@b.c SIP/2.1", 505),
        (b"INVITE sip:a@b.c HTTP/1.1", 400),
        (b"INVITE sip:a@b.c", 400),
        (b"INVITE  sip:a@b.c SIP/2.0", 400),
        (b"INVITE sip:a@b.c SIP/2.0 ", 400),
        (b"INVITE <sip:a@b.c> SIP/2.0", 400),
        (b"IN(VITE sip:a@b.c SIP/2.0", 400),
        (b"INVITE sip: SIP/2.0", 400),
        (b"INVITE nonsense SIP/2.0", 400),
        (b"SIP/2.0 20 OK", 400),
        (b"SIP/2.0 0200 OK", 400),
        (b"SIP/2.0 700 OK", 400),
        (b"SIP/2.0 099 OK", 400),
        (b"SIP/2.0 abc OK", 400),
        (b"SIP/9.0 200 OK", 505),
        (b"", 400),
    ],
)
def test_a_bad_start_line_is_refused(line: bytes, status: int) -> None:
    assert refused(INVITE.replace(INVITE.split(b"\r\n")[0], line)) == status


def test_the_version_has_no_case() -> None:
    Message.parse(swapped(b" SIP/2.0\r\n", b" sip/2.0\r\n")).check()
    assert Message.parse(RESPONSE.replace(b"SIP/2.0 180", b"sip/2.0 180")).status == 180


def test_content_length_decides_the_body() -> None:
    assert Message.parse(swapped(b"Length: 5", b"Length: 3")).body == b"v=0"
    assert Message.parse(swapped(b"Length: 5", b"Length: 0")).body == b""
    assert Message.parse(swapped(b"Content-Length: 5\r\n", b"")).body == b"v=0\r\n"
    assert Message.parse(with_line(b"l: 5")).body == b"v=0\r\n"
    assert Message.parse(with_line(b"l: 0005")).body == b"v=0\r\n"


@pytest.mark.parametrize(
    "length", [b"6", b"-1", b"+5", b"5 5", b"0x5", b"", b"five", b"9" * 5000, b"1_0", b"\xb2"]
)
def test_a_bad_content_length_is_refused(length: bytes) -> None:
    assert refused(swapped(b"Length: 5", b"Length: " + length)) == 400


def test_conflicting_content_lengths_are_refused() -> None:
    assert refused(with_line(b"Content-Length: 4")) == 400
    assert refused(with_line(b"l: x")) == 400


def test_bounds() -> None:
    assert refused(INVITE + bytes(65_536 - len(INVITE))) == 513
    Message.parse(INVITE + bytes(65_535 - len(INVITE))).check()
    fill = b"\r\n".join(b"A: b" for _ in range(242))
    Message.parse(with_line(fill)).check()
    assert refused(with_line(fill + b"\r\nA: b")) == 400
    assert refused(with_line(b"Via: SIP/2.0/UDP a;branch=b" + b", SIP/2.0/UDP a" * 62)) == 400
    Message.parse(with_line(b"Via: SIP/2.0/UDP a;branch=b" + b", SIP/2.0/UDP a" * 61)).check()
    assert refused(with_line(b"\r\n".join([b"Route: <sip:a.b;lr>"] * 65))) == 400


@pytest.mark.parametrize(
    "line",
    [
        b"Call-ID: other",
        b"i: 3848276298220188511@pbx.example.com",
        b"CSeq: 22756 INVITE",
        b"From: <sip:a@b.c>;tag=2",
        b"t: <sip:a@b.c>",
        b"Max-Forwards: 70",
    ],
)
def test_a_single_field_twice_is_refused(line: bytes) -> None:
    assert refused(with_line(line)) == 400


@pytest.mark.parametrize("name", [b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_missing_field_is_refused(name: bytes) -> None:
    lines = [line for line in INVITE.split(b"\r\n") if not line.startswith(name + b":")]
    assert refused(b"\r\n".join(lines)) == 400


def test_max_forwards_may_be_missing() -> None:
    m = Message.parse(swapped(b"Max-Forwards: 70\r\n", b""))
    m.check()
    assert m.max_forwards is None


def test_via_must_be_there() -> None:
    lines = [line for line in INVITE.split(b"\r\n") if not line.startswith(b"Via:")]
    assert refused(b"\r\n".join(lines)) == 400


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CSeq: 22756 INVITE", b"CSeq: 22756 BYE"),
        (b"CSeq: 22756 INVITE", b"CSeq: 22756 invite"),
        (b"CSeq: 22756 INVITE", b"CSeq: 2147483648 INVITE"),
        (b"CSeq: 22756 INVITE", b"CSeq: INVITE"),
        (b"CSeq: 22756 INVITE", b"CSeq: 22756 INVITE x"),
        (b"CSeq: 22756 INVITE", b"CSeq: -1 INVITE"),
        (b"Max-Forwards: 70", b"Max-Forwards: 256"),
        (b"Max-Forwards: 70", b"Max-Forwards: many"),
        (b"Max-Forwards: 70", b"Max-Forwards:"),
        (b"Call-ID: 3848276298220188511@pbx.example.com", b"Call-ID: two words"),
        (b"Call-ID: 3848276298220188511@pbx.example.com", b"Call-ID:"),
        (b'"Alice" <sip:1001@pbx.example.com>', b'"Alice <sip:1001@pbx.example.com>'),
        (b'"Alice" <sip:1001@pbx.example.com>', b"<sip:1001@pbx .com>"),
        (b'"Alice" <sip:1001@pbx.example.com>', b"<sip:1001@>"),
        (b"<sip:1001@192.0.2.20:5060>", b"<sip:1001@192.0.2.20:99999>"),
        (b"Via: SIP/2.0/UDP 192.0.2.20:5060", b"Via: SIP/2.0/UDP"),
        (b"Via: SIP/2.0/UDP 192.0.2.20:5060", b"Via: HTTP/2.0/UDP 192.0.2.20"),
    ],
)
def test_a_garbled_field_is_refused(old: bytes, new: bytes) -> None:
    assert refused(swapped(old, new)) == 400


def test_limits_of_numbers_are_allowed() -> None:
    m = Message.parse(
        swapped(b"CSeq: 22756", b"CSeq: 2147483647").replace(b"Max-Forwards: 70", b"max-forwards:0")
    )
    m.check()
    assert (m.cseq, m.max_forwards) == (2147483647, 0)


def test_any_scheme_is_read() -> None:
    for uri in (b"urn:service:sos", b"tel:+1-212-555", b"nobodyKnows:what"):
        Message.parse(
            swapped(b"sip:+19195551234@192.0.2.10:5060;transport=udp SIP", uri + b" SIP")
        ).check()


def test_contact_may_be_a_star_or_missing_or_empty() -> None:
    star = Message.parse(swapped(b"<sip:1001@192.0.2.20:5060>", b"*"))
    star.check()
    assert star.contact is not None
    assert star.contact.uri == b"*"
    assert Message.parse(swapped(b"<sip:1001@192.0.2.20:5060>", b"")).contact is None
    assert Message.parse(swapped(b"Contact: <sip:1001@192.0.2.20:5060>\r\n", b"")).contact is None


def test_the_first_of_several_contacts_counts() -> None:
    m = Message.parse(swapped(b"<sip:1001@192.0.2.20:5060>", b'"a, b" <sip:x@y>;q=1, <sip:z@y>'))
    assert m.contact is not None
    assert m.contact.uri == b"sip:x@y"


def test_the_topmost_via_counts_in_a_comma_list() -> None:
    m = Message.parse(swapped(b";rport\r\nVia:", b";rport,"))
    assert m.via.host == b"192.0.2.20"
    assert len(m.items(b"Via")) == 2


def test_salvage_keeps_what_a_response_copies() -> None:
    found = salvage(swapped(b"Max-Forwards: 70", b"Max-Forwards: 999"))
    assert found is not None
    assert [name for name, _ in found.lines] == [
        b"Via",
        b"Via",
        b"From",
        b"To",
        b"Call-ID",
        b"CSeq",
    ]
    assert found.method == b"INVITE"
    assert found.via.branch == b"z9hG4bKPj0a1b2c3d4e5f"


def test_salvage_takes_an_unfinished_or_oversized_request() -> None:
    assert salvage(INVITE.partition(b"\r\n\r\n")[0]) is not None
    assert salvage(INVITE + bytes(70_000)) is not None


def test_salvage_lets_no_line_end_through() -> None:
    found = salvage(swapped(b"Call-ID: ", b"Call-ID: a\nX-Evil: 1\rY: 2\x00"))
    assert found is not None
    for value in (*chain(*found.lines), found.uri):
        assert not set(value) & set(b"\r\n\x00")


def test_salvage_lets_garbled_and_missing_fields_be_copied() -> None:
    found = salvage(
        swapped(b'"Alice" <', b'"Alice <')
        .replace(b"CSeq: 22756", b"CSeq: 36893488147419103232")
        .replace(b"To: <sip:+19195551234@192.0.2.10>\r\n", b"")
        .replace(b"Call-ID: 3848276298220188511@pbx.example.com\r\n", b"")
    )
    assert found is not None
    assert found.from_.text == b'"Alice <sip:1001@pbx.example.com>;tag=9fxced76sl'
    assert found.from_.tag == b""
    assert (found.to.text, found.call_id) == (b"", b"")
    assert (found.cseq, found.cseq_method) == (36893488147419103232, b"INVITE")
    found = salvage(swapped(b"CSeq: 22756 INVITE", b"CSeq: " + b"9" * 9000 + b" INVITE"))
    assert found is not None
    assert found.cseq == 0
    found = salvage(swapped(b"CSeq: 22756 INVITE", b"CSeq: nothing"))
    assert found is not None
    assert (found.cseq, found.cseq_method) == (0, b"INVITE")


def test_salvage_reads_a_via_with_garbled_parameters() -> None:
    found = salvage(swapped(b";rport\r\n", b";;,;\r\n"))
    assert found is not None
    assert found.via.host == b"192.0.2.20"


@pytest.mark.parametrize(
    "data",
    [
        RESPONSE,
        b"",
        b"\r\n\r\n",
        b"GET",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: rubbish\r\n\r\n",
    ],
)
def test_salvage_gives_up_where_nobody_can_be_answered(data: bytes) -> None:
    assert salvage(data) is None

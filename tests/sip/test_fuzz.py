"""Any bytes give a message or a SipError; a stream cut anyhow gives the same messages."""

from collections.abc import Callable
from functools import partial
from itertools import chain, pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import Address, Via, tag_of
from tollbar.sip.framing import Framer
from tollbar.sip.message import Message, salvage
from tollbar.sip.uri import Uri

INVITE = (
    b"INVITE sip:*61*4711%230123;x=1@[2001:db8::1]:5060;transport=udp?a=b SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKa;rport, SIP / 2.0 / TCP [::1] ; branch = b\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "A \\"l\\", ice" <sip:1001@pbx.example.com>;tag=9\r\n'
    b"To : Bob<tel:+1-919;ext=1>\r\n"
    b"Contact: sip:1001@192.0.2.20;q=0.5\r\n"
    b"Call-ID: 3848@pbx\r\n"
    b"CSeq: 1\r\n INVITE\r\n"
    b"Supported: timer, 100rel,\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)
RESPONSE = INVITE.replace(INVITE.split(b"\r\n")[0], b"SIP/2.0 200 OK")
PIECES = [
    b"\r\n", b"\r", b"\n", b"\r\n ", b" ", b"\t", b"\x00", b"\xff", b'"', b"\\", b"<", b">", b";",
    b",", b":", b"@", b"?", b"=", b"%", b"%00", b"[", b"]", b"SIP/2.0", b"sip:", b"Via: ", b"l: 9",
    b"99999999999", b"-1", b"\r\n\r\n", b"From", b";tag=", b";branch=",
]  # fmt: skip


TOUCHES: list[Callable[[Message], object]] = [
    Message.check,
    lambda m: m.via,
    lambda m: m.from_.parsed,
    lambda m: m.to.parsed,
    lambda m: m.contact,
    lambda m: m.cseq,
    lambda m: m.call_id,
    lambda m: m.max_forwards,
    lambda m: m.request_uri.number,
    lambda m: [m.items(name) for name, _ in m.lines],
    lambda m: [m.tokens(name) for name, _ in m.lines],
]


def answer(read: Callable[[], object]) -> int:
    """0, or the status of the SipError; nothing else may be raised."""
    try:
        read()
    except SipError as error:
        return error.status
    return 0


def sendable(value: bytes) -> bool:
    """Whether ``value`` can stand in a header line without ending it."""
    return not set(b"\r\n\0") & set(value)


def readable(data: bytes) -> None:
    """Touches everything there is in ``data``, read strictly and leniently."""
    found = []
    assert answer(lambda: found.append(Message.parse(data))) in (0, 400, 505, 513)
    lenient = salvage(data)
    if lenient is not None:
        assert lenient.method
        assert lenient.via.host
        _ = lenient.from_, lenient.to, lenient.call_id, lenient.cseq
        assert all(map(sendable, (*chain(*lenient.lines), lenient.uri)))
        found.append(lenient)
    for message in found:
        assert all(sendable(name) for name, _ in message.lines)
        assert not any(b"\r" in value or b"\n" in value for _, value in message.lines)
        for touch in TOUCHES:
            assert answer(partial(touch, message)) in (0, 400)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
@example(b"\r\n\r\n")
@example(b"SIP/2.0")
def test_random_bytes(data: bytes) -> None:
    readable(data)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_random_sip_like_bytes(pieces: list[bytes]) -> None:
    readable(b"INVITE sip:a@b SIP/2.0\r\n" + b"".join(pieces) + b"\r\n\r\n")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([INVITE, RESPONSE]),
    st.lists(
        st.tuples(
            st.integers(0, len(INVITE)),
            st.integers(0, 12),
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_mutated_messages(data: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    for at, drop, put in edits:
        data = data[:at] + put + data[at + drop :]
    readable(data)


def test_the_message_itself_is_fine() -> None:
    for data in (INVITE, RESPONSE):
        Message.parse(data).check()


def test_messages_cut_at_every_length() -> None:
    for data in (INVITE, RESPONSE):
        for end in range(len(data)):
            readable(data[:end])
            readable(data[end:])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=20))
def test_values_read_on_their_own(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    readers: list[Callable[[bytes], object]] = [
        Uri.parse,
        Via,
        Address,
        grammar.params,
        grammar.split_list,
        lambda value: Uri.parse(b"sip:" + value),
        lambda value: Address(b"<" + value + b">"),
        lambda value: Via(b"SIP/2.0/UDP " + value),
    ]
    for read in readers:
        assert answer(partial(read, text)) in (0, 400)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, b"<sip:a@b", b">;tag=", b">", b"x"]), max_size=8))
def test_a_tag_is_that_of_its_address(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    for _ in range(2):
        try:
            tag: bytes | None = Address(text).tag
        except SipError:
            tag = None
        try:
            found: bytes | None = tag_of(text)
        except SipError:
            found = None
        assert found == tag


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, b"sip:a@b", b"x"]), max_size=12))
def test_a_uri_that_was_read_can_be_written_and_read_again(pieces: list[bytes]) -> None:
    try:
        uri = Uri.parse(b"sip:" + b"".join(pieces))
    except SipError:
        return
    again = Uri.parse(uri.as_bytes())
    assert again.as_bytes() == uri.as_bytes()
    assert (again.user, again.host, again.port, again.params) == (
        uri.user,
        uri.host,
        uri.port,
        uri.params,
    )


def framed(chunks: list[bytes]) -> tuple[list[bytes], str]:
    framer = Framer()
    found: list[bytes] = []
    for chunk in chunks:
        try:
            found += framer.feed(chunk)
        except SipError:
            break
    return found, str(framer.broken)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([INVITE, RESPONSE, b"\r\n\r\n", b"\r\n", *PIECES]), max_size=6
    ),
    st.lists(st.integers(0, 2000), max_size=8),
)  # fmt: skip
def test_a_stream_is_framed_alike_however_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    whole = framed([data])
    assert framed([data[at : at + 1] for at in range(len(data))]) == whole
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert framed([data[a:b] for a, b in pairwise(edges)]) == whole

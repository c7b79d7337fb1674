"""Streams cut into messages (RFC 3261 18.3, RFC 5626 4.4.1)."""

import pytest

from tollbar.sip.errors import SipError
from tollbar.sip.framing import PING, Framer
from tollbar.sip.message import MOST_BYTES

OPTIONS = b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP b\r\nContent-Length: 0\r\n\r\n"
INVITE = b"INVITE sip:a SIP/2.0\r\nl : 9\r\nSubject: x\r\n\r\nbody\r\n\r\nx"


def by_byte(data: bytes) -> tuple[list[bytes], str]:
    framer = Framer()
    found: list[bytes] = []
    for at in range(len(data)):
        try:
            found += framer.feed(data[at : at + 1])
        except SipError as error:
            return found, str(error)
    return found, ""


def whole(data: bytes) -> tuple[list[bytes], str]:
    framer = Framer()
    try:
        found = framer.feed(data)
    except SipError as error:
        return [], str(error)
    return found, str(framer.broken or "")


@pytest.mark.parametrize("feed", [whole, by_byte])
def test_messages_are_cut_where_they_end(feed: object) -> None:
    assert callable(feed)
    assert feed(OPTIONS + INVITE + OPTIONS) == ([OPTIONS, INVITE, OPTIONS], "")


@pytest.mark.parametrize("feed", [whole, by_byte])
def test_pings_stand_for_themselves_and_pongs_vanish(feed: object) -> None:
    assert callable(feed)
    assert feed(PING + OPTIONS + b"\r\n" + INVITE + PING + PING) == (
        [PING, OPTIONS, INVITE, PING, PING],
        "",
    )


def test_an_unfinished_message_waits() -> None:
    framer = Framer()
    assert framer.feed(INVITE[:-1]) == []
    assert framer.feed(INVITE[-1:] + OPTIONS[:10]) == [INVITE]
    assert framer.feed(OPTIONS[10:]) == [OPTIONS]


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 4",
        b"CONTENT-LENGTH:4",
        b"l: 4",
        b"L\t:\t4",
        b"Content-Length:\r\n  4",
        b"l: 004\r\nContent-Length: 4",
    ],
)
def test_every_spelling_of_content_length(line: bytes) -> None:
    message = b"A b SIP/2.0\r\n" + line + b"\r\n\r\nbody"
    assert whole(message + OPTIONS) == ([message, OPTIONS], "")


@pytest.mark.parametrize(
    "line",
    [b"X: 1", b"l: -1", b"l: x", b"l:", b"l: 3\r\nl: 4", b"l: 70000", b"Subject: a\r\n l: 0"],
)
def test_without_a_usable_length_the_stream_is_broken(line: bytes) -> None:
    framer = Framer()
    with pytest.raises(SipError):
        framer.feed(b"A b SIP/2.0\r\n" + line + b"\r\n\r\n")
    assert framer.broken is not None


def test_what_came_before_the_break_is_not_lost() -> None:
    framer = Framer()
    assert framer.feed(OPTIONS + b"junk\r\n\r\n") == [OPTIONS]
    assert framer.broken is not None
    with pytest.raises(SipError):
        framer.feed(b"")
    with pytest.raises(SipError):
        framer.feed(OPTIONS)


def test_a_head_without_end_is_bounded() -> None:
    framer = Framer()
    assert framer.feed(b"x" * MOST_BYTES) == []
    with pytest.raises(SipError) as caught:
        framer.feed(b"x")
    assert caught.value.status == 513


def test_a_message_is_bounded() -> None:
    head = b"A b SIP/2.0\r\nl: %d\r\n\r\n"
    room = MOST_BYTES - len(head % MOST_BYTES)
    assert len(whole(head % room + bytes(room))[0]) == 1
    assert whole(head % (room + 1) + bytes(room + 1)) == ([], "513 Message Too Large")


def test_header_lines_are_bounded() -> None:
    lines = b"A: b\r\n" * 255
    assert len(whole(b"A b SIP/2.0\r\nl: 0\r\n" + lines + b"\r\n")[0]) == 1
    assert whole(b"A b SIP/2.0\r\nl: 0\r\nA: b\r\n" + lines + b"\r\n")[0] == []


def test_a_lone_carriage_return_breaks_the_stream() -> None:
    assert whole(b"\rINVITE")[1] == "400 Bad Line End"
    assert by_byte(b"\rINVITE")[1] == "400 Bad Line End"


def test_a_broken_stream_keeps_nothing() -> None:
    framer = Framer()
    with pytest.raises(SipError):
        framer.feed(b"junk\r\n\r\n" + b"x" * 1000)
    with pytest.raises(SipError):
        framer.feed(b"x" * 1000)
    assert len(framer._buffer) == 0

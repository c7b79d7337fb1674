"""What is remembered of header values: made once, bounded, and never an error."""

import pytest

from tollbar.sip.errors import SipError
from tollbar.sip.fields import Address, Via, uris
from tollbar.sip.memo import LONGEST, MOST, Memo


def test_a_value_is_made_once() -> None:
    made: list[bytes] = []

    def make(key: bytes) -> int:
        made.append(key)
        return len(key)

    memo = Memo(make)
    assert [memo[b"abc"], memo[b"abc"], memo[b"x"]] == [3, 3, 1]
    assert made == [b"abc", b"x"]


def test_it_never_holds_more_than_it_says() -> None:
    memo = Memo(len)
    for number in range(2 * MOST + 7):
        assert memo[b"%d" % number] == len(b"%d" % number)
        assert len(memo) <= MOST


def test_what_is_long_is_made_each_time() -> None:
    memo = Memo(len)
    assert memo[b"x" * (LONGEST + 1)] == LONGEST + 1
    assert not memo


def test_an_error_is_one_each_time() -> None:
    for _ in range(2):
        with pytest.raises(SipError):
            _ = uris[b"sip:"]
    assert b"sip:" not in uris


def test_two_requests_of_one_peer_keep_their_own_branch_and_tag() -> None:
    vias = [Via(b"SIP/2.0/UDP pbx:5060;rport;branch=z9hG4bK%d;x=1" % n) for n in (1, 2)]
    assert [via.branch for via in vias] == [b"z9hG4bK1", b"z9hG4bK2"]
    assert all(via.params == {b"rport": b"", b"x": b"1"} for via in vias)
    senders = [Address(b'"A" <sip:1001@pbx>;tag=%d' % n) for n in (1, 2)]
    assert [(sender.display, sender.uri, sender.tag) for sender in senders] == [
        (b"A", b"sip:1001@pbx", b"1"),
        (b"A", b"sip:1001@pbx", b"2"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"SIP/2.0/UDP h;branch=a;branch=b",
        b"SIP/2.0/UDP h;branch=a;BRANCH=b",
        b'SIP/2.0/UDP h;x=";branch=a',
        b"SIP/2.0/UDP h;branch=a b",
        b"SIP/2.0/UDP h;branch=a;;x",
    ],
)
def test_a_branch_does_not_hide_what_is_broken(text: bytes) -> None:
    for _ in range(2):
        with pytest.raises(SipError):
            Via(text)


def test_a_branch_within_quotes_is_none() -> None:
    for _ in range(2):
        via = Via(b'SIP/2.0/UDP h;x="a;branch=b;y";rport;branch=c')
        assert (via.branch, via.params) == (b"c", {b"x": b'"a;branch=b;y"', b"rport": b""})
        via = Via(b'SIP/2.0/UDP h;x="a;branch=b;y"')
        assert (via.branch, via.params) == (b"", {b"x": b'"a;branch=b;y"'})

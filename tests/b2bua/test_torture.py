"""Every torture message of RFC 4475 and RFC 5118 through a whole gateway, from a known peer.

The table says what each is answered; whatever it is, nothing of it stays behind.
"""

import pytest
from tests.b2bua.wire import Wire
from tests.sip import torture
from tests.sip.wire import header, headers, start

from tollbar.b2bua.facts import Attempted
from tollbar.sip.flow import Flow
from tollbar.sip.message import Message, salvage

KNOWN = Flow("udp", "udp", "127.0.0.1", 5080)
UNKNOWN = Flow("udp", "udp", "203.0.113.9", 5080)
ONWARD = ("100", "INVITE", "MESSAGE")


def said(wire: Wire) -> list[bytes]:
    return [data for _, _, data in wire.sent]


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_a_known_peer_gets_the_expected_answer(name: str) -> None:
    expected = torture.EXPECTED[name].engine
    data = torture.read(name)
    wire = Wire()
    wire.send(data, KNOWN)
    wire.settle()
    attempts = [fact for fact in wire.facts if isinstance(fact, Attempted)]
    if expected == torture.SILENCE:
        assert said(wire) == []
    elif expected == torture.ONWARD:
        # 100 to the caller, and an INVITE of ours to the far end; or a MESSAGE.
        onward = ["MESSAGE"] if data.startswith(b"MESSAGE ") else ["100", "INVITE"]
        assert [start(sent) for sent in said(wire)] == onward
        ours = Message.parse(said(wire)[-1])
        ours.check()
        assert ours.body == Message.parse(data).body
        assert len(attempts) == 1
    else:
        answers = [sent for sent in said(wire) if start(sent) != "100"]
        assert [start(sent) for sent in answers] == [str(expected)]
        (answer,) = answers
        # 8.2.6.2: what a response repeats, as far as it could be read.
        read = torture.EXPECTED[name].message == 0
        source = Message.parse(data) if read else salvage(data)
        assert source is not None
        assert header(answer, b"From") == source.from_.text
        assert header(answer, b"Call-ID") == source.call_id
        assert header(answer, b"CSeq") == b"%d %b" % (source.cseq, source.cseq_method)
        assert header(answer, b"To").startswith(source.to.text)
        assert len(headers(answer, b"Via")) == len(source.all(b"Via"))
        Message.parse(answer)
    assert (len(attempts) == 1) == (expected == torture.ONWARD)
    wire.wind_down()
    wire.assert_empty()


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_a_stranger_gets_silence(name: str) -> None:
    wire = Wire()
    wire.send(torture.read(name), UNKNOWN)
    wire.settle()
    assert said(wire) == []
    assert not any(fact.call for fact in wire.facts)
    wire.assert_empty()


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_a_repeat_gets_the_same_again(name: str) -> None:
    """By the transaction, or the same bytes made anew: never a second call."""
    wire = Wire()
    data = torture.read(name)
    wire.send(data, KNOWN)
    wire.settle()
    first = [sent for sent in said(wire) if start(sent) not in ONWARD]
    wire.sent.clear()
    wire.send(data, KNOWN)
    wire.settle()
    again = [sent for sent in said(wire) if start(sent) not in ONWARD]
    assert again == first
    assert not {"INVITE", "MESSAGE"} & {start(sent) for sent in said(wire)}
    assert sum(isinstance(fact, Attempted) for fact in wire.facts) <= 1

"""Any bytes at all: an answer or silence, never an exception, and nothing grows.

The run is seeded and prints what it did. Known and unknown peers, out of dialogs and within
calls that are up, with a disk that is now and then late or broken.
"""

import gc
import random
from collections import Counter

import pytest
from tests.b2bua.hostile import Spoiler, shot
from tests.b2bua.wire import Wire
from tests.sip.wire import header, headers, response, start

from tollbar.b2bua import gate, steps
from tollbar.b2bua import leg as legs
from tollbar.b2bua.call import Call
from tollbar.b2bua.chat import Chat, Passing
from tollbar.b2bua.engine import Engine
from tollbar.b2bua.facts import Noticed
from tollbar.sip import stack as stacks
from tollbar.sip.dialog import Dialog
from tollbar.sip.flow import TLS, Flow, Hop
from tollbar.sip.message import Message
from tollbar.sip.transaction import Transaction

MESSAGES = 100_000
CODE = b"47110815"
A = Flow("udp", "udp", "127.0.0.1", 5080)
A_TCP = Flow("tcp", "tcp", "127.0.0.1", 41_000)
B = Flow("udp", "udp", "127.0.0.1", 5070)
UNKNOWN = Flow("udp", "udp", "203.0.113.66", 5080)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\n"
)


def sip(
    method: bytes,
    number: int,
    branch: bytes,
    *,
    to: bytes = b"<sip:3175551234@127.0.0.1>",
    sender: bytes = b"",
    call_id: bytes = b"",
    cseq: int = 1,
    more: bytes = b"",
    body: bytes = b"",
) -> bytes:
    return (
        b"%b sip:3175551234@127.0.0.1:5060 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK%d%b;rport\r\nFrom: %b\r\nTo: %b\r\n"
        b"Call-ID: %b\r\nCSeq: %d %b\r\nContact: <sip:1001@127.0.0.1:5080>\r\n"
        b"Max-Forwards: 70\r\n%bContent-Length: %d\r\n\r\n%b"
    ) % (
        method,
        number,
        branch,
        sender or b'"Alice" <sip:1001@127.0.0.1>;tag=t%d' % number,
        to,
        call_id or b"c%d@127.0.0.1" % number,
        cseq,
        method,
        more,
        len(body),
        body,
    )


def invite(number: int, more: bytes = b"") -> bytes:
    more += (
        b"Supported: 100rel, timer\r\nAllow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\r\n"
        b"X-Account-Code: 4711\r\nDiversion: <sip:1002@127.0.0.1>;reason=busy\r\n"
        b"P-Asserted-Identity: <sip:1001@127.0.0.1>\r\nContent-Type: application/sdp\r\n"
    )
    return sip(b"INVITE", number, b"i", more=more, body=SDP)


class Field:
    """An engine under fire. Everything it sends is read again; tables are watched."""

    def __init__(self, seed: int, **settings: object) -> None:
        wire = Wire()
        self.settings = {"max_call": 120.0, "max_calls": 400, **settings}
        wire.settings = self.settings
        self.engine: Engine = wire.build()
        self.now = 100.0
        self.hop: Hop = B
        self.die = random.Random(seed)
        self.unrest = False  # connections die, operators hang up, rules change
        self.steady = True  # the disk takes everything at once
        self.unwritten = 0
        self.given = 0
        self.words: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()

    def give(self, data: bytes, flow: Flow) -> list[bytes]:
        """A message from the network; what was sent in answer."""
        self.given += 1
        if self.given % 50 == 0:
            self.wait(0.25)
        self.engine.receive(data, flow, self.now)
        said = self.settle()
        if self.unrest and self.die.random() < 0.02:
            self.upset(flow)
        return said

    def upset(self, flow: Flow) -> None:
        """Something that no message does."""
        engine, die = self.engine, self.die
        what = die.randrange(4)
        if what == 0:
            engine.lost(die.choice((flow, self.hop)), OSError("reset"), self.now)
        elif what == 1 and (live := engine.live()):
            engine.hangup(die.choice(live).id, "operator", self.now)
        elif what == 2:
            wire = Wire()
            wire.settings = {**self.settings, "max_call": die.choice((60.0, 120.0))}
            engine.swap(engine.snapshot, wire.build().rules)
        self.settle()

    def settle(self) -> list[bytes]:
        said: list[tuple[Hop, bytes]] = []
        engine = self.engine
        for _ in range(5):
            said += engine.take_outbox()
            for fact in engine.take_facts():
                self.unwritten = fact.number
                self.facts[type(fact).__name__] += 1
            if not self.unwritten:
                break
            if self.steady or self.die.random() < 0.6:
                engine.committed(self.unwritten, self.now)
                self.unwritten = 0
            elif self.die.random() < 0.05:
                engine.not_committed(self.unwritten, OSError("full"), self.now)
            else:
                break
        said += engine.take_outbox()
        for name, size in self.sizes().items():
            self.peak[name] = max(self.peak[name], size)
        for self.hop, data in said:
            self.words[start(data)] += 1
            if len(data) > 4:
                Message.parse(data)
        return [data for _, data in said]

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.engine.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.engine.expire(self.now)
            self.settle()
        self.now = end

    def sizes(self) -> dict[str, int]:
        engine, stack = self.engine, self.engine.stack
        return {
            "calls": len(engine.calls),
            "open": len(engine.open),
            "chats": len(engine.chats.open) + len(engine.chats.ways),
            "dialogs": len(engine.dialogs),
            "servers": len(stack.servers),
            "clients": len(stack.clients),
            "merging": len(stack.merging),
            "held": len(engine.steps),
            "bytes": stack.held,
            "timers": len(engine.timers),
        }

    def assert_empties(self) -> None:
        """After the longest timer nothing is left, in the tables or beside them."""
        self.steady = True
        self.engine.committed(self.engine.fact_number, self.now)
        for _ in range(12):
            self.wait(60.0)
        assert not any(self.sizes().values()), self.sizes()
        assert self.facts["Attempted"] == self.facts["Ended"] == self.facts["Closed"]
        gc.collect()
        left = Counter(
            type(found).__name__
            for found in gc.get_objects()
            if isinstance(found, Call | Chat | Passing | Dialog | Transaction)
        )
        assert not left, left

    def play(self, number: int, spoiler: Spoiler, spoilt: int) -> None:
        """One call through many of its states, spoilt copies of its messages all around it."""
        die = self.die

        def step(data: bytes, flow: Flow, word: str = "") -> bytes:
            """Give the message and its spoilt copies; the answer that starts with ``word``."""
            before = die.randrange(spoilt + 1) if data.startswith(b"SIP/2.0") else 0
            for _ in range(before):
                self.give(spoiler.spoil(data), flow)
            said = self.give(data, flow)
            for _ in range(spoilt - before):
                said += self.give(spoiler.spoil(data), die.choice((flow, flow, flow, UNKNOWN)))
            return next((sent for sent in said if start(sent) == word), b"")

        def within(method: bytes, cseq: int, answer: bytes, body: bytes = b"") -> bytes:
            """A request inside the caller's dialog."""
            return sip(
                method, number, b"%b%d" % (method, cseq), to=header(answer, b"To"), cseq=cseq,
                body=body,
            )  # fmt: skip

        def from_far(method: bytes, ours: bytes, answer: bytes, cseq: int) -> bytes:
            """A request inside the callee's dialog."""
            return sip(
                method, number, b"f%d" % cseq, to=header(ours, b"From"),
                sender=header(answer, b"To"), call_id=header(ours, b"Call-ID"), cseq=cseq,
                body=SDP if method == b"INVITE" else b"",
            )  # fmt: skip

        ours = step(invite(number), die.choice((A, A, A_TCP)), "INVITE")
        if not ours:
            return
        reliable = b"Require: 100rel\r\nRSeq: 5\r\nContent-Type: application/sdp\r\n"
        step(response(ours, 100, contact=b""), B)
        early = step(response(ours, 183, tag=b"b1", more=reliable, body=SDP), B, "183")
        if early and headers(early, b"RSeq"):
            rack = b"RAck: %b 1 INVITE\r\n" % header(early, b"RSeq")
            prack = within(b"PRACK", 2, early).replace(b"Max-F", rack + b"Max-F", 1)
            crossed = step(prack, A, "PRACK")
            if crossed:
                step(response(crossed, 200), B)
        step(response(ours, 180, tag=b"b2"), B)
        ending = die.random()
        if ending < 0.1:
            cancel = step(sip(b"CANCEL", number, b"i"), A, "CANCEL")
            if cancel:
                step(response(cancel, 200), B)
            step(response(ours, 487, tag=b"b1"), B)
            return
        if ending < 0.2:
            step(response(ours, die.choice((302, 401, 404, 486, 503, 603)), tag=b"b1"), B)
            return
        callee = response(ours, 200, tag=b"b1", more=b"Content-Type: application/sdp\r\n", body=SDP)
        answer = step(callee, B, "200")
        if not answer:
            return
        step(within(b"ACK", 1, answer), A)
        step(callee, B)
        again = step(within(b"INVITE", 3, answer, SDP), A, "INVITE")
        if again:
            step(response(again, 200, tag=b"b1", body=SDP), B)
            step(within(b"ACK", 3, answer), A)
        info = step(within(b"INFO", 4, answer, b"Signal=5\r\n"), A, "INFO")
        if info:
            step(response(info, 200, tag=b"b1"), B)
        step(within(b"UPDATE", 5, answer), A)
        back = step(from_far(b"INVITE", ours, callee, 1), B, "INVITE")
        if back:
            step(response(back, 200, tag=b"x", body=SDP), A)
            step(from_far(b"ACK", ours, callee, 1), B)
        step(from_far(b"OPTIONS", ours, callee, 2), B)
        if die.random() < 0.5:
            bye = step(within(b"BYE", 6, answer), A, "BYE")
            flow = B
        else:
            bye = step(from_far(b"BYE", ours, callee, 3), B, "BYE")
            flow = A
        if bye:
            step(response(bye, 200), flow)


@pytest.mark.parametrize("flow", [A, A_TCP, B, UNKNOWN], ids=["pbx", "stream", "trunk", "unknown"])
def test_random_bytes(flow: Flow) -> None:
    field = Field(1)
    die = random.Random(2)
    for length in [*range(1500), 4000, 65_535, 70_000]:
        data = die.randbytes(length)
        field.give(data, flow)
        field.give(b"INVITE sip:1@2 SIP/2.0\r\n" + data, flow)
        field.give(b"SIP/2.0 200 OK\r\n" + data, flow)
    assert not field.words
    field.assert_empties()


@pytest.mark.parametrize("flow", [A, UNKNOWN], ids=["known", "unknown"])
def test_an_invite_cut_at_every_length(flow: Flow) -> None:
    field = Field(1)
    whole = invite(1)
    for length in range(len(whole)):
        said = field.give(whole[:length], flow)
        assert [start(data) for data in said] in ([], ["400"])
    if flow is A:
        assert set(field.words) == {"400"}
        assert [start(data) for data in field.give(whole, flow)] == ["100", "INVITE"]
    else:
        assert not field.words
        assert field.give(whole, flow) == []
    field.assert_empties()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds small enough to be reached."""
    monkeypatch.setattr(stacks, "MOST_SERVERS", 2000)
    monkeypatch.setattr(stacks, "MOST_HELD", 4_000_000)
    monkeypatch.setattr(steps, "MOST_WAITING", 300)
    monkeypatch.setattr(gate, "EMERGENCY_ROOM", 20)


def spoilt_calls(seed: int, messages: int, steady: bool) -> Field:
    field = Field(seed)
    field.steady = steady
    spoiler = Spoiler(seed)
    number = 0
    while field.given < messages:
        number += 1
        field.play(number, spoiler, 8)
    return field


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("seed", "steady"), [(1, True), (2, False)], ids=["good disk", "poor disk"]
)
def test_spoilt_messages_around_calls_that_are_up(seed: int, steady: bool) -> None:
    field = spoilt_calls(seed, MESSAGES // 2, steady)
    shot.append(f"{field.given} spoilt messages, seed {seed}, peak {dict(field.peak)}")
    # The good ones among them got through, so what was spoilt was spoilt in every state.
    for word in ("100", "183", "200", "400", "481", "482", "487", "INVITE", "ACK", "BYE", "PRACK"):
        assert field.words[word] > 20, word
    assert field.facts["Answered"] > 50
    peak = field.peak
    assert peak["servers"] <= 2500
    assert peak["merging"] <= 2000
    assert peak["bytes"] <= 4_000_000
    assert peak["held"] <= 300
    assert peak["open"] <= 400 + 20
    assert peak["calls"] <= peak["open"] + peak["servers"] + peak["clients"]
    assert peak["dialogs"] <= peak["calls"] * (3 * legs.MOST_FORKS + 1)
    field.assert_empties()


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("steady", [True, False], ids=["good disk", "poor disk"])
def test_spoilt_messages_while_connections_die_and_operators_hang_up(steady: bool) -> None:
    field = Field(4)
    field.steady = steady
    field.unrest = True
    spoiler = Spoiler(4)
    number = 0
    while field.given < 10_000:
        number += 1
        field.play(number, spoiler, 8)
    assert field.facts["Answered"] > 50
    field.assert_empties()


@pytest.mark.usefixtures("narrow")
def test_spoilt_messages_of_strangers() -> None:
    """Nothing is said to them and nothing kept, also while calls of others are up."""
    field = Field(3)
    spoiler = Spoiler(3)
    templates = [
        invite(1),
        sip(b"OPTIONS", 2, b"o"),
        sip(b"BYE", 3, b"b", to=b"<sip:1@2>;tag=x"),
        sip(b"CANCEL", 1, b"i"),
        sip(b"REGISTER", 4, b"r"),
        response(invite(5), 200),
    ]
    (_, ours) = field.give(invite(9), A)
    field.give(response(ours, 180), B)
    words = field.words.copy()
    sizes = field.sizes()
    for number in range(20_000):
        data = spoiler.spoil(templates[number % len(templates)])
        field.engine.receive(data, UNKNOWN, field.now)
        assert field.settle() == []
    assert field.words == words
    assert field.sizes() == sizes
    assert field.facts["Attempted"] == 1
    field.assert_empties()


# -- the bounds, one by one


def test_a_stranger_is_counted_and_nothing_of_it_is_kept() -> None:
    field = Field(4)
    for number in range(300):
        field.engine.receive(invite(number), UNKNOWN, field.now)
        (fact,) = field.engine.take_facts()
        assert isinstance(fact, Noticed)
        assert (fact.kind, fact.call, fact.peer) == ("unknown_source", "", "")
        assert (fact.now, fact.utc) == (field.now, field.now + field.engine.utc_offset)
        assert fact.kept == b""
        assert not fact.durable
    assert field.engine.take_outbox() == []
    assert not any(field.sizes().values())


def test_the_notice_of_a_stranger_says_what_its_certificate_proves() -> None:
    """The name an administrator may want among a peer's `certificates`."""
    field = Field(4)
    names = ("pbx.example.com", "example.com")
    flow = Flow("tls", TLS, "2001:db8::66", 5061, names=names)
    field.engine.receive(invite(1), flow, field.now)
    (fact,) = field.engine.take_facts()
    assert isinstance(fact, Noticed)
    assert fact.detail == "tls [2001:db8::66]:5061 pbx.example.com example.com"


def test_where_strangers_are_refused_nothing_is_kept_either() -> None:
    field = Field(4, refuse_unknown=True)
    for number in range(100):
        assert [start(data) for data in field.give(invite(number), UNKNOWN)] == ["403"]
    assert not any(field.sizes().values())
    assert field.facts["Attempted"] == 0


def test_calls_have_a_bound_and_emergencies_a_little_room_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "EMERGENCY_ROOM", 3)
    field = Field(5, max_calls=10)
    words = []
    for number in range(15):
        words += [start(data) for data in field.give(invite(number), A)]
    assert words.count("INVITE") == 10
    assert words.count("503") == 5
    field.assert_empties()
    field = Field(5, max_calls=10)
    placed = refused = 0
    for number in range(30):
        urgent = invite(number).replace(b"3175551234", b"911")
        said = [start(data) for data in field.give(urgent, A)]
        placed += "INVITE" in said
        refused += "503" in said
    assert (placed, refused) == (13, 17)
    field.assert_empties()


def test_forks_have_a_bound_also_where_each_of_them_answers() -> None:
    field = Field(6)
    (_, ours) = field.give(invite(1), A)
    for number in range(100):
        field.give(response(ours, 180, tag=b"e%d" % number), B)
    assert len(field.engine.dialogs) <= 2 * legs.MOST_FORKS
    for number in range(500):
        field.give(response(ours, 200, tag=b"a%d" % number), B)
    # Every fork of the callee's; of the caller's those it has heard of.
    assert len(field.engine.dialogs) <= 3 * legs.MOST_FORKS + 1
    assert len(field.engine.stack.clients) <= 2 * legs.MOST_FORKS + 1
    field.assert_empties()


def test_byes_without_end_while_the_disk_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_WAITING", 50)
    field = Field(7)
    (_, ours) = field.give(invite(1), A)
    said = field.give(response(ours, 200, body=SDP), B)
    answer = next(data for data in said if start(data) == "200")
    to = header(answer, b"To")
    field.give(sip(b"ACK", 1, b"a", to=to), A)
    for cseq in range(2, 400):
        field.engine.receive(sip(b"BYE", 1, b"b%d" % cseq, to=to, cseq=cseq), A, field.now)
    assert len(field.engine.steps) <= 50
    field.wait(3600)
    assert len(field.engine.stack.servers) == 0
    field.assert_empties()


def test_a_cancel_of_a_reinvite_that_never_crossed_leaves_the_call_alone() -> None:
    field = Field(12)
    (_, ours) = field.give(invite(1), A)
    (ringing,) = field.give(response(ours, 180), B)
    again = sip(b"INVITE", 1, b"again", to=header(ringing, b"To"), cseq=2, body=SDP)
    assert [start(data) for data in field.give(again, A)] == ["500"]
    cancel = sip(b"CANCEL", 1, b"again", to=header(ringing, b"To"), cseq=2)
    assert [start(data) for data in field.give(cancel, A)] == ["200"]
    assert [start(data) for data in field.give(sip(b"CANCEL", 1, b"i"), A)] == [
        "200", "CANCEL", "487",
    ]  # fmt: skip
    field.give(response(ours, 487), B)
    field.assert_empties()


def test_a_response_counts_under_its_status_or_none() -> None:
    field = Field(8)
    die = random.Random(8)
    for _ in range(3000):
        field.engine.receive(b"SIP/2.0 " + die.randbytes(3) + b" x\r\n\r\n", UNKNOWN, field.now)
    assert len(field.engine.stack.received) <= 1001


@pytest.mark.parametrize("lines", [200, 256, 300])
def test_header_count(lines: int) -> None:
    """What is read at all is relayed, cancelled and acknowledged all the same."""
    field = Field(9)
    room = lines - invite(1).partition(b"\r\n\r\n")[0].count(b"\r\n")
    said = field.give(invite(1, b"X: y\r\n" * room), A)
    if lines > 256:
        assert [start(data) for data in said] == ["400"]
        return
    assert [start(data) for data in said] == ["100", "INVITE"]
    field.give(response(said[1], 180), B)
    (_, _, cancel) = sorted(field.give(sip(b"CANCEL", 1, b"i"), A), key=start)
    assert start(cancel) == "CANCEL"
    assert [start(d) for d in field.give(response(said[1], 487, tag=b"x"), B)] == ["ACK"]
    field.assert_empties()


def test_message_size() -> None:
    field = Field(10)
    for size, words in ((65_500, ["100", "INVITE"]), (65_536, ["513"])):
        plain = invite(size).replace(b"Content-Length: %d" % len(SDP), b"Content-Length: %05d")
        filler = size - len(plain % 0)
        data = plain % (len(SDP) + filler) + b"x" * filler
        assert len(data) == size
        assert [start(sent) for sent in field.give(data, A_TCP)] == words
    field.assert_empties()


def test_the_code_is_nowhere_in_what_the_trunk_got() -> None:
    """Spoilt as it may be: what reads as a code is taken out before anything is sent on."""
    field = Field(11)
    spoiler = Spoiler(11)
    leaked: list[tuple[bytes, bytes]] = []
    for number in range(3000):
        data = invite(number).replace(b": 4711\r\n", b": %b\r\n" % CODE)
        data = spoiler.value(data) if number % 2 else spoiler.header(data)
        # A body is the far end's business, and so is what a spoilt header pushed into it.
        heads = [sent.partition(b"\r\n\r\n")[0] for sent in field.give(data, A)]
        leaked += [(data, head) for head in heads if start(head) == "INVITE" and CODE in head]
    assert not leaked, leaked[0]
    assert field.words["INVITE"] > 1000
    field.assert_empties()

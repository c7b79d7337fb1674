"""Messages as peers write them, and a stack with a core that only takes notes."""

import re
from collections.abc import Iterable

from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.message import Message
from tollbar.sip.stack import Listener, Stack
from tollbar.sip.timers import Timers
from tollbar.sip.transaction import InviteServer, Server, Transaction

PEER = Flow("udp", "udp", "192.0.2.7", 5060)
NATTED = Flow("udp", "udp", "192.0.2.7", 40001)
TCP_PEER = Flow("tcp", "tcp", "192.0.2.7", 41000)
TLS_PEER = Flow("tls", "tls", "192.0.2.7", 42000)
LISTENERS = (
    Listener("udp", "udp", "198.51.100.1", 5060, sibling="tcp"),
    Listener("tcp", "tcp", "198.51.100.1", 5060),
    Listener("tls", "tls", "198.51.100.1", 5061),
)
VIA = b"SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKone"


def request(
    method: bytes = b"INVITE",
    *,
    via: bytes | Iterable[bytes] = VIA,
    uri: bytes = b"sip:9195551234@198.51.100.1",
    sender: bytes = b"<sip:1001@192.0.2.7>;tag=phone",
    to: bytes = b"<sip:9195551234@198.51.100.1>",
    call_id: bytes = b"call-1@192.0.2.7",
    cseq: int = 1,
    cseq_method: bytes = b"",
    more: bytes = b"",
    body: bytes = b"",
) -> bytes:
    """A request; ``more`` are whole header lines."""
    vias = [via] if isinstance(via, bytes) else via
    contact = b"Contact: <sip:1001@192.0.2.7>\r\n" if method in (b"INVITE", b"UPDATE") else b""
    return (
        b"%b %b SIP/2.0\r\n%bFrom: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n"
        b"Max-Forwards: 70\r\n%b%bContent-Length: %d\r\n\r\n%b"
    ) % (
        method,
        uri,
        b"".join(b"Via: %b\r\n" % value for value in vias),
        sender,
        to,
        call_id,
        cseq,
        cseq_method or method,
        contact,
        more,
        len(body),
        body,
    )


def header(data: bytes, name: bytes) -> bytes:
    """The first value of that name; fails the test where there is none."""
    found = re.search(rb"\r\n%b: *([^\r\n]*)\r\n" % re.escape(name), data, re.IGNORECASE)
    assert found is not None, f"no {name!r} in {data!r}"
    return found[1]


def headers(data: bytes, name: bytes) -> list[bytes]:
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n"
    return re.findall(rb"\r\n%b: *([^\r\n]*)(?=\r\n)" % re.escape(name), head, re.IGNORECASE)


def response(
    data: bytes,
    status: int,
    *,
    tag: bytes = b"far",
    vias: Iterable[bytes] | None = None,
    more: bytes = b"",
    contact: bytes = b"<sip:far@192.0.2.9:5070>",
    body: bytes = b"",
    reason: bytes = b"Word",
) -> bytes:
    """A peer's response to the request ``data``; ``vias`` other than its own if given."""
    to = header(data, b"To")
    if tag and b";tag=" not in to and status > 100:
        to += b";tag=" + tag
    return (
        b"SIP/2.0 %d %b\r\n%bFrom: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %b\r\n%b%b"
        b"Content-Length: %d\r\n\r\n%b"
    ) % (
        status,
        reason,
        b"".join(b"Via: %b\r\n" % v for v in (headers(data, b"Via") if vias is None else vias)),
        header(data, b"From"),
        to,
        header(data, b"Call-ID"),
        header(data, b"CSeq"),
        b"Contact: %b\r\n" % contact if contact else b"",
        more,
        len(body),
        body,
    )


def start(data: bytes) -> str:
    """What a message is, in a word: its method, or its status."""
    first = data.partition(b"\r\n")[0].split(b" ")
    return (first[1] if first[0] == b"SIP/2.0" else first[0]).decode()


class Notes:
    """A core that answers nothing by itself and writes down what it was told."""

    def __init__(self, known: bool = True) -> None:
        self.known = known
        self.servers: list[InviteServer | Server] = []
        self.requests: list[Message] = []
        self.acks: list[Message] = []
        self.cancelled: list[InviteServer] = []
        self.strays: list[Message] = []
        self.notices: list[str] = []

    def admits(self, message: Message, flow: Flow, now: float) -> bool:
        return self.known

    def knows(self, flow: Flow) -> bool:
        return self.known

    def request(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        self.servers.append(server)
        self.requests.append(message)

    def invite(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None:
        server.stack.trying(server, now)
        self.servers.append(server)
        self.requests.append(message)

    def ack(self, message: Message, flow: Flow, now: float) -> None:
        self.acks.append(message)

    def cancel(self, server: InviteServer, message: Message, now: float) -> None:
        self.cancelled.append(server)

    def stray(self, message: Message, flow: Flow, now: float) -> None:
        self.strays.append(message)

    def noticed(self, kind: str, flow: Flow, detail: str, now: float) -> None:
        self.notices.append(kind)


class User:
    """The user of a transaction: it writes down what it was told."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.failures: list[int] = []
        self.over: list[Transaction] = []

    def response(self, client: Transaction, message: Message, now: float) -> None:
        self.heard.append(message.status)

    def failed(self, client: Transaction, status: int, now: float) -> None:
        self.failures.append(status)

    def finished(self, transaction: Transaction, now: float) -> None:
        self.over.append(transaction)


class Wire:
    """A stack on virtual time; ``said`` holds everything it sent as (when, hop, bytes)."""

    def __init__(self, known: bool = True) -> None:
        self.core = Notes(known)
        self.timers = Timers()
        count = iter(range(1, 1_000_000))
        self.stack = Stack(
            self.core,
            {listener.name: listener for listener in LISTENERS},
            lambda n: b"".join(next(count).to_bytes(8) for _ in range(n // 8)),
            self.timers,
        )
        self.now = 0.0
        self.said: list[tuple[float, Hop, bytes]] = []

    def collect(self) -> list[bytes]:
        """What was sent since the last time."""
        outbox, self.stack.outbox = self.stack.outbox, []
        self.said += [(self.now, hop, data) for hop, data in outbox]
        return [data for _, data in outbox]

    def receive(self, data: bytes, flow: Flow = PEER) -> list[bytes]:
        self.stack.receive(data, flow, self.now)
        return self.collect()

    def words(self, data: bytes, flow: Flow = PEER) -> list[str]:
        return [start(sent) for sent in self.receive(data, flow)]

    def run(self, until: float) -> list[tuple[float, str]]:
        """Let virtual time pass; what was sent meanwhile, as (when, word)."""
        before = len(self.said)
        while (due := self.timers.next_deadline()) is not None and due <= until:
            self.now = due
            self.timers.expire(due)
            self.collect()
        self.now = until
        return [(when, start(data)) for when, _, data in self.said[before:]]

    def server(self, data: bytes, flow: Flow = PEER) -> InviteServer | Server:
        """The transaction a new request makes."""
        self.receive(data, flow)
        return self.core.servers[-1]

    def answer(self, server: InviteServer | Server, status: int, tag: bytes = b"ours") -> list[str]:
        server.respond(status, self.stack.response(server, status, tag=tag), self.now)
        return [start(sent) for sent in self.collect()]

    def hops(self) -> list[Hop]:
        return [hop for _, hop, _ in self.said]

    def empty(self) -> bool:
        stack = self.stack
        return not (stack.servers or stack.clients or stack.merging or len(self.timers))


def where(hop: Hop) -> tuple[str, str, str, int]:
    """A hop in comparable words; ``Flow`` and ``Target`` to one place are told apart."""
    kind = "target" if isinstance(hop, Target) else "flow"
    return kind, hop.transport, hop.address, hop.port

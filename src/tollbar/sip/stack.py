"""The stack: bytes to transactions and back (RFC 3261 17, 18; 3581; 5626 for keep-alives).

Repeats are absorbed before anything is parsed, by branch, sent-by, method and source. New
requests are handed to the core, which knows peers, dialogs and calls; this file knows none
of them. Everything leaves here through a transaction, as a dialog's ACK, or as a stateless
answer to something unusable. It never raises for what the network sends.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Protocol
from zlib import crc32

from tollbar.sip import timers as intervals
from tollbar.sip.errors import SipError
from tollbar.sip.flow import TCP, UDP, Flow, Hop, Target
from tollbar.sip.losses import Losses
from tollbar.sip.message import Message, salvage
from tollbar.sip.origin import mirror, plain_key, server_key
from tollbar.sip.timers import Timers
from tollbar.sip.transaction import (
    ACCEPTED,
    ACK,
    FAILURE,
    GIVE_UP,
    LINGER,
    PROCEEDING,
    PROVISIONAL,
    REPEAT,
    REQUEST,
    SUCCESS,
    Client,
    ClientUser,
    InviteClient,
    InviteServer,
    Merge,
    Server,
    Transaction,
)

REASONS: Final = {
    100: b"Trying",
    180: b"Ringing",
    181: b"Call Is Being Forwarded",
    183: b"Session Progress",
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Request Entity Too Large",
    416: b"Unsupported URI Scheme",
    420: b"Bad Extension",
    480: b"Temporarily Unavailable",
    481: b"Call/Transaction Does Not Exist",
    482: b"Loop Detected",
    483: b"Too Many Hops",
    484: b"Address Incomplete",
    486: b"Busy Here",
    487: b"Request Terminated",
    488: b"Not Acceptable Here",
    491: b"Request Pending",
    500: b"Server Internal Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Server Time-out",
    505: b"Version Not Supported",
    513: b"Message Too Large",
}
COOKIE: Final = b"z9hG4bK"
MOST_SERVERS: Final = 400_000  # requests being answered at a time: 32 s of 12,500 a second
MOST_HELD: Final = 1 << 30  # bytes of those requests
MTU_LIMIT: Final = 1300  # bytes: a larger request leaves by a reliable transport (18.1.1)
COUNTED: Final = frozenset(
    (
        b"INVITE",
        b"ACK",
        b"BYE",
        b"CANCEL",
        b"OPTIONS",
        b"PRACK",
        b"UPDATE",
        b"INFO",
        b"REGISTER",
        b"MESSAGE",
        b"SUBSCRIBE",
        b"NOTIFY",
        b"PUBLISH",
        b"REFER",
    )
)

TRYING: Final = Message()  # stands for every 100
TRYING.status = 100
STATUSES: Final = frozenset(b"%d" % status for status in range(100, 700))

BRANCH_LENGTH: Final = len(COOKIE) + 16


class Listener:
    """One of our addresses as the messages show it."""

    __slots__ = ("bound", "contact", "host", "name", "sibling", "transport", "via")

    def __init__(
        self,
        name: str,
        transport: str,
        host: str,
        port: int,
        sibling: str = "",
        bound: str = "",
    ) -> None:
        """``host`` and ``port`` are what we advertise; ``sibling`` the TCP listener that takes
        over from this UDP one when a request is too long for a datagram, or ""; ``bound`` the
        address it sends from where that is another."""
        shown = f"[{host}]" if ":" in host else host
        self.name = name
        self.transport = transport
        self.host = shown.encode()
        self.sibling = sibling
        self.bound = bound or host
        self.via = f"Via: SIP/2.0/{transport.upper()} {shown}:{port};rport;branch=".encode()
        parameter = "" if transport == UDP else f";transport={transport}"
        self.contact = f"Contact: <sip:{shown}:{port}{parameter}>\r\n".encode()


class Tokens:
    """Unguessable words for tags, branches and Call-IDs (19.3), cut from random bytes."""

    __slots__ = ("_at", "_entropy", "_pool")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._pool = b""
        self._at = 0

    def __call__(self) -> bytes:
        at = self._at
        if at == len(self._pool):
            self._pool = self._entropy(2048).hex().encode()
            at = 0
        self._at = at + 16
        return self._pool[at : at + 16]


class Core(Protocol):
    """What the stack asks of the engine above it."""

    def admits(self, message: Message, flow: Flow, now: float) -> bool:
        """May this request be served: it is of a dialog of ours, or its source is known."""

    def knows(self, flow: Flow) -> bool:
        """Is this source one of the configured peers."""

    def request(self, server: Server, message: Message, flow: Flow, now: float) -> None: ...

    def invite(self, server: InviteServer, message: Message, flow: Flow, now: float) -> None: ...

    def ack(self, message: Message, flow: Flow, now: float) -> None:
        """An ACK that belongs to no transaction: for a 2xx."""

    def cancel(self, server: InviteServer, message: Message, now: float) -> None:
        """CANCEL matched this INVITE and is answered already."""

    def stray(self, message: Message, flow: Flow, now: float) -> None:
        """A response that belongs to no transaction."""

    def noticed(self, kind: str, flow: Flow, detail: str, now: float) -> None: ...


class Stack:
    """All transactions, the timers they wait in, and the outbox.

    ``received`` and ``sent`` count messages by method or status, as a capture shows them;
    ``repeats_sent`` and ``repeats_absorbed`` are those of them that were retransmissions.
    ``held`` is how many bytes of requests wait in ``servers``; past `MOST_SERVERS` and
    `MOST_HELD` a new request gets 503 and is forgotten, but what ends a call has a quarter
    more room.
    """

    def __init__(
        self,
        core: Core,
        listeners: dict[str, Listener],
        entropy: Callable[[int], bytes],
        timers: Timers,
    ) -> None:
        self.core = core
        self.listeners = listeners
        self.token = Tokens(entropy)
        self.timers = timers
        self.servers: dict[bytes, InviteServer | Server] = {}
        self.clients: dict[bytes, InviteClient | Client] = {}
        self.merging: dict[Merge, Transaction] = {}
        self.outbox: list[tuple[Hop, bytes]] = []
        self.received: dict[bytes, int] = defaultdict(int)
        self.sent: dict[bytes, int] = defaultdict(int)
        self.repeats_sent = 0
        self.repeats_absorbed = 0
        self.held = 0
        t1, t2 = intervals.T1, intervals.T2
        self.doubling = [timers.timer(t1 * 2**k, REPEAT) for k in range(6)]
        self.repeats = [timers.timer(min(t1 * 2**k, t2), REPEAT) for k in range(4)]
        self.slow = timers.timer(intervals.SLOW, REPEAT)
        self.give_up = timers.timer(intervals.GIVE_UP, GIVE_UP)
        self.linger_long = timers.timer(intervals.GIVE_UP, LINGER)
        self.linger_short = timers.timer(intervals.T4, LINGER)
        self.losses = Losses(self)

    # -- in

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One datagram or one framed message."""
        if data[:2] == b"\r\n" and len(data) > 4:
            # 7.5: empty lines before a message mean nothing.
            data = data.lstrip(b"\r\n")
        if data[:8] == b"SIP/2.0 ":
            self._response(data, flow, now)
            return
        if len(data) < 16:
            # RFC 5626 4.4.1: a double CRLF is a ping, one CRLF its answer; a stranger gets none.
            if data == b"\r\n\r\n" and flow.reliable and self.core.knows(flow):
                self.outbox.append((flow, b"\r\n"))
            return
        method = data[: data.find(b" ", 0, 64)]
        self.received[method if method in COUNTED else b"other"] += 1
        key = server_key(data, method, flow)
        if key:
            server = self.servers.get(key)
            if server is not None and self._absorbed(server, method, flow, now):
                return
        try:
            message = Message.parse(data)
            message.check()
        except SipError as error:
            self._refuse(data, error, flow, now)
            return
        if message.status:
            self.core.noticed("malformed", flow, "a response with a request's start", now)
            return
        if not self.core.admits(message, flow, now):
            return
        if not key:
            key = plain_key(message, flow)
            server = self.servers.get(key)
            if server is not None and self._absorbed(server, method, flow, now):
                return
        self._request(key, message, flow, now)

    def _absorbed(
        self, server: InviteServer | Server, method: bytes, flow: Flow, now: float
    ) -> bool:
        """A request under the key of a transaction: feed that; False where it belongs elsewhere."""
        if method != b"ACK":
            self.repeats_absorbed += 1
            hop = server.hop
            if flow.reliable and isinstance(hop, Target) and hop.reliable:
                # The connection it came by is gone, and who asks again has made another (18.2.2).
                server.hop, server.fallback = flow, hop
            server.feed(REQUEST, None, now)
            return True
        server.feed(ACK, None, now)
        # A peer may give the ACK of a 2xx its INVITE's branch, or none: that ACK is the dialog's.
        return server.state != ACCEPTED

    def _request(self, key: bytes, message: Message, flow: Flow, now: float) -> None:
        method = message.method
        if method == b"ACK":
            self.core.ack(message, flow, now)
            return
        tag = message.to_tag
        most = MOST_SERVERS
        if tag or method == b"CANCEL":
            most += most // 4
        if len(self.servers) >= most or self.held + len(message.data) > MOST_HELD:
            self.core.noticed("overflow", flow, "too many requests at a time", now)
            self.reply(message, flow, 503, b"Retry-After: 10\r\n")
            return
        merge = None
        if not tag:
            # 8.2.2.2: the same request by another path.
            merge = message.call_id, message.from_tag, message.cseq, method
            if method != b"CANCEL" and merge in self.merging:
                self.reply(message, flow, 482)
                return
        hop, fallback = self._way_back(message, flow)
        lines = mirror(message, flow)
        self.held += len(message.data)
        if method == b"INVITE":
            invite = self.servers[key] = InviteServer(self, key, message, lines, hop, fallback)
            if merge is not None:
                invite.merge = merge
                self.merging[merge] = invite
            self.core.invite(invite, message, flow, now)
            return
        server = self.servers[key] = Server(self, key, message, lines, hop, fallback)
        self.give_up.arm(server, now)
        if method == b"CANCEL":
            self._cancel(server, message, now)
            return
        self.slow.arm(server, now)
        if merge is not None:
            server.merge = merge
            self.merging[merge] = server
        self.core.request(server, message, flow, now)

    def _cancel(self, server: Server, message: Message, now: float) -> None:
        """9.2: match strictly, then as an element that rewrote the top Via would have it."""
        invite: Transaction | None = self.servers.get(
            server.key.replace(b" CANCEL ", b" INVITE ", 1)
        )
        if invite is None:
            same = message.call_id, message.from_tag, message.cseq, b"INVITE"
            other = self.merging.get(same)
            if (
                isinstance(other, InviteServer)
                and other.state == PROCEEDING
                and other.request.via.branch == message.via.branch
            ):
                invite = other
        if not isinstance(invite, InviteServer):
            server.respond(481, self.response(server, 481, tag=self.token()), now)
            return
        server.respond(200, self.response(server, 200, tag=self.token()), now)
        self.core.cancel(invite, message, now)

    def _response(self, data: bytes, flow: Flow, now: float) -> None:
        code = data[8:11]
        self.received[code if code in STATUSES else b"other"] += 1
        at = data.find(b";branch=z9hG4bK") + 8
        branch = data[at : at + BRANCH_LENGTH]
        if code == b"100" and b" INVITE\r\n" in data:
            # It says only that it came, and whose it is: nothing else in it is looked at.
            client = self.clients.get(branch + b" INVITE")
            if client is not None:
                client.feed(PROVISIONAL, TRYING, now)
                return
        try:
            message = Message.parse(data)
            method = message.cseq_method
            client = self.clients.get(b"%b %b" % (branch, method))
            if client is None:
                # Another Via layout than the one we sent, or nobody waits for it.
                client = self.clients.get(b"%b %b" % (message.via.branch, method))
            status = message.status
            if client is None:
                message.check_stray()
            elif status > 100:
                message.check_answer()
            fields = message.fields
            vias = 1
            if len(fields) != len(message.lines) or b"," in fields.get(b"Via", b","):
                vias = len(message.items(b"Via"))
        except SipError as error:
            self.core.noticed("malformed", flow, error.reason, now)
            return
        if vias != 1:
            # 8.1.3.3: a response with more than our own Via is not for us.
            return
        if client is None:
            self.core.stray(message, flow, now)
        elif status >= 300:
            client.feed(FAILURE, message, now)
        else:
            client.feed(SUCCESS if status >= 200 else PROVISIONAL, message, now)

    def _refuse(self, data: bytes, error: SipError, flow: Flow, now: float) -> None:
        """Answer an unusable request without keeping anything; never an ACK, never a stranger."""
        if not self.core.knows(flow):
            return
        self.core.noticed("malformed", flow, error.reason, now)
        message = salvage(data)
        if message is None or message.status or message.method == b"ACK":
            return
        try:
            self.reply(message, flow, error.status, reason=error.reason.encode())
        except SipError:
            # Not even its Via can be read: there is nobody to answer.
            return

    def _way_back(self, message: Message, flow: Flow) -> tuple[Hop, Target | None]:
        """Where responses go (18.2.2, 3581), and where when that connection is gone."""
        via = message.via
        port = via.port or (5061 if flow.transport == "tls" else 5060)
        if flow.reliable:
            return flow, Target(flow.listener, flow.transport, flow.address, port)
        if b"rport" in via.params or port == flow.port:
            return flow, None
        return Target(flow.listener, UDP, flow.address, port), None

    # -- out

    def send(self, hop: Hop, data: bytes, word: bytes) -> None:
        """Put a message in the outbox; ``word``, its method or status, is what is counted."""
        self.outbox.append((hop, data))
        self.sent[word] += 1

    def repeat(self, hop: Hop, data: bytes) -> None:
        """Send a message again."""
        self.send(hop, data, data[8:11] if data[:4] == b"SIP/" else data[: data.index(b" ")])
        self.repeats_sent += 1

    def response(
        self,
        server: InviteServer | Server,
        status: int,
        headers: bytes = b"",
        body: bytes = b"",
        tag: bytes = b"",
        reason: bytes = b"",
    ) -> bytes:
        """Serialise a response; ``headers`` are whole lines, ``tag`` goes to To if it has none."""
        to = server.to
        if tag and not server.tagged:
            to = b"%b;tag=%b" % (to, tag)
        return b"SIP/2.0 %d %b\r\n%bTo: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (
            status,
            reason or REASONS.get(status, b"Unknown"),
            server.mirror,
            to,
            headers,
            len(body),
            body,
        )

    def trying(self, server: InviteServer, now: float) -> None:
        """Stop the repeats of an INVITE (17.2.1). Not before it is safe to: whoever has had
        a 100 does not ask again, however long it takes."""
        if server.state == PROCEEDING and not server.data:
            server.respond(100, self.response(server, 100), now)

    def reply(
        self, message: Message, flow: Flow, status: int, headers: bytes = b"", reason: bytes = b""
    ) -> None:
        """A stateless answer (8.2.7): nothing is kept, a repeat gets the same again."""
        hop, _ = self._way_back(message, flow)
        to = message.to.text
        if not message.to.tag:
            # The same tag for each repeat: made from what identifies the request.
            to = b"%b;tag=s%08x" % (to, crc32(message.via.branch + message.call_id))
        data = b"SIP/2.0 %d %b\r\n%bTo: %b\r\n%bContent-Length: 0\r\n\r\n" % (
            status,
            reason or REASONS.get(status, b"Unknown"),
            mirror(message, flow),
            to,
            headers,
        )
        self.send(hop, data, data[8:11])

    def launch(
        self, start: bytes, rest: bytes, hop: Hop, user: ClientUser, now: float
    ) -> InviteClient | Client:
        """Begin a client transaction. ``start`` is the request line, ``rest`` what follows Via."""
        client, data = self.prepare(start, rest, hop)
        client.user = user
        client.start(data, now)
        return client

    def prepare(self, start: bytes, rest: bytes, hop: Hop) -> tuple[InviteClient | Client, bytes]:
        """A client transaction that is known but has not sent; ``start(data, now)`` sends."""
        method = start[: start.index(b" ")]
        branch = COOKIE + self.token()
        spare: Hop | None = None
        listener = self.listeners[hop.listener]
        if hop.transport == UDP and len(start) + len(rest) + 90 > MTU_LIMIT and listener.sibling:
            spare = hop
            listener = self.listeners[listener.sibling]
            hop = Target(listener.name, TCP, hop.address, hop.port)
        key = b"%b %b" % (branch, method)
        kind = InviteClient if method == b"INVITE" else Client
        client = self.clients[key] = kind(self, key, method, hop)
        client.spare = spare
        return client, b"".join((start, listener.via, branch, b"\r\n", rest))

    def revive(self, data: bytes, hop: Hop, user: ClientUser) -> InviteClient:
        """An INVITE sent before a restart, as if it had just been: its answers match again."""
        message = Message.parse(data)
        key = b"%b %b" % (message.via.branch, message.method)
        client = InviteClient(self, key, message.method, hop)
        client.data = data
        client.user = user
        self.clients[key] = client
        return client

    def revive_server(self, message: Message, flow: Flow) -> InviteServer:
        """The server side of an INVITE that came before a restart: its repeats match again."""
        server = InviteServer(self, *self._revived(message, flow))
        self.servers[server.key] = server
        return server

    def revive_request(self, message: Message, flow: Flow, now: float) -> Server:
        """The same of a request that is not INVITE."""
        server = Server(self, *self._revived(message, flow))
        self.servers[server.key] = server
        self.give_up.arm(server, now)
        return server

    def _revived(
        self, message: Message, flow: Flow
    ) -> tuple[bytes, Message, bytes, Hop, Target | None]:
        message.check()
        self.held += len(message.data)
        hop, fallback = self._way_back(message, flow)
        key = server_key(message.data, message.method, flow) or plain_key(message, flow)
        if isinstance(hop, Flow):
            # The path itself is gone with the process that knew it.
            hop = fallback or Target(flow.listener, UDP, flow.address, flow.port)
            fallback = None
        return key, message, mirror(message, flow), hop, fallback

    def redirect(self, client: Transaction, hop: Hop) -> None:
        """Let a request that never left go by another hop, with that hop's Via (18.1.1)."""
        start_end = client.data.index(b"\r\n") + 2
        via_end = client.data.index(b"\r\n", start_end)
        via = client.data[start_end:via_end]
        branch = via[via.index(b";branch=") + 8 :]
        listener = self.listeners[hop.listener]
        client.hop = hop
        client.data = b"%b%b%b%b" % (
            client.data[:start_end],
            listener.via,
            branch,
            client.data[via_end:],
        )

    def ack_failure(self, client: InviteClient, response: Message) -> bytes:
        """The ACK of a non-2xx final response (17.1.1.3): same branch, same route."""
        return self._sibling_request(client, b"ACK", response.fields[b"To"])

    def cancel(
        self, client: InviteClient, user: ClientUser, now: float, reason: bytes
    ) -> Client | None:
        """Send CANCEL for an INVITE that has had a provisional response (9.1), once.

        ``reason`` is a whole Reason header line, or empty. None where it is out already.
        """
        if client.cancelled:
            return None
        client.cancelled = True
        data = self._sibling_request(client, b"CANCEL", b"", reason)
        key = b"%b CANCEL" % client.key[: client.key.index(b" ")]
        cancel = Client(self, key, b"CANCEL", client.hop)
        cancel.user = user
        cancel.inside = True
        self.clients[key] = cancel
        client.wait_for_final(now)
        cancel.start(data, now)
        return cancel

    def _sibling_request(
        self, client: InviteClient, method: bytes, to: bytes, extra: bytes = b""
    ) -> bytes:
        """ACK or CANCEL of our own INVITE, from its lines down to CSeq; ``to`` replaces To."""
        end = client.data.index(b"\r\nCSeq: ")
        start, *lines = client.data[:end].split(b"\r\n")
        if to:
            lines = [b"To: " + to if line[:4] == b"To: " else line for line in lines]
        lines = [b"Max-Forwards: 70" if line[:8] == b"Max-Forw" else line for line in lines]
        cseq = client.data[end + 8 : client.data.index(b" ", end + 8)]
        return b"%b%b\r\n%b\r\nCSeq: %b %b\r\n%bContent-Length: 0\r\n\r\n" % (
            method,
            start[start.index(b" ") :],
            b"\r\n".join(lines),
            cseq,
            method,
            extra,
        )

    # -- ends

    def forget(self, transaction: Transaction) -> None:
        """Take a transaction out of every table; only ``Transaction.finish`` calls this."""
        if self.clients.pop(transaction.key, None) is not None:
            return
        server = self.servers.pop(transaction.key, None)
        if server is not None:
            self.held -= len(server.request.data)
            if server.merge is not None:
                self.merging.pop(server.merge, None)

    def lost(self, hop: Hop, now: float) -> None:
        """A connection died or a send failed: everything that hangs on this hop hears it."""
        self.losses.add(hop, now)

    def __len__(self) -> int:
        return len(self.servers) + len(self.clients)

"""A phone that does only what the ladder says: it writes correct SIP and remembers dialogs.

It never answers, acknowledges or repeats by itself; the generated ladders have another
one that does (``agent``).
"""

from collections import deque
from collections.abc import Mapping

from tests.b2bua.text import Text, session
from tests.b2bua.wire import GATEWAY, Wire

from tollbar.sip.flow import Flow

REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted"}
Notes = Mapping[str, str | None]


class Phone:
    """``inbox`` holds what came and no ladder line has looked at yet."""

    def __init__(self, wire: Wire, name: str, port: int, transport: str = "udp") -> None:
        self.wire = wire
        self.name = name
        self.address = "127.0.0.1"
        self.port = port
        self.transport = transport
        self.flow = Flow(transport, transport, self.address, port)
        if transport == "tcp":
            self.flow = wire.connect(self, 40_000 + port)
        self.inbox: deque[tuple[Text, Flow | None]] = deque()
        self.number = 0
        self.sessions = 0
        self.local = self.remote = ""
        self.call_id = ""
        self.target = ""
        self.routes: list[str] = []
        self.cseq = 0
        self.calling = False
        self.confirmed = False
        self.invite: Text | None = None  # the last one we sent
        self.final: Text | None = None  # the last final answer to it
        self.reliable: Text | None = None  # the last reliable 18x
        self.requests: dict[str, Text] = {}
        self.sent: dict[str, bytes] = {}
        self.spellings: dict[str, str] = {}  # header names as this phone writes them
        wire.stations.append(self)

    @property
    def contact(self) -> str:
        parameter = ";transport=tcp" if self.transport == "tcp" else ""
        return f"<sip:{self.name}@{self.address}:{self.port}{parameter}>"

    def take(self, data: bytes, flow: Flow | None) -> None:
        if flow is not None:
            self.flow = flow
        self.inbox.append((Text(data), flow))

    def saw(self, message: Text) -> None:
        """The phone got a message: what it has to remember of it."""
        if not message.status:
            self.requests[message.method] = message
            if message.method == "INVITE":
                self.target = message.contact
                if not message.to_tag:
                    self.call_id = message["Call-ID"]
                    self.local, self.remote = "", message["From"]
                    self.routes = message.all("Record-Route")
                    self.cseq = 100
            return
        if message.method != "INVITE" or self.invite is None:
            return
        if message.status < 300 and message.to_tag and not self.confirmed:
            self.remote = message["To"]
            self.target = message.contact
            self.routes = message.all("Record-Route")[::-1]
            self.confirmed = message.status >= 200
        if message["RSeq"]:
            self.reliable = message
        if message.status >= 200:
            self.final = message

    # -- requests

    def request(self, method: str, notes: Notes) -> bytes:
        """Write a request; ``notes`` are what the ladder has in brackets."""
        if "again" in notes:
            data = self.sent[method]
            if notes.get("branch"):
                old = Text(data).branch
                data = data.replace(old.encode(), f"z9hG4bK-{notes['branch']}".encode())
            return data
        if method == "MESSAGE" and "inside" not in notes:
            return self._page(notes)
        self.number += 1
        branch = notes.get("branch") or f"{self.name}-{self.number}"
        uri, route, to, cseq = notes.get("uri") or self.target, self.routes, self.remote, ""
        fresh = method == "INVITE" and not self.confirmed and "INVITE" not in self.requests
        fresh = fresh and "inside" not in notes
        if fresh:
            number = notes.get("to") or "3175551234"
            self.calling = True
            uri = notes.get("uri") or f"sip:{number}@{GATEWAY}"
            route, to = [], f"<sip:{number}@{GATEWAY}>"
            self.call_id = f"{self.name}-{self.number}@{self.address}"
            self.local = f'"{self.name}" <sip:1001@{self.address}>;tag={self.name}{self.number}'
            self.requests.clear()
        if method in ("ACK", "CANCEL"):
            assert self.invite is not None
            cseq = self.invite.cseq
            refused = self.final is not None and self.final.status >= 300
            if method == "CANCEL" or refused:
                branch = self.invite.branch.removeprefix("z9hG4bK-")
                uri = self.invite.uri
                to = self.final["To"] if method == "ACK" and self.final else self.invite["To"]
                route = self.invite.all("Route")
        else:
            self.cseq += 1
        local = self.local
        if notes.get("tag"):
            local = self._tagged(notes["tag"] or "")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {self.address}:{self.port}"
            f";branch=z9hG4bK-{branch};rport",
            "Max-Forwards: 70",
            *[f"Route: {value}" for value in route],
            f"From: {local}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {notes.get('cseq') or cseq or self.cseq} {method}",
        ]
        if method in ("INVITE", "UPDATE"):
            lines.append(f"Contact: {self.contact}")
        if method == "PRACK":
            assert self.reliable is not None
            lines.append(f"RAck: {self.reliable['RSeq']} {self.reliable['CSeq']}")
        data = self._finish(lines, notes, fresh or method == "INVITE")
        self.sent[method] = data
        if method == "INVITE":
            self.invite, self.final = Text(data), None
            self.local, self.call_id = self.invite["From"], self.invite["Call-ID"]
        return data

    def _page(self, notes: Notes) -> bytes:
        """A MESSAGE outside any call (RFC 3428)."""
        self.number += 1
        number = notes.get("to") or "3175551234"
        lines = [
            f"MESSAGE sip:{number}@{GATEWAY} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {self.address}:{self.port}"
            f";branch=z9hG4bK-{self.name}-{self.number};rport",
            "Max-Forwards: 70",
            f"From: <sip:{notes.get('as') or '1001'}@{self.address}>;tag={self.name}{self.number}",
            f"To: <sip:{number}@{GATEWAY}>",
            f"Call-ID: {self.name}-{self.number}@{self.address}",
            "CSeq: 7 MESSAGE",
        ]
        data = self.sent["MESSAGE"] = self._finish(lines, {"text": "hello", **notes}, False)
        return data

    def _tagged(self, tag: str) -> str:
        return f"{self.local.partition(';tag=')[0]};tag={tag}"

    # -- responses

    def response(self, status: int, method: str, notes: Notes) -> bytes:
        """Write a response to the last request of that method."""
        word = f"{status} {method}"
        if "again" in notes:
            return self.sent[f"{word} {notes['again']}" if notes["again"] else word]
        request = self.requests[method]
        to = request["To"]
        if not request.to_tag and status > 100:
            to += f";tag={notes.get('tag') or self.name.lower()}"
            if method == "INVITE" and status < 300:
                self.local = to
        lines = [
            f"SIP/2.0 {status} {REASONS.get(status, 'Because')}",
            *[f"Via: {value}" for value in request.all("Via")],
            f"From: {request['From']}",
            f"To: {to}",
            f"Call-ID: {request['Call-ID']}",
            f"CSeq: {request['CSeq']}",
        ]
        if method in ("INVITE", "UPDATE") and 100 < status < 300:
            lines.append(f"Contact: {self.contact}")
            lines += [f"Record-Route: {value}" for value in request.all("Record-Route")]
        if notes.get("rseq"):
            lines += ["Require: 100rel", f"RSeq: {notes['rseq']}"]
        data = self._finish(lines, notes, method == "INVITE" and 200 <= status < 300)
        self.sent[word] = self.sent[f"{word} {request.cseq}"] = data
        return data

    def _finish(self, lines: list[str], notes: Notes, with_session: bool) -> bytes:
        body = b""
        if "sdp" in notes or (with_session and "no sdp" not in notes):
            self.sessions += 1
            body = session(f"{self.name}{self.sessions}")
            lines.append("Content-Type: application/sdp")
        if notes.get("text"):
            body = (notes["text"] or "").encode()
            lines.append("Content-Type: text/plain")
        for name, value in notes.items():
            if name[0].isupper():
                lines = [line for line in lines if not line.startswith(f"{name}:")]
                lines.append(f"{name}: {value}")
        lines.append(f"Content-Length: {len(body)}")
        for name, spelling in self.spellings.items():
            at = f"{name}:"
            lines = [
                spelling + line[len(name) :] if line.startswith(at) else line for line in lines
            ]
        return "\r\n".join([*lines, "", ""]).encode() + body

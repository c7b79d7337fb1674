"""A SIP caller and a SIP callee that behave as RFC 3261 asks, whatever the gateway does.

They repeat, acknowledge, cancel and hang up by the timers of the RFC and by a plan that comes
with each call. What they saw they keep, so that a test can ask each side by itself. They share
no code with the gateway.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from tests.b2bua.text import Text, session
from tests.crash.lines import GIVE_UP, HOST, Again, Line, Way

REASONS: Final = {
    180: "Ringing",
    200: "OK",
    481: "Call Does Not Exist",
    486: "Busy Here",
    487: "Terminated",
}
CALLER: Final = "caller"  # who hangs up
CALLEE: Final = "callee"
BUSY: Final = "busy"
CANCEL: Final = "cancel"  # the callee rings until the caller has had enough
BY_HAND: Final = "hand"  # the test says when


@dataclass(slots=True)
class Plan:
    """How a call shall go: seconds of ringing and talking, and how it ends."""

    ending: str = BY_HAND
    ring: float = 0.0
    talk: float = 0.0
    dialled: str = "3175551234"
    insists: bool = False  # a TCP caller asks again on a new connection even after a 100

    @property
    def text(self) -> str:
        return f"{self.ending} {self.ring} {self.talk}"


def request(
    line: Line, method: str, uri: str, heads: Sequence[str], branch: str, body: bytes = b""
) -> bytes:
    transport = "TCP" if line.reliable else "UDP"
    head = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport} {HOST}:{line.port};rport;branch={branch}",
        "Max-Forwards: 70",
        *heads,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def response(message: Text, status: int, tag: str, heads: Sequence[str], body: bytes) -> bytes:
    to = message["To"]
    if tag and ";tag=" not in to:
        to += f";tag={tag}"
    head = [
        f"SIP/2.0 {status} {REASONS[status]}",
        *[f"Via: {via}" for via in message.all("Via")],
        f"From: {message['From']}",
        f"To: {to}",
        f"Call-ID: {message['Call-ID']}",
        f"CSeq: {message['CSeq']}",
        *heads,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Side:
    """What caller and callee have in common: a dialog, and its end."""

    def __init__(self, line: Line, call_id: str, plan: Plan) -> None:
        self.line = line
        self.call_id = call_id
        self.plan = plan
        self.answered = 0.0  # monotonic
        self.bye_from = 0.0  # when the BYE first left here, or came here
        self.bye_done = 0.0  # when it had its answer, or came here
        self.options = 0
        self.bye: Again | None = None
        self.over = False
        self.cseq = 1
        self.branches = count(1)

    def branch(self) -> str:
        return f"z9hG4bK-{self.line.port}-{self.call_id[:24]}-{next(self.branches)}"

    def reply(
        self, message: Text, status: int, way: Way, tag: str = "", *heads: str, body: bytes = b""
    ) -> None:
        self.line.send(response(message, status, tag, heads, body), way)

    @property
    def contact(self) -> str:
        parameter = ";transport=tcp" if self.line.reliable else ""
        return f"Contact: <sip:{HOST}:{self.line.port}{parameter}>"

    def talk(self, ending: str) -> None:
        """The dialog stands; who is to hang up does so when all is said."""
        if self.plan.ending == ending:
            asyncio.get_running_loop().call_later(self.plan.talk, self.hang_up)

    def identity(self) -> tuple[str, str, str]:
        """Remote target, From and To of our requests."""
        raise NotImplementedError

    def hang_up(self) -> None:
        if self.bye is not None or self.over:
            return
        self.cseq += 1
        target, ours, theirs = self.identity()
        heads = [f"From: {ours}", f"To: {theirs}", f"Call-ID: {self.call_id}"]
        heads.append(f"CSeq: {self.cseq} BYE")
        self.bye_from = time.monotonic()
        self.bye = Again(self.line, request(self.line, "BYE", target, heads, self.branch()))

    def hung_up(self, message: Text) -> None:
        """Our BYE has an answer."""
        if message.status >= 200 and self.bye is not None and self.bye.waits:
            self.bye.stop()
            self.bye_done = time.monotonic()
            self.over = True

    def inside(self, message: Text, way: Way, known: bool) -> None:
        """BYE or OPTIONS of the dialog."""
        if message.method == "BYE" and known:
            if not self.over:
                self.bye_done = time.monotonic()
                self.bye_from = self.bye_from or self.bye_done
            self.reply(message, 200, way)
            self.over = True
        elif message.method == "OPTIONS" and known and not self.over:
            self.options += 1
            self.reply(message, 200, way)
        else:
            self.reply(message, 481, way)


class Outgoing(Side):
    """A call as its caller sees it. ``finals`` are the final answers to its INVITE, repeats
    included."""

    def __init__(self, line: Line, call_id: str, plan: Plan, gateway: int, caller: str) -> None:
        super().__init__(line, call_id, plan)
        self.ours = f"<sip:{caller}@{HOST}>;tag=a{call_id}"
        self.uri = f"sip:{plan.dialled}@{HOST}:{gateway}"
        self.invite_branch = self.branch()
        self.finals: list[int] = []
        self.rang = False
        self.cancelled = False
        self.cancel_out: Again | None = None
        self.answer: Text | None = None
        self.acknowledgement = b""
        heads = [
            *self.heads("INVITE"),
            self.contact,
            f"X-Plan: {plan.text}",
            f"X-Call: {call_id}",
            "Content-Type: application/sdp",
        ]
        self.data = request(
            line, "INVITE", self.uri, heads, self.invite_branch, session(f"A-{line.port}")
        )
        self.invite = Again(line, self.data, longest=GIVE_UP)

    def heads(self, method: str, to: str = "") -> list[str]:
        return [
            f"From: {self.ours}",
            f"To: {to or f'<{self.uri}>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: 1 {method}",
        ]

    def identity(self) -> tuple[str, str, str]:
        assert self.answer is not None
        return self.answer.contact, self.ours, self.answer["To"]

    def take(self, message: Text, way: Way) -> None:
        if not message.status:
            self.inside(message, way, self.answer is not None)
        elif message.method == "INVITE":
            self.progress(message)
        elif message.method == "BYE":
            self.hung_up(message)
        elif self.cancel_out is not None and message.status >= 200:
            self.cancel_out.stop()

    def progress(self, message: Text) -> None:
        if message.status < 200:
            if not (self.plan.insists and self.line.reliable):
                self.invite.stop()
            self.rang = self.rang or message.status > 100
            if self.plan.ending == CANCEL and not self.cancelled:
                self.cancelled = True
                asyncio.get_running_loop().call_later(self.plan.ring, self.cancel)
            return
        self.invite.stop()
        repeated = bool(self.finals)
        self.finals.append(message.status)
        if message.status < 300:
            self.success(message)
        elif not (repeated and self.line.reliable):  # timer D is zero there
            self.over = True
            heads = self.heads("ACK", message["To"])
            self.line.send(request(self.line, "ACK", self.uri, heads, self.invite_branch))

    def success(self, message: Text) -> None:
        if self.answer is None:
            self.answer = message
            self.answered = time.monotonic()
            heads = self.heads("ACK", message["To"])
            self.acknowledgement = request(self.line, "ACK", message.contact, heads, self.branch())
            if self.cancelled:
                # It came too late; then the call has to be ended the long way.
                asyncio.get_running_loop().call_soon(self.hang_up)
            self.talk(CALLER)
        self.line.send(self.acknowledgement)

    def cancel(self) -> None:
        self.cancelled = True
        if not self.finals:
            data = request(self.line, "CANCEL", self.uri, self.heads("CANCEL"), self.invite_branch)
            self.cancel_out = Again(self.line, data)

    def insist(self) -> None:
        """The INVITE once more, as if nothing had been heard."""
        self.line.send(self.data)


class Caller:
    """The PBX: places calls over one line."""

    def __init__(self, line: Line, gateway: int, user: str = "1001") -> None:
        self.line = line
        self.gateway = gateway
        self.user = user
        self.calls: dict[str, Outgoing] = {}
        line.take = self.take

    def place(self, plan: Plan) -> Outgoing:
        call_id = f"{len(self.calls)}x{self.line.port}@a"
        call = Outgoing(self.line, call_id, plan, self.gateway, self.user)
        self.calls[call_id] = call
        return call

    def take(self, message: Text, way: Way) -> None:
        call = self.calls.get(message["Call-ID"])
        if call is not None:
            call.take(message, way)
        elif not message.status:
            self.line.send(response(message, 481, "none", (), b""), way)


class Incoming(Side):
    """A call as its callee sees it. ``branches_heard`` are the INVITEs it got."""

    def __init__(self, line: Line, invite: Text) -> None:
        ending, ring, talk = invite["X-Plan"].split()
        super().__init__(line, invite["Call-ID"], Plan(ending, float(ring), float(talk)))
        self.invite = invite
        self.tag = f"b{self.call_id}"
        self.caller = invite["X-Call"]
        self.branches_heard: set[str] = set()
        self.ringing = b""
        self.final = 0
        self.last: Again | None = None
        self.acknowledged = False
        self.cancelled = False

    def identity(self) -> tuple[str, str, str]:
        to = f"{self.invite['To']};tag={self.tag}"
        return self.invite.contact, to, self.invite["From"]

    def take(self, message: Text, way: Way) -> None:
        if message.status:
            if message.method == "BYE":
                self.hung_up(message)
        elif message.method == "INVITE":
            self.called(message)
        elif message.method == "ACK":
            self.confirmed()
        elif message.method == "CANCEL":
            self.cancelled = True
            self.reply(message, 200, way, self.tag)
            self.finish(487)
        else:
            self.inside(message, way, self.final == 200)

    def called(self, message: Text) -> None:
        first = not self.branches_heard
        self.branches_heard.add(message.branch)
        if not first:
            self.line.send(self.last.data if self.last is not None else self.ringing)
            return
        self.ringing = response(message, 180, self.tag, [self.contact], b"")
        self.line.send(self.ringing)
        if self.plan.ending in (CALLER, CALLEE, BUSY):
            status = 486 if self.plan.ending == BUSY else 200
            asyncio.get_running_loop().call_later(self.plan.ring, self.finish, status)

    def finish(self, status: int) -> None:
        """The final answer, sent until its ACK comes."""
        if self.final:
            return
        self.final = status
        heads, body = [self.contact], b""
        if status == 200:
            self.answered = time.monotonic()
            heads.append("Content-Type: application/sdp")
            body = session(f"B-{self.line.port}")
        self.last = Again(self.line, response(self.invite, status, self.tag, heads, body))

    def confirmed(self) -> None:
        if self.last is None or self.acknowledged:
            return
        self.last.stop()
        self.acknowledged = True
        if self.final == 200:
            self.talk(CALLEE)
        else:
            self.over = True


class Callee:
    """The trunk: rings, answers, is busy, as each INVITE's plan has it. ``strangers`` are
    requests of no call it knows."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.calls: dict[str, Incoming] = {}
        self.strangers: list[str] = []
        line.take = self.take

    def take(self, message: Text, way: Way) -> None:
        call = self.calls.get(message["Call-ID"])
        if call is None and message.method == "INVITE" and not message.status:
            call = self.calls[message["Call-ID"]] = Incoming(self.line, message)
        if call is not None:
            call.take(message, way)
        elif not message.status and message.method != "ACK":
            self.strangers.append(message.method)
            self.line.send(response(message, 481, "none", (), b""), way)

    def of(self, call: Outgoing) -> list[Incoming]:
        """What came here of a caller's call."""
        return [c for c in self.calls.values() if c.caller == call.call_id]


def unfinished(*sides: dict[str, Any]) -> list[Side]:
    """The calls that are not over, or whose BYE nobody has answered."""
    return [
        call
        for calls in sides
        for call in calls.values()
        if not call.over or (call.bye is not None and call.bye.waits)
    ]

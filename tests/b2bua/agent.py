"""A phone that does by itself what RFC 3261 asks of one: it repeats, absorbs, acknowledges.

For the generated ladders, where any message may be lost, doubled or overtaken. It shares
nothing with the gateway's own transactions.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count

from tests.b2bua.text import Text, session
from tests.b2bua.wire import GATEWAY, Station, Wire

from tollbar.sip.flow import Flow

T1, T2, PATIENCE = 0.5, 4.0, 32.0
TRAVEL = 0.01  # seconds a message is on its way

Scene = Callable[["Agent"], None]


class World:
    """Time for the phones and the gateway together, and a network that does mischief.

    ``mischief`` is what happens to the message of that number, counted in the order of
    sending: "drop", "double", "swap" (it arrives behind the next one on its way), "crash" (the
    gateway dies as it is sent, with the facts so far on disk, and another takes over) or
    "crash early" (with those of this moment not on disk).
    """

    def __init__(self, wire: Wire, mischief: dict[int, str] | None = None) -> None:
        self.wire = wire
        self.mischief = mischief or {}
        self.start = wire.now
        self.number = 0
        self.dead = False
        self.forgetful = False  # did the gateway die while its disk took nothing
        self.journal: list[str] = []
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._swapped: dict[tuple[str, str], list[Callable[[], None]]] = {}
        wire.deliver = self.down

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        heappush(self._events, (round(self.wire.now + seconds, 6), next(self._order), event))

    def run(self, seconds: float) -> None:
        end = self.wire.now + seconds
        self.wire.settle()
        while True:
            due = self.wire.engine.next_deadline()
            at = self._events[0][0] if self._events else end + 1
            if due is not None and due <= min(at, end):
                self.wire.until(max(due, self.wire.now))
            elif at <= end:
                self.wire.until(max(at, self.wire.now))
                heappop(self._events)[2]()
                self.wire.settle()
            else:
                break
        self.wire.until(end)

    def up(self, sender: "Agent", data: bytes) -> None:
        """From a phone to the gateway."""
        self.travel(sender.name, "gateway", data, lambda: self.wire.send(data, sender.flow))

    def down(self, station: Station, data: bytes, flow: Flow | None) -> None:
        assert isinstance(station, Agent)
        self.travel("gateway", station.name, data, lambda: station.take(data, flow))

    def travel(self, sender: str, receiver: str, data: bytes, arrive: Callable[[], None]) -> None:
        number = self.number
        self.number += 1
        mischief = self.mischief.get(number, "")
        at = self.wire.now - self.start
        self.journal.append(f"{number:3} {at:7.3f} {sender} -> {receiver} {Text(data)} {mischief}")
        waiting = self._swapped.setdefault((sender, receiver), [])
        if mischief.startswith("crash"):
            self.dead = True
            self.forgetful = self.forgetful or not self.wire.commits
            self.wire.commits = mischief == "crash"
            self.later(0, self.restart)
        if mischief == "drop" or (self.dead and sender == "gateway"):
            return
        if mischief == "swap":
            waiting.append(arrive)
            self.later(5.0, lambda: self._overtaken(waiting, arrive))
            return
        self.later(TRAVEL, arrive)
        if mischief == "double":
            self.later(TRAVEL, arrive)
        for behind in tuple(waiting):
            self.later(TRAVEL, partial(self._overtaken, waiting, behind))

    def restart(self) -> None:
        """Another process, at once; what is on its way to the gateway reaches this one."""
        self.dead = False
        self.wire.commits = True
        self.wire.restart(0.0, self.wire.now)

    @staticmethod
    def _overtaken(waiting: list[Callable[[], None]], arrive: Callable[[], None]) -> None:
        if arrive in waiting:
            waiting.remove(arrive)
            arrive()


class Asked:
    """A request of ours that has no final response yet, or had one."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.answered = False
        self.proceeding = False
        self.ack = b""


class Got:
    """A request of theirs, and what we said to it."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.response = b""
        self.status = 0
        self.acknowledged = False


class Agent:
    """``play`` is what it does of its own accord at each event, by name of the event."""

    def __init__(self, world: World, name: str, port: int, play: dict[str, Scene]) -> None:
        self.world = world
        self.name = name
        self.address = "127.0.0.1"
        self.port = port
        self.play = play
        self.flow = Flow("udp", "udp", self.address, port)
        self.asked: dict[tuple[str, str], Asked] = {}
        self.got: dict[tuple[str, str], Got] = {}
        self.tags: dict[str, Text] = {}  # the 2xx of each dialog our INVITE made
        self.state = "idle"
        self.local = self.remote = self.call_id = self.target = ""
        self.cseq = self.heard = 0
        self.sessions = 0
        self.number = 0
        self.reliable = False  # does it do 100rel
        self.rseq = 0  # of the last reliable response, sent or heard
        self.done: list[str] = []  # final responses to our requests, as the user saw them
        self.invite: Asked | None = None
        world.wire.stations.append(self)

    def act(self, event: str) -> None:
        scene = self.play.get(event)
        if scene is not None:
            scene(self)

    def offer(self) -> bytes:
        self.sessions += 1
        return session(f"{self.name}{self.sessions}")

    # -- client side

    def call(self, number: str = "3175551234", with_offer: bool = True) -> None:
        self.state = "calling"
        self.call_id = f"generated@{self.name}"
        self.local = f"<sip:1001@127.0.0.1>;tag={self.name}"
        self.remote = f"<sip:{number}@{GATEWAY}>"
        self.target = f"sip:{number}@{GATEWAY}"
        self.request("INVITE", self.offer() if with_offer else b"")

    def request(self, method: str, body: bytes = b"", *extra: str) -> None:
        self.cseq += 1
        self.number += 1
        branch = f"{self.name}-{self.number}"
        data = self.compose(method, branch, str(self.cseq), body, extra)
        asked = self.asked[f"z9hG4bK-{self.name}-{self.number}", method] = Asked(Text(data))
        if method == "INVITE":
            self.invite = asked
        if method == "BYE":
            self.state = "ending"
        self.ask(asked, T1, self.world.wire.now + PATIENCE)

    def cancel(self) -> None:
        """Only where a provisional response came and no final one (9.1)."""
        invite = self.invite
        if invite is None or not invite.proceeding or invite.answered:
            return
        text = invite.text
        lines = [
            f"CANCEL {text.uri} SIP/2.0",
            f"Via: {text['Via']}",
            "Max-Forwards: 70",
            f"From: {text['From']}",
            f"To: {text['To']}",
            f"Call-ID: {text['Call-ID']}",
            f"CSeq: {text.cseq} CANCEL",
            "Content-Length: 0",
        ]
        asked = Asked(Text("\r\n".join([*lines, "", ""]).encode()))
        self.asked[text.branch, "CANCEL"] = asked
        self.ask(asked, T1, self.world.wire.now + PATIENCE)

    def compose(
        self, method: str, branch: str, cseq: str, body: bytes, extra: tuple[str, ...] = ()
    ) -> bytes:
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK-{branch};rport",
            "Max-Forwards: 70",
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.name}@{self.address}:{self.port}>",
            *(["Supported: 100rel"] if self.reliable else []),
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def ask(self, asked: Asked, interval: float, until: float) -> None:
        """Send, and send again until there is an answer (17.1)."""
        method = asked.text.method
        if asked.answered or (asked.proceeding and method == "INVITE"):
            return
        if self.world.wire.now > until:
            asked.answered = True
            self.done.append(f"{method} timed out")
            if method == "BYE":
                self.state = "ended"
            return
        self.world.up(self, asked.text.data)
        longer = interval * 2 if method == "INVITE" else min(interval * 2, T2)
        self.world.later(interval, lambda: self.ask(asked, longer, until))

    def responded(self, text: Text) -> None:
        asked = self.asked.get((text.branch, text.method))
        if asked is None:
            return
        if text.status < 200:
            first = not asked.proceeding
            asked.proceeding = True
            if text.method == "INVITE" and not asked.answered:
                if text["RSeq"]:
                    self.acknowledge_ringing(text)
                if first:
                    self.act("1xx")
            return
        again, asked.answered = asked.answered, True
        if text.method != "INVITE":
            if not again:
                self.done.append(f"{text.method} {text.status}")
                if text.method == "BYE":
                    self.state = "ended"
                self.act(f"{text.status} {text.method}")
            return
        if text.status >= 300:
            self.refused(asked, text, again)
        else:
            self.accepted(asked, text, again)

    def acknowledge_ringing(self, text: Text) -> None:
        """A PRACK for the next reliable response, in its early dialog (RFC 3262 4)."""
        if self.rseq and int(text["RSeq"]) != self.rseq + 1:
            return
        self.rseq = int(text["RSeq"])
        self.remote, self.target = text["To"], text.contact
        self.request("PRACK", b"", f"RAck: {text['RSeq']} {text['CSeq']}")

    def refused(self, asked: Asked, text: Text, again: bool) -> None:
        start = asked.text
        lines = [
            f"ACK {start.uri} SIP/2.0",
            f"Via: {start['Via']}",
            "Max-Forwards: 70",
            f"From: {start['From']}",
            f"To: {text['To']}",
            f"Call-ID: {start['Call-ID']}",
            f"CSeq: {start.cseq} ACK",
            "Content-Length: 0",
        ]
        self.world.up(self, "\r\n".join([*lines, "", ""]).encode())
        if again:
            return
        self.done.append(f"INVITE {text.status}")
        if self.state == "calling":
            self.state = "ended"
        self.act(f"{text.status}")

    def accepted(self, asked: Asked, text: Text, again: bool) -> None:
        if asked.ack:
            self.world.up(self, asked.ack)
            return
        if self.state == "calling":
            self.state = "up"
            self.remote, self.target = text["To"], text.contact
        self.number += 1
        answer = self.offer() if text.body and not asked.text.body else b""
        branch = f"{self.name}-{self.number}"
        asked.ack = self.compose("ACK", branch, asked.text.cseq, answer)
        self.world.up(self, asked.ack)
        self.done.append(f"INVITE {text.status}")
        self.act("200")

    # -- server side

    def take(self, data: bytes, _flow: Flow | None) -> None:
        text = Text(data)
        if text.status:
            self.responded(text)
            return
        if text.method == "ACK":
            for got in self.got.values():
                if (
                    got.text.method == "INVITE"
                    and got.text.cseq == text.cseq
                    and not (got.acknowledged)
                ):
                    got.acknowledged = True
                    self.act("ACK")
            return
        got = self.got.get((text.branch, text.method), Got(text))
        if got.text is not text:
            # The 2xx of an INVITE is repeated by ``insist`` alone.
            accepted = got.text.method == "INVITE" and 200 <= got.status < 300
            if got.response and not accepted:
                self.world.up(self, got.response)
            return
        self.got[text.branch, text.method] = got
        self.asked_of_us(got)

    def asked_of_us(self, got: Got) -> None:
        text = got.text
        if text.method == "CANCEL":
            invite = self.got.get((text.branch, "INVITE"))
            self.answer(got, 200 if invite else 481)
            if invite and invite.status < 200:
                self.answer(invite, 487)
                if self.state == "ringing":
                    self.state = "ended"
            return
        if text.to_tag:
            states = ("ringing", "up", "ending", "ended")
            known = text["Call-ID"] == self.call_id and self.state in states
            if not known:
                self.answer(got, 481)
                return
            if int(text.cseq) <= self.heard:
                self.answer(got, 500)
                return
            self.heard = int(text.cseq)
            if text.method == "PRACK":
                self.answer(got, 200)
                self.rseq = 0
                self.act("PRACK")
                return
            if text.method == "BYE":
                self.answer(got, 200)
                if self.state != "ended":
                    self.state = "ended"
                    self.done.append("BYE got")
                for other in self.got.values():
                    if other.text.method == "INVITE" and other.status < 200:
                        self.answer(other, 487)
                return
            if self.state != "up":
                self.answer(got, 481)
            elif text.method == "INVITE":
                self.act("reinvited")
            else:
                self.answer(got, 200)
            return
        if text.method != "INVITE":
            self.answer(got, 481)
            return
        self.state = "ringing"
        self.call_id = text["Call-ID"]
        self.local = f"{text['To']};tag={self.name}"
        self.remote, self.target = text["From"], text.contact
        self.heard = int(text.cseq)
        self.act("invited")

    def last_invite(self) -> Got:
        return [got for got in self.got.values() if got.text.method == "INVITE"][-1]

    def ring(self) -> None:
        self.respond(180)

    def ring_reliably(self) -> None:
        """A 183 with the answer, until its PRACK comes (RFC 3262 3)."""
        got = self.last_invite()
        if got.status >= 200:
            return
        self.rseq = 7
        self.answer(got, 183)
        self.remind(got, got.response, T1)

    def remind(self, got: Got, response: bytes, interval: float) -> None:
        def again() -> None:
            if self.rseq and got.status < 200:
                self.world.up(self, response)
                self.remind(got, response, interval * 2)

        self.world.later(interval, again)

    def pick_up(self) -> None:
        self.respond(200)

    def respond(self, status: int) -> None:
        """Answer the last INVITE, if it has no final answer yet."""
        got = self.last_invite()
        if got.status < 200:
            self.answer(got, status)

    def answer(self, got: Got, status: int) -> None:
        text = got.text
        to = text["To"] if text.to_tag else f"{text['To']};tag={self.name}"
        body = b""
        extra: list[str] = []
        if text.method == "INVITE" and (status == 183 or 200 <= status < 300):
            body = self.offer()
            if status == 183:
                extra = ["Require: 100rel", f"RSeq: {self.rseq}"]
            elif not text.to_tag:
                self.state = "up"
        lines = [
            f"SIP/2.0 {status} Because",
            *[f"Via: {value}" for value in text.all("Via")],
            f"From: {text['From']}",
            f"To: {to}",
            f"Call-ID: {text['Call-ID']}",
            f"CSeq: {text['CSeq']}",
            f"Contact: <sip:{self.name}@{self.address}:{self.port}>",
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        got.status = status
        got.response = "\r\n".join([*lines, "", ""]).encode() + body
        if text.method == "INVITE" and status >= 200:
            self.insist(got, T1, self.world.wire.now + PATIENCE)
        else:
            self.world.up(self, got.response)
        if status >= 300 and self.state == "ringing":
            self.state = "ended"

    def insist(self, got: Got, interval: float, until: float) -> None:
        """A final response to INVITE goes again until its ACK (13.3.1.4, 17.2.1)."""
        if got.acknowledged or (self.state == "ended" and got.status < 300):
            return
        if self.world.wire.now > until:
            self.done.append("no ACK")
            if got.status < 300:
                self.request("BYE")
            return
        self.world.up(self, got.response)
        self.world.later(interval, lambda: self.insist(got, min(interval * 2, T2), until))

"""A fake wire: one engine, virtual time, a disk that does as it is told, and the phones.

Nothing sleeps and nothing is random: time moves only by ``advance``, bytes only by ``send``.
Every input is kept in ``log``, every output in ``sent`` and ``facts``, so that a run can be
played again.
"""

import random
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Protocol

from tollbar.b2bua.engine import Engine
from tollbar.b2bua.facts import Attempted, Closed, Ended, Fact, Remembered, TurnedAway
from tollbar.b2bua.peer import Peer, Peers
from tollbar.b2bua.rules import Rules
from tollbar.policy.attempt import ANSWER, FORWARD, IN, OUT, REJECT, Attempt, Decision, Route
from tollbar.policy.compiled import Snapshot
from tollbar.policy.settings import Settings
from tollbar.policy.template import Templates
from tollbar.sip.flow import Flow, Hop, Target
from tollbar.sip.stack import Listener

GATEWAY = "127.0.0.1:5060"
UTC = 1_700_000_000.0
LONGEST = 240.0  # seconds: longer than any timer but max_call and the silence of an open call


def decide(_snapshot: object, attempt: Attempt, _situation: object) -> Decision:
    """A plan without a directory: 900 numbers are refused, 911 is an emergency,
    *62*CODE# and *63# set and clear a sticky code."""
    decision = Decision(FORWARD, dialled=attempt.dialled, user="alice")
    decision.caller = attempt.from_user
    decision.standardized = attempt.dialled
    decision.direction = IN if attempt.peer == "carrier" else OUT
    if attempt.dialled.startswith("900"):
        decision.action = REJECT
        decision.status = 403
        decision.reason = "required"
        decision.text = "Account Code Required"
        return decision
    if attempt.dialled.startswith("*6"):
        decision.action = ANSWER
        decision.holder = ("default", attempt.from_user)
        decision.sticky = attempt.dialled.partition("*62*")[2].rstrip("#")
        return decision
    if attempt.dialled == "911":
        decision.emergency = True
        decision.callback, decision.location = "+13175550101", "Rome, 2"
    decision.routes = [Route("pbx" if attempt.peer == "carrier" else "carrier", attempt.dialled)]
    return decision


class Station(Protocol):
    """Someone at the other end of the wire."""

    address: str
    port: int

    def take(self, data: bytes, flow: Flow | None) -> None:
        """Bytes came; ``flow`` is the connection they came by, None for a datagram."""


class Connection:
    """What the engine must not look into: the far end of a stream."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.open = True


class Wire:
    """``transport`` is the way to the carrier (B), ``pbx`` the one to the PBX (A); ``peer`` sets
    what the carrier's Peer takes."""

    def __init__(
        self, transport: str = "udp", seed: int = 1, pbx: str = "udp", **peer: Any
    ) -> None:
        self.transport = transport
        self.pbx = pbx
        self.peer_settings = peer
        self.settings: dict[str, Any] = {}
        self.seed = seed
        self.now = 1000.0
        self.utc_offset = UTC
        self.stations: list[Station] = []
        self.connections: dict[tuple[str, int], Flow] = {}
        self.log: list[tuple[Any, ...]] = []
        self.sent: list[tuple[float, Hop, bytes]] = []
        self.facts: list[Fact] = []
        self.waiting: list[Fact] = []
        self.rows: dict[str, tuple[bytes, bool]] = {}
        self.sticky: dict[tuple[str, str], str] = {}
        self.commits = True
        self.deliver: Callable[[Station, bytes, Flow | None], None] = _at_once
        self.engine = self.build()

    def build(self) -> Engine:
        there = Target(self.pbx, self.pbx, "127.0.0.1", 5080)
        pbx = Peer("pbx", "pbx", there, trust_identity=True)
        pbx.comes_from(ip_network("127.0.0.0/8"))
        to = Target(self.transport, self.transport, "127.0.0.1", 5070)
        carrier = Peer("carrier", "trunk", to, **self.peer_settings)
        carrier.comes_from(ip_network("127.0.0.1"), 5070)
        listeners = [
            Listener("udp", "udp", "127.0.0.1", 5060),
            Listener("tcp", "tcp", "127.0.0.1", 5060),
        ]
        rules = Rules(Peers([pbx, carrier]), **self.settings)
        snapshot = Snapshot(Settings(), {}, {}, {}, Templates(()), None, {}, (), None)
        entropy = random.Random(self.seed).randbytes
        return Engine(snapshot, rules, listeners, entropy, self.utc_offset)

    # -- in

    def send(self, data: bytes, flow: Flow) -> None:
        self.log.append(("receive", self.now, data, flow))
        self.engine.receive(data, flow, self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, every deadline at its own moment."""
        self.until(round(self.now + seconds, 6))

    def until(self, end: float) -> None:
        while True:
            due = self.engine.next_deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.expire()
        self.now = end

    def expire(self) -> None:
        self.log.append(("expire", self.now))
        self.engine.expire(self.now)
        self.settle()

    def commit(self, facts: int | None = None) -> None:
        """Put what waits on disk, or the first so many facts of it."""
        done = self.waiting[:facts]
        del self.waiting[:facts]
        for fact in done:
            kept, ended = self.rows.get(fact.call, (b"", False))
            if isinstance(fact, Remembered):
                self.sticky[fact.holder] = fact.code
            if isinstance(fact, Closed):
                self.rows.pop(fact.call, None)
            elif fact.call and (fact.kept or fact.call in self.rows or isinstance(fact, Ended)):
                self.rows[fact.call] = (fact.kept or kept, ended or isinstance(fact, Ended))
        if done:
            self.log.append(("committed", self.now, done[-1].number))
            self.engine.committed(done[-1].number, self.now)

    def fail(self) -> None:
        """The disk could not take what waits; the writer keeps it and tries again later."""
        if self.waiting:
            self.log.append(("not_committed", self.now, self.waiting[-1].number))
            self.engine.not_committed(self.waiting[-1].number, OSError("full"), self.now)
            self.settle()

    def lost(self, hop: Hop) -> None:
        self.log.append(("lost", self.now, hop))
        self.engine.lost(hop, OSError("reset"), self.now)

    # -- out

    def settle(self) -> None:
        """What the driver does: facts to the disk first, then messages to the wire."""
        while True:
            facts = self.engine.take_facts()
            self.facts += facts
            self.waiting += facts
            outbox = self.engine.take_outbox()
            for hop, data in outbox:
                self.sent.append((self.now, hop, data))
                self.carry(hop, data)
            if self.commits and self.waiting:
                self.commit()
            elif not outbox and not facts:
                return

    def carry(self, hop: Hop, data: bytes) -> None:
        if isinstance(hop, Target):
            station = self.station(hop.address, hop.port)
            if station is None:
                if hop.reliable:
                    self.lost(hop)
                return
            if not hop.reliable:
                self.deliver(station, data, None)
                return
            flow = self.connections.get((hop.address, hop.port))
            if flow is None or not flow.channel.open:  # type: ignore[attr-defined]
                flow = self.connect(station, hop.port)
                self.connections[hop.address, hop.port] = flow
            self.deliver(station, data, flow)
            return
        if not hop.reliable:
            station = self.station(hop.address, hop.port)
            if station is not None:
                self.deliver(station, data, None)
            return
        connection = hop.channel
        assert isinstance(connection, Connection)
        if connection.open:
            self.deliver(connection.station, data, hop)
        else:
            self.lost(hop)

    def station(self, address: str, port: int) -> Station | None:
        for station in self.stations:
            if (station.address, station.port) == (address, port):
                return station
        return None

    def connect(self, station: Station, port: int) -> Flow:
        """A new connection between a station and us."""
        return Flow("tcp", "tcp", station.address, port, Connection(station))

    def cut(self, flow: Flow) -> None:
        """A connection dies; we hear of it."""
        assert isinstance(flow.channel, Connection)
        flow.channel.open = False
        self.lost(flow)
        self.settle()

    # -- the end

    def restart(self, away: float = 2.0, now: float = 50.0) -> None:
        """kill -9: what was not on disk is gone; another process takes up the rest.

        Its monotonic clock has nothing to do with the old one; UTC goes on.
        """
        utc = self.now + self.utc_offset
        self.now = now
        self.utc_offset = utc + away - self.now
        self.seed += 1
        self.facts = [fact for fact in self.facts if fact not in self.waiting]
        self.waiting.clear()
        for flow in self.connections.values():
            flow.channel.open = False  # type: ignore[attr-defined]
        self.connections.clear()
        self.engine = self.build()
        rows = [(call, kept, ended) for call, (kept, ended) in self.rows.items()]
        self.engine.gate.sticky.restore((h, code) for h, code in self.sticky.items() if code)
        failed = self.engine.restore(rows, utc, self.now)
        assert failed == [], failed
        self.settle()

    def wind_down(self) -> None:
        """Let every timer run out, the far ends silent."""
        self.deliver = _nowhere
        self.commits = True
        self.settle()
        for _ in range(20):
            self.advance(LONGEST)
            if not self.engine.calls and not self.engine.chats.open:
                break
        self.advance(LONGEST)

    def assert_empty(self) -> None:
        """Nothing of any call is left, and each had its one record."""
        engine = self.engine
        left = {
            "calls": len(engine.calls),
            "chats": len(engine.chats.open) + len(engine.chats.ways),
            "dialogs": len(engine.dialogs),
            "servers": len(engine.stack.servers),
            "clients": len(engine.stack.clients),
            "merging": len(engine.stack.merging),
            "timers": len(engine.timers),
            "held": len(engine.steps),
            "rows": len(self.rows),
        }
        assert not any(left.values()), left
        away = {fact.call for fact in self.facts if isinstance(fact, TurnedAway)}
        known = {fact.call for fact in self.facts if fact.call} - away
        for kind in (Attempted, Ended, Closed):
            calls = [fact.call for fact in self.facts if type(fact) is kind]
            assert len(calls) == len(set(calls)), f"{kind.__name__} twice"
            assert set(calls) == known, kind.__name__

    def ended(self) -> list[Ended]:
        return [fact for fact in self.facts if isinstance(fact, Ended)]

    def outcomes(self) -> list[Ended | TurnedAway]:
        """What makes a record whole, one of each attempt."""
        return [fact for fact in self.facts if isinstance(fact, Ended | TurnedAway)]


def _at_once(station: Station, data: bytes, flow: Flow | None) -> None:
    station.take(data, flow)


def _nowhere(_station: Station, _data: bytes, _flow: Flow | None) -> None:
    """The far ends are gone."""

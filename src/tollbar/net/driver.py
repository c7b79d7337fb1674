"""The shell's centre: moves bytes and time between the engine and the loop, decides nothing.

One clock read per wake-up, one armed timer, no task and no queue per message. After every
wake-up it *settles*: facts to the sink, the outbox to the sockets, the timer to the next
deadline. It must never look into a message, and never let an error of one hop reach another.
"""

import asyncio
import time
from collections.abc import Callable
from math import ceil
from typing import Any, Final

from tollbar.b2bua.facts import Fact
from tollbar.net.seam import Channel, Engine, Port, Tap
from tollbar.sip.flow import Flow, Hop

ROUNDS: Final = 16  # of facts and sends in one settle; what is left waits for the next turn
GRAIN: Final = 0.01  # seconds: deadlines that fall into one grain share a wake-up
TICK: Final = 0.5  # seconds between looks at the clock step and the beat
SWEEP: Final = 5.0  # seconds between looks for idle connections
STEP: Final = 0.01  # seconds UTC may drift from the offset before it is handed in again

Sink = Callable[[list[Fact]], None]
Beat = Callable[[], None]


class Driver:
    """Joins one engine to one event loop.

    ``sink`` gets every batch of facts before the outbox leaves. ``beat`` is called
    every half second. ``tap``, where set, sees every message.
    """

    __slots__ = (
        "alarm",
        "beat",
        "clock",
        "due",
        "engine",
        "loop",
        "ports",
        "send_errors",
        "sink",
        "swept",
        "tap",
        "ticking",
    )

    def __init__(
        self,
        engine: Engine,
        sink: Sink,
        loop: asyncio.AbstractEventLoop,
        *,
        beat: Beat | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine = engine
        self.sink = sink
        self.loop = loop
        self.beat = beat
        self.clock = clock
        self.ports: dict[str, Port] = {}
        self.tap: Tap | None = None
        self.alarm: asyncio.TimerHandle | None = None
        self.due: float | None = None
        self.ticking: asyncio.TimerHandle | None = None
        self.swept = 0.0
        self.send_errors = 0

    def add(self, port: Port) -> None:
        self.ports[port.name] = port
        port.attach(self)

    def start(self) -> None:
        """Read from now on: whatever had to be restored has been."""
        for port in self.ports.values():
            port.start()
        self.tick()
        self.settle(self.loop.time())

    def stop(self) -> None:
        for handle in (self.alarm, self.ticking):
            if handle is not None:
                handle.cancel()
        self.alarm = self.ticking = self.due = None
        for port in self.ports.values():
            port.close()

    def wake(self) -> None:
        """The armed deadline is due."""
        self.alarm = self.due = None
        now = self.loop.time()
        try:
            self.engine.expire(now)
        finally:
            self.settle(now)

    def lost(self, hop: Hop, error: Exception) -> None:
        """A connection broke or could not be made, or the network said a datagram is lost."""
        now = self.loop.time()
        try:
            self.engine.lost(hop, error, now)
        finally:
            self.settle(now)

    def noticed(self, kind: str, flow: Flow, what: str) -> None:
        """What an operator should hear of a connection, and no message will say."""
        now = self.loop.time()
        try:
            self.engine.noticed(kind, flow, f"{flow}: {what}", now)
        finally:
            self.settle(now)

    def committed(self, n: int) -> None:
        """Facts up to ``n`` are on disk."""
        now = self.loop.time()
        try:
            self.engine.committed(n, now)
        finally:
            self.settle(now)

    def not_committed(self, n: int, error: Exception) -> None:
        """Facts up to ``n`` are not on disk, and their steps should not wait for it."""
        now = self.loop.time()
        try:
            self.engine.not_committed(n, error, now)
        finally:
            self.settle(now)

    def settle(self, now: float) -> None:
        """Let out what the engine has: facts first, then messages; then arm the timer."""
        engine = self.engine
        tap = self.tap
        for _ in range(ROUNDS):
            facts = engine.take_facts()
            if facts:
                self.sink(facts)
            failed: list[tuple[Hop, OSError]] | None = None
            for hop, data in engine.take_outbox():
                if tap is not None:
                    tap.saw(False, hop, data)
                try:
                    channel: Any = hop.channel if type(hop) is Flow else self.reach(hop)
                    channel.send(data)
                except OSError as error:
                    failed = failed or []
                    failed.append((hop, error))
            if failed is None:
                break
            self.send_errors += len(failed)
            for hop, reason in failed:
                engine.lost(hop, reason, now)
        else:
            self.loop.call_soon(self.later)
        due = engine.next_deadline()
        if due is None:
            self.disarm()
        elif self.due is None or due <= self.due - GRAIN:
            # One that is armed for an earlier deadline, long cancelled perhaps, stays: arming
            # costs more than waking up for nothing.
            self.disarm()
            self.due = ceil(due / GRAIN) * GRAIN
            self.alarm = self.loop.call_at(self.due, self.wake)

    def disarm(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = self.due = None

    def later(self) -> None:
        self.settle(self.loop.time())

    def reach(self, hop: Hop) -> Channel:
        port = self.ports.get(hop.listener)
        if port is None or isinstance(hop, Flow):
            raise OSError(f"no listener {hop.listener!r}")
        return port.reach(hop)

    def tick(self) -> None:
        """Every half second: has UTC been stepped? Is a connection idle? And the beat."""
        now = self.loop.time()
        self.ticking = self.loop.call_at(now + TICK, self.tick)
        utc = self.clock()
        if abs(utc - now - self.engine.utc_offset) > STEP:
            self.engine.utc_offset = utc - now
        if self.beat is not None:
            self.beat()
        if now - self.swept >= SWEEP:
            self.swept = now
            for port in self.ports.values():
                port.sweep(now)

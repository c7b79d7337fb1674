"""The gateway as a process: everything built once, joined once, ended in order.

The composition root: the only place that knows every room. Order at start
(docs/decisions/0007-disk-first.md): lock the state directory, bind, restore the calls of the
last process, then read. Order at the end: no more reading, the last records to disk, the lock
released. A mistake at start is a ``StartError`` of one line.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from tollbar import __version__
from tollbar.b2bua.facts import CHAT, Assigned, Fact, Noticed
from tollbar.cdr.ledger import Ledger
from tollbar.console import Console
from tollbar.departure import Departure
from tollbar.disk import Disk
from tollbar.gateway import Gateway
from tollbar.gauges import measure
from tollbar.log import CallLog
from tollbar.metrics import Metrics
from tollbar.net.control import Control
from tollbar.net.driver import Driver
from tollbar.net.tcp import StreamPort
from tollbar.net.udp import UdpPort
from tollbar.outlet import Outlet
from tollbar.own_lines import OwnLines
from tollbar.policy.explain import as_json
from tollbar.reload import Fresh, Reload, mask_of
from tollbar.scrape import Scrape
from tollbar.seam import Engine, MakeEngine
from tollbar.signalling import listeners, rules, server_names
from tollbar.sip.flow import UDP
from tollbar.standing import Standing
from tollbar.store.archive import Archive
from tollbar.store.audit import Audit, AuditLine
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.errors import StoreError
from tollbar.store.local import LocalFile
from tollbar.store.soundness import must_be_whole
from tollbar.store.writer import Writer
from tollbar.trace import Trace
from tollbar.trail import Trail
from tollbar.watch import Watch

TIDY: Final = 60.0  # seconds
WRITE: Final = 10.0  # seconds the last changes get to reach a disk that fails
TELL: Final = 0.1  # seconds after which what happened is counted and logged
AUDITED: Final = frozenset((Assigned, Noticed))
SWITCH: Final = 0.0005  # seconds another thread may hold the interpreter against signalling

logger = logging.getLogger("tollbar")


class StartError(Exception):
    """Why the gateway cannot start, in one line."""


class Server:
    """One gateway. ``run`` lives from start to end; ``say`` gets the lines for a terminal."""

    def __init__(
        self,
        gateway: Gateway,
        standing: Standing,
        make_engine: MakeEngine,
        say: Callable[[str], None] = print,
        errors: int = 2,
    ) -> None:
        self.gateway = gateway
        self.standing = standing
        self.say = say
        self.make_engine = make_engine
        self.began = time.time()
        self.metrics = Metrics()
        self.mask = mask_of(gateway)
        self.outlet = Outlet(errors)
        self.tidy_at = 0.0
        self.switch = sys.getswitchinterval()
        self.untold: list[Fact] = []
        self.telling: asyncio.TimerHandle | None = None
        self.log = CallLog(self.outlet, self.mask, gateway.log_format, gateway.log_level)
        self.own_lines = OwnLines(self.outlet, gateway.log_format, gateway.log_level)
        self.ledger = Ledger(as_json)
        self.trail = Trail(self.append)
        self.audit: Audit | None = None
        self.trace: Trace | None = None
        self.local: LocalFile | None = None
        self.writer: Writer | None = None
        self.archive: Archive | None = None
        self.watch = Watch(standing, lambda: self._to_loop(self.take_directory))
        self.ports: list[UdpPort | StreamPort] = []
        self.control = Control(gateway.state_directory, Console(self).commands)
        self.scrape = Scrape(self.metrics, self.not_ready, self.tell)
        self.metrics_url = ""
        self.restored = 0
        self.reload = Reload(standing, self.take)
        self.engine: Engine
        self.driver: Driver
        self.disk: Disk
        self.departure: Departure
        self.loop: asyncio.AbstractEventLoop
        self.left: asyncio.Event

    # -- life

    async def run(self) -> int:
        """From start to end; the exit code. StartError where it cannot start."""
        self.loop = asyncio.get_running_loop()
        self.left = asyncio.Event()
        try:
            await self.start()
            self.greet()
            await self.left.wait()
        finally:
            await self.stop()
        return 0

    async def start(self) -> None:
        gateway = self.gateway
        self.loop.set_exception_handler(failed)
        try:
            self.local = LocalFile(gateway.state_directory, gateway.instance)
            must_be_whole(gateway.state_directory / DIRECTORY_FILE)
        except StoreError as error:
            raise StartError(str(error)) from error
        alive = self.local.last_beat()
        self.bind()
        offset = time.time() - self.loop.time()
        self.engine = self.make_engine(
            self.standing.snapshot, rules(gateway), listeners(gateway), os.urandom, offset
        )
        self.metrics.counters = self.engine.stack
        self.driver = Driver(self.engine, self.sink, self.loop, beat=self.beat)
        for port in self.ports:
            self.driver.add(port)
        self.disk = Disk(self.driver, self.engine.steps)
        self.writer = self.disk.writer = Writer(
            self.local, self._committed, self._not_committed, on_measured=self._measured
        )
        self.departure = Departure(self.engine, self.driver, self.ledger, self.loop.time, self.left)
        self.archive = Archive(self.local, self.writer, gateway.database, gateway.retention)
        measure(self)
        await self.listen()
        self.restore(alive)
        self.writer.start()
        self.archive.start()
        self.watch.start()
        sys.setswitchinterval(SWITCH)  # `stop` gives it back
        # What was loaded stays, and a call that is over leaves no circle (tests hold that): the
        # collector would walk every call in progress again and again to find nothing.
        gc.collect()
        gc.freeze()
        gc.disable()
        for number, act in (
            (signal.SIGTERM, self.departure.signalled),
            (signal.SIGINT, self.departure.signalled),
            (signal.SIGHUP, self.reload.signalled),
        ):
            self.loop.add_signal_handler(number, act)
        # `tollbar run` holds it back until here: a reload asked for at the start is done then.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        self.driver.start()

    def bind(self) -> None:
        """Every listener's socket, all or none."""
        names = server_names(self.gateway)
        for listener in self.gateway.listeners:
            where = f"{listener.transport} {shown(listener.host, listener.port)}"
            try:
                if listener.transport == UDP:
                    port: UdpPort | StreamPort = UdpPort(listener)
                else:
                    port = StreamPort(listener, names)
            except OSError as error:
                raise StartError(reason(error, f"listener {listener.name!r} ({where})")) from error
            self.ports.append(port)
            if not listener.port:
                listener.port = port.address[1]
            if not listener.advertise_port:
                listener.advertise_port = listener.port

    async def listen(self) -> None:
        """For the operator, and for who reads the metrics."""
        try:
            await self.control.start()
        except OSError as error:
            raise StartError(reason(error, f"control socket {self.control.path}")) from error
        host, port = self.gateway.metrics_host, self.gateway.metrics_port
        if not port:
            return
        try:
            self.metrics_url = f"http://{shown(*await self.scrape.start(host, port))}/metrics"
        except OSError as error:
            raise StartError(reason(error, f"metrics port {shown(host, port)}")) from error

    def restore(self, alive: float) -> None:
        assert self.local is not None
        calls = self.local.open_calls()
        self.ledger.restore(calls)
        going_on = [call.record for call in calls if not call.ended]
        self.metrics.restore(going_on)
        self.log.restore(going_on, self.engine.utc_offset)
        self.restored = sum(not call.ended and call.record.kind != CHAT for call in calls)
        self.engine.gate.sticky.restore(self.local.sticky())
        rows = [(call.record.record_id, call.kept, call.ended) for call in calls]
        for call, why in self.engine.restore(rows, alive, self.loop.time()):
            logger.error("call %s could not be taken up: %s", call, why)

    async def stop(self) -> None:
        await asyncio.to_thread(self.watch.stop)
        self.scrape.close()
        self.control.close()
        if hasattr(self, "driver"):
            self.driver.stop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self.loop.remove_signal_handler(number)
        else:
            for port in self.ports:
                port.close()
        hurried = hasattr(self, "departure") and self.departure.signals > 1
        if self.archive is not None:
            await asyncio.to_thread(self.archive.rest)
        if self.writer is not None and self.writer.alive:
            patience = 0.0 if hurried else WRITE
            stopped = await asyncio.to_thread(self.writer.stop, patience > 0, patience)
            if not stopped:
                logger.error("left with %d changes not on disk", self.writer.backlog)
        if self.archive is not None:
            await asyncio.to_thread(self.archive.stop, hurried)
        await self.trail.finish()
        if self.audit is not None:
            self.audit.database.close()
        if self.local is not None:
            self.local.close()
        sys.setswitchinterval(self.switch)
        gc.unfreeze()
        gc.enable()
        if self.trace is not None:
            self.trace.close()
        self.tell()
        self.outlet.close()

    def greet(self) -> None:
        """Where to look and what to do next."""
        places = ", ".join(
            f"{entry.transport} {shown(entry.host, entry.port)}" for entry in self.gateway.listeners
        )
        self.say(f"Tollbar {__version__} answers on {places}")
        calls = f", {self.restored} calls restored" if self.restored else ""
        self.say(f"  state    {self.gateway.state_directory}{calls}")
        self.say(f"  metrics  {self.metrics_url or 'off'}")
        self.say("  next     tollbar status | tollbar calls | tollbar cdr | tollbar report")
        self.say("  why      tollbar simulate --from 1001 --to 919195551234 --code 4711")

    # -- facts

    def sink(self, facts: list[Fact]) -> None:
        """Every fact, once: to disk, then to whoever counts or tells, a little later."""
        changes = []
        for fact in facts:
            if type(fact) in AUDITED:
                self.trail.fold(fact, self.ledger.find(fact.call))
            changes += self.ledger.fold(fact)
        if changes and self.writer is not None:
            number = facts[-1].number
            if not self.writer.submit(changes, number):
                error = StoreError("too many records wait for the disk")
                self.loop.call_soon(self.driver.not_committed, number, error)
        self.untold += facts
        if self.telling is None:
            self.telling = self.loop.call_later(TELL, self.tell)
        if self.trace is not None:
            self.trace.fold(facts)

    def tell(self) -> None:
        """Count and log what happened since the last time, all in one go: that costs half of
        what it would fact by fact, between other things."""
        if self.telling is not None:
            self.telling.cancel()
            self.telling = None
        facts, self.untold = self.untold, []
        self.metrics.fold(facts)
        self.log.fold(facts)
        self.log.flush()

    def _committed(self, n: int) -> None:
        self._to_loop(self.disk.committed, n)

    def _not_committed(self, n: int, error: Exception) -> None:
        self._to_loop(self.disk.not_committed, n, error)

    def _measured(self, seconds: float, _changes: int) -> None:
        # On the writer's thread: nobody else adds to this histogram.
        self.metrics.commit.add(seconds)

    def _to_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop has ended: nobody waits for the news any more
            return

    def append(self, lines: list[AuditLine]) -> None:
        """Write to the audit; its database is opened at the first line there is."""
        if self.audit is None:
            gateway = self.gateway
            url = gateway.database or sqlite_url(gateway.state_directory / DIRECTORY_FILE)
            self.audit = Audit(Database(url))
        self.audit.append(*lines)

    # -- time

    def beat(self) -> None:
        """Twice a second: what was not written yet, and whether it is time to go."""
        self.outlet.flush()
        if self.trace is not None:
            self.trace.flush()
        self.trail.flush(self.loop)
        self.tidy()
        self.disk.look()
        self.departure.look()

    def tidy(self) -> None:
        """Once a minute, when no call can be kept waiting: whatever went in a circle after all."""
        now = self.loop.time()
        if now >= self.tidy_at and not self.engine.open:
            self.tidy_at = now + TIDY
            gc.collect()

    def take(self, fresh: Fresh) -> None:
        """Put in force what was read again."""
        gateway = self.gateway = fresh.gateway
        for port in self.ports:
            if isinstance(port, StreamPort) and port.contexts is not None:
                port.contexts.take(fresh.contexts[port.name])
                port.server_names = server_names(gateway)
        self.mask = self.log.mask = mask_of(gateway)
        if self.trace is not None:
            self.trace.mask = self.mask
        for told in (self.log, self.own_lines):
            told.take(gateway.log_format, gateway.log_level)
        self.take_directory()

    def take_directory(self) -> None:
        """Whatever stands by now, the newest of both."""
        gateway, snapshot = self.standing.in_force
        self.engine.swap(snapshot, rules(gateway))
        self.driver.settle(self.loop.time())

    # -- what others ask

    def not_ready(self) -> str:
        """ "" or why no new call should come here."""
        if self.departure.draining:
            return "draining"
        if self.writer is None or not self.writer.alive:
            return "starting"
        if self.disk.failing:
            return "records cannot be written"
        return ""


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reason(error: OSError, what: str) -> str:
    # asyncio words its own; the system's is what one looks for.
    text = os.strerror(error.errno) if error.errno else str(error)
    return f"{what}: {text[:1].lower()}{text[1:]}"


def failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception nobody caught: its kind and its place, never its values."""
    error = context.get("exception")
    place = ""
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    logger.error("a fault in Tollbar: %s at %s", type(error).__name__, place or "unknown")

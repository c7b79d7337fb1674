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
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from tollbar import __version__
from tollbar.b2bua.chats import Chats
from tollbar.b2bua.facts import CHAT, Assigned, Fact, Noticed
from tollbar.b2bua.gate import Gate
from tollbar.b2bua.rules import Rules
from tollbar.b2bua.steps import Steps
from tollbar.cdr.ledger import Ledger
from tollbar.console import Console
from tollbar.gateway import Gateway
from tollbar.gauges import measure
from tollbar.log import CallLog
from tollbar.metrics import Counters, Metrics
from tollbar.net import seam
from tollbar.net.control import Control
from tollbar.net.driver import Driver
from tollbar.net.tcp import StreamPort
from tollbar.net.udp import UdpPort
from tollbar.outlet import Outlet
from tollbar.own_lines import OwnLines
from tollbar.policy.explain import as_json
from tollbar.policy.snapshot import Snapshot
from tollbar.reload import Fresh, Reload, mask_of
from tollbar.scrape import Scrape
from tollbar.signalling import listeners, rules, server_names
from tollbar.sip.flow import UDP
from tollbar.sip.stack import Listener
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

SETUPS: Final = 10.0  # seconds a call being set up gets after SIGTERM
TIDY: Final = 60.0  # seconds
TELL: Final = 0.1  # seconds after which what happened is counted and logged
AUDITED: Final = frozenset((Assigned, Noticed))
SWITCH: Final = 0.0005  # seconds another thread may hold the interpreter against signalling

logger = logging.getLogger("tollbar")


class StartError(Exception):
    """Why the gateway cannot start, in one line."""


class Engine(seam.Engine, Protocol):
    """The whole of the engine's seam."""

    @property
    def stack(self) -> Counters: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def chats(self) -> Chats: ...
    @property
    def open(self) -> Mapping[str, object]: ...
    @property
    def steps(self) -> Steps: ...
    def swap(self, snapshot: Snapshot, rules: Rules, /) -> None: ...
    def hangup(self, call: str, cause: str, now: float, /) -> bool: ...
    def assign(
        self,
        record_id: str,
        code: str,
        description: str,
        source: str,
        by: str,
        now: float,
        refused: str = "",
    ) -> int: ...
    def drain(self, now: float, /) -> None: ...
    def restore(
        self, calls: Iterable[tuple[str, bytes, bool]], alive: float, now: float, /
    ) -> Sequence[tuple[str, str]]: ...
    def setting_up(self) -> int: ...


class MakeEngine(Protocol):
    def __call__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        listeners: Iterable[Listener],
        entropy: Callable[[int], bytes],
        utc_offset: float,
    ) -> Engine: ...


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
        self.waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
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
        self.draining = False
        self.leave_at = 0.0  # monotonic; 0 is not leaving
        self.only_setups = False
        self.signals = 0
        self.reload = Reload(standing, self.take)
        self.disk_error = ""  # what was last said of the disk
        self.engine: Engine
        self.driver: Driver
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
        self.writer = Writer(
            self.local, self._committed, self._not_committed, on_measured=self._measured
        )
        self.archive = Archive(self.local, self.writer, gateway.database, gateway.retention)
        measure(self)
        try:
            await self.control.start()
            if gateway.metrics_port:
                host, number = await self.scrape.start(gateway.metrics_host, gateway.metrics_port)
                self.metrics_url = f"http://{shown(host, number)}/metrics"
        except OSError as error:
            raise StartError(reason(error, "the control socket or the metrics port")) from error
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
            (signal.SIGTERM, self.asked_to_leave),
            (signal.SIGINT, self.asked_to_leave),
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

    def restore(self, alive: float) -> None:
        assert self.local is not None
        calls = self.local.open_calls()
        self.ledger.restore(calls)
        self.metrics.restore(call.record for call in calls if not call.ended)
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
        if self.archive is not None:
            await asyncio.to_thread(self.archive.rest)
        if self.writer is not None and self.writer.alive:
            patience = 10.0 if self.signals < 2 else 0.0
            stopped = await asyncio.to_thread(self.writer.stop, patience > 0, patience)
            if not stopped:
                logger.error("left with %d changes not on disk", self.writer.backlog)
        if self.archive is not None:
            await asyncio.to_thread(self.archive.stop, self.signals > 1)
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
        self._to_loop(self.committed, n)

    def _not_committed(self, n: int, error: Exception) -> None:
        self._to_loop(self.not_committed, n, error)

    def _measured(self, seconds: float, _changes: int) -> None:
        # On the writer's thread: nobody else adds to this histogram.
        self.metrics.commit.add(seconds)

    def _to_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop has ended: nobody waits for the news any more
            return

    def committed(self, n: int) -> None:
        self.driver.committed(n)
        while self.waiting and self.waiting[0][0] <= n:
            news = self.waiting.popleft()[1]
            if not news.done():
                news.set_result(None)

    def on_disk(self, n: int) -> asyncio.Future[None]:
        """Done when fact ``n`` is on disk."""
        news: asyncio.Future[None] = self.loop.create_future()
        self.waiting.append((n, news))
        return news

    def append(self, lines: list[AuditLine]) -> None:
        """Write to the audit; its database is opened at the first line there is."""
        if self.audit is None:
            gateway = self.gateway
            url = gateway.database or sqlite_url(gateway.state_directory / DIRECTORY_FILE)
            self.audit = Audit(Database(url))
        self.audit.append(*lines)

    def not_committed(self, n: int, error: Exception) -> None:
        self.disk_says(str(error))
        self.driver.not_committed(n, error)

    def disk_says(self, error: str) -> None:
        """Once for each kind of trouble: the writer tries again more than once a second."""
        if error != self.disk_error:
            self.disk_error = error
            if error:
                logger.error("records cannot be written: %s", error)
            else:
                logger.warning("records are written again")

    @property
    def disk_failing(self) -> bool:
        """The disk refuses, or a commit takes longer than ``commit_deadline``."""
        return self.writer is not None and (self.writer.failing or self.engine.steps.disk_failed)

    # -- time

    def beat(self) -> None:
        """Twice a second: what was not written yet, and whether it is time to go."""
        self.outlet.flush()
        if self.trace is not None:
            self.trace.flush()
        self.trail.flush(self.loop)
        self.tidy()
        if not self.disk_failing:
            self.disk_says("")
        elif not self.disk_error:
            self.disk_says("a commit takes longer than commit_deadline")
        if self.draining and self.may_leave(self.loop.time()):
            self.left.set()

    def tidy(self) -> None:
        """Once a minute, when no call can be kept waiting: whatever went in a circle after all."""
        now = self.loop.time()
        if now >= self.tidy_at and not self.engine.open:
            self.tidy_at = now + TIDY
            gc.collect()

    def may_leave(self, now: float) -> bool:
        late = bool(self.leave_at) and now >= self.leave_at
        if late and self.engine.setting_up():
            # At the next beat, when both sides have been told.
            self.end_setups(now)
            return False
        if late:
            return True
        return not (self.engine.setting_up() if self.only_setups else self.engine.open)

    def end_setups(self, now: float) -> None:
        """No phone is left ringing for a gateway that may not come back."""
        for record in list(self.ledger.running()):
            if record.answer is None:
                self.engine.hangup(record.record_id, "shutdown", now)
        self.driver.settle(now)

    def drain(self, seconds: float | None, only_setups: bool = False) -> None:
        """No new calls; leave when those that count have ended, or after ``seconds``."""
        now = self.loop.time()
        if not self.draining:
            self.draining = True
            self.engine.drain(now)
            self.driver.settle(now)
        self.only_setups = only_setups
        self.leave_at = 0.0 if seconds is None else now + seconds

    def asked_to_leave(self) -> None:
        self.signals += 1
        if self.signals > 1:
            self.left.set()
            return
        logger.warning("leaving: no new calls; calls that are up go on at the next start")
        self.drain(SETUPS, only_setups=True)
        if self.may_leave(self.loop.time()):
            self.left.set()

    def take(self, fresh: Fresh) -> None:
        """Put in force what was read again."""
        gateway = self.gateway = fresh.gateway
        for port in self.ports:
            if isinstance(port, StreamPort) and port.contexts is not None:
                port.contexts.take(fresh.contexts[port.name])
                port.server_names = server_names(gateway)
        self.mask = self.log.mask = mask_of(gateway)
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
        if self.draining:
            return "draining"
        if self.writer is None or not self.writer.alive:
            return "starting"
        if self.disk_failing:
            return "records cannot be written"
        return ""


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reason(error: OSError, what: str) -> str:
    text = error.strerror or str(error)
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

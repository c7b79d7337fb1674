"""The one thread that writes the local file (docs/decisions/0007-disk-first.md).

At rest a change is committed at once. One that comes within ``PACE`` of the commit before
waits for others, ``PACE`` at most: under load many share a sync. What nobody waits for does
not wake it: that goes with the heartbeat, at least once a second.
A batch that fails stays at the head and is tried again with growing delay: nothing is lost
and nothing is written twice. What waits is bounded.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from tollbar.cdr.ledger import Change, Forgotten, Opened, Refusal
from tollbar.store.batch import Batch
from tollbar.store.errors import StoreError
from tollbar.store.local import LocalFile

BEAT: Final = 0.8  # seconds; with a commit's own time still at least every second
RIDE: Final = 0.4  # seconds after which a heartbeat rides along with a commit
PACE: Final = 0.004  # seconds a change waits for others to share its commit, at most
DISCARDS: Final = 50  # records deleted by one commit, at most
RETRY_FIRST: Final = 0.05
RETRY_LAST: Final = 0.8

Submission = tuple[Sequence[Change], int, float]
"""Changes, the number of their last fact, and when they came."""


class Writer:
    """Feeds one LocalFile. ``submit`` and ``stop`` belong to one thread, the callbacks run
    in the writer's."""

    def __init__(
        self,
        local: LocalFile,
        on_committed: Callable[[int], None],
        on_failed: Callable[[int, Exception], None],
        *,
        on_measured: Callable[[float, int], None] | None = None,
        limit: int = 200_000,
        utc: Callable[[], float] = time.time,
    ) -> None:
        """``on_committed(n)``: whatever of the submitted up to ``n`` somebody waits for is on disk.
        ``on_failed(n, error)``: nothing after the last ``on_committed`` is, up to ``n``; it
        will be tried again. ``on_measured(seconds, changes)`` after each commit.
        ``limit`` bounds the changes that may wait; of calls turned away a quarter of it."""
        self._local = local
        self._on_committed = on_committed
        self._on_failed = on_failed
        self._on_measured = on_measured
        self._limit = limit
        self._spare = limit // 4
        self._utc = utc
        self._waiting: deque[Submission] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._discards: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._thread = Thread(target=self._run, name="tollbar-writer", daemon=True)
        # The submitting thread's.
        self._submitted = 0
        self._turned_away: set[str] = set()
        self.refused = 0
        self.overflowed = 0  # calls turned away without a record
        # The writer thread's; others only read.
        self._batch = Batch()
        self._merged = 0
        self._received = 0
        self._number = 0
        self._since = 0.0  # when the first came that somebody waits for, if the batch is durable
        self._delay = 0.0
        self._stop_by: float | None = None
        self._asleep = False  # until the bell rings
        self.failing = False
        self.discarded = 0

    def start(self) -> None:
        """Start the thread; the first heartbeat is written at once."""
        self._thread.start()

    def submit(self, changes: Sequence[Change], n: int) -> bool:
        """Hand over the changes of facts up to number ``n``. False: too much waits already,
        the calls that begin in ``changes`` were turned away and never get on disk."""
        accepted = True
        if self._turned_away or self.backlog + len(changes) > self._spare:
            before = self.refused
            changes = self._bounded(changes)
            accepted = self.refused == before
        self._submitted += len(changes)
        self._waiting.append((changes, n, time.monotonic()))
        if self._asleep and any(change.durable for change in changes):
            self._asleep = False  # rung once
            self._bell.put(None)
        return accepted

    def discard(self, key: tuple[str, str]) -> None:
        """From any thread: delete the record of ``key`` (tenant and record id), which another
        database has. It rides along with a commit; ``discarded`` counts those that are gone."""
        self._discards.put(key)
        if self._discards.qsize() == DISCARDS:
            self._bell.put(None)  # enough for a commit of their own

    def _bounded(self, changes: Sequence[Change]) -> list[Change]:
        """``changes`` without calls that begin while too much waits: those that run are
        bounded, those that begin are not."""
        waiting = self.backlog + len(changes)
        full = waiting > self._limit
        through: list[Change] = []
        for change in changes:
            if type(change) is Refusal:
                if waiting > self._spare:
                    self.overflowed += 1
                else:
                    through.append(change)
            elif full and type(change) is Opened:
                self._turned_away.add(change.record_id)
                self.refused += 1
            elif change.record_id not in self._turned_away:
                through.append(change)
            elif type(change) is Forgotten:
                self._turned_away.discard(change.record_id)
        return through

    @property
    def backlog(self) -> int:
        """How many changes wait, for metrics."""
        return self._submitted - self._received + self._merged

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, flush: bool = True, timeout: float = 10.0) -> bool:
        """End the thread, with ``flush`` after one last commit of what waits. True: all of
        it is on disk. The LocalFile stays open."""
        self._stop_by = time.monotonic() + (timeout if flush else 0.0)
        self._bell.put(None)
        self._thread.join(timeout + 1.0)
        return not self._thread.is_alive() and self.backlog == 0

    def _run(self) -> None:
        clock = time.monotonic
        beat_at = retry_at = paced_at = clock()
        while True:
            many = self._discards.qsize() >= DISCARDS
            until = 0.0 if many else max(retry_at, beat_at)
            self._pause(paced_at)
            self._sleep(retry_at if self.failing else until)
            if self._batch.durable and self._since < paced_at:
                # A sync costs more than all the rows it carries: under load it carries more.
                self._pause(self._since + PACE)
                self._gather()
            now = clock()
            stopping = self._stop_by is not None
            if stopping and (not len(self._batch) or now >= (self._stop_by or 0.0)):
                return
            if now < retry_at and not stopping:
                continue
            if not (self._batch.durable or now >= beat_at or stopping or many):
                continue
            paced_at = now + PACE
            beat = stopping or now >= beat_at - (BEAT - RIDE)
            if self._write(beat):
                retry_at = 0.0
                if beat:
                    beat_at = now + BEAT
            else:
                retry_at = clock() + self._delay
                if stopping:
                    time.sleep(min(self._delay, max(0.0, (self._stop_by or 0.0) - clock())))

    def _pause(self, until: float) -> None:
        """Sleep, and no bell wakes it."""
        pause = until - time.monotonic()
        if pause > 0.0 and self._stop_by is None:
            time.sleep(pause)

    def _sleep(self, until: float) -> None:
        """Until somebody waits for what is submitted, or ``until``; then take that in."""
        self._asleep = True
        self._gather()  # what came before the bell was listened to
        wait = until - time.monotonic() if self._stop_by is None else 0.0
        if wait > 0 and (self.failing or not self._batch.durable):
            with suppress(Empty):
                self._bell.get(timeout=wait)
        self._asleep = False
        self._gather()

    def _gather(self) -> None:
        """Take in all that was submitted."""
        waiting, batch = self._waiting, self._batch
        while waiting:
            changes, self._number, came = waiting.popleft()
            if not batch.durable:
                self._since = came
            batch.add(changes)
            # In this order the backlog, read meanwhile, is too high, never too low.
            self._merged = len(batch)
            self._received += len(changes)

    def _gather_discards(self, discarded: list[tuple[str, str]]) -> None:
        try:
            while len(discarded) < DISCARDS:
                discarded.append(self._discards.get_nowait())
        except Empty:
            return

    def _write(self, beat: bool) -> bool:
        batch, number = self._batch, self._number
        if beat:
            batch.hurry()
        self._gather_discards(batch.discarded)
        began = time.monotonic()
        try:
            self._local.write(batch, self._utc() if beat else None)
        except StoreError as error:
            self.failing = batch.attempted = True
            self._delay = min(max(self._delay * 2, RETRY_FIRST), RETRY_LAST)
            self._on_failed(number, error)
            return False
        self.failing = False
        self._delay = 0.0
        self._batch = rest = batch.rest()
        self._merged = len(rest)
        self.discarded += len(batch.discarded)
        if self._on_measured is not None:
            self._on_measured(time.monotonic() - began, len(batch) - len(rest))
        self._on_committed(number)
        return True

"""Carries finished records from the local file to the database of the URL.

A thread of its own, with its own connections: what it does no call waits for. A record goes
once its call is closed, is inserted unless the database has it (so that one may go twice, and
one that was corrected meanwhile stays as it is), and leaves the local file by the writer. While
the database is away records wait on disk. It must never take a record from the local file that
the database has not committed.
"""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Protocol

from tollbar.cdr.record import COLUMNS
from tollbar.store import schema
from tollbar.store.database import Database
from tollbar.store.errors import StoreError

PAGE: Final = 100  # records in one transaction
BREATH: Final = 0.02  # seconds between two pages: calls have the interpreter first
PAUSE: Final = 0.5  # seconds between looks for new ones
RETRY_FIRST: Final = 0.5
RETRY_LAST: Final = 15.0
UNDISCARDED: Final = 2_000  # records the writer may still have to delete
SILENT: Final = 15.0  # seconds after which a database that says nothing is told of
COUNT: Final = 2.0  # seconds between counts of what waits, at least: a million take their time

Key = tuple[str, str]
"""Tenant and record id."""

logger = logging.getLogger("tollbar")


class Discards(Protocol):
    """The writer, which deletes what was delivered: in order, and counts it when it is done."""

    @property
    def discarded(self) -> int: ...
    def discard(self, key: Key, /) -> None: ...


class Delivery:
    """One local file to one database. ``start`` and ``stop`` belong to one thread."""

    def __init__(
        self,
        path: Path,
        connect: Callable[[], Database],
        discards: Discards,
        *,
        utc: Callable[[], float] = time.time,
    ) -> None:
        """``path`` is the local file; ``connect`` opens the database, or raises StoreError."""
        self._path = path
        self._connect = connect
        self._discards = discards
        self._utc = utc
        self._database: Database | None = None
        self._thread = Thread(target=self._run, name="tollbar-delivery", daemon=True)
        self._stopping = Event()
        self._stop_by = 0.0
        # Delivered, but the writer may not have deleted them yet.
        self._left: deque[Key] = deque()
        self._discarded = 0
        self._count_at = 0.0
        self._asked_at = 0.0  # monotonic, of what the database has not answered; 0.0: nothing
        # The thread's; others only read.
        self.backlog = 0
        self.oldest = 0.0  # UTC seconds at which the first that waits ended; 0.0: none waits
        self.delivered = 0
        self.error = ""

    def start(self) -> None:
        """Start the thread. The database need not be there."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def age(self) -> float:
        """For how many seconds the oldest record has waited."""
        return max(0.0, self._utc() - self.oldest) if self.oldest else 0.0

    @property
    def trouble(self) -> str:
        """What is wrong with the database, "" if it is well. A server that hangs keeps the
        thread, which can then say nothing itself."""
        asked_at = self._asked_at
        waited = time.monotonic() - asked_at if asked_at else 0.0
        return f"has not answered for {waited:.0f} s" if waited > SILENT else self.error

    def stop(self, timeout: float) -> bool:
        """End the thread after one last try of at most ``timeout`` seconds. True: nothing
        waits any more."""
        self._stop_by = time.monotonic() + timeout
        self._stopping.set()
        self._thread.join(timeout + 1.0)
        return not self._thread.is_alive() and not self.backlog and not self.error

    def undiscarded(self) -> list[Key]:
        """What was delivered and the writer has not deleted, once both have stopped; nothing
        where this one has not (a database that says nothing holds it)."""
        if self.alive:
            return []
        self._settle()
        return list(self._left)

    def _run(self) -> None:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        delay = 0.0
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None)) as local:
            while True:
                stopping = self._stopping.is_set()
                try:
                    more = self._round(local)
                    delay = 0.0
                except (StoreError, sqlite3.Error) as error:
                    more = False
                    self._said(str(error))
                    delay = min(max(2 * delay, RETRY_FIRST), RETRY_LAST)
                if stopping and (not more or time.monotonic() >= self._stop_by):
                    break
                if not stopping:
                    self._stopping.wait(BREATH if more else delay or PAUSE)
        if self._database is not None:
            self._database.close()

    def _round(self, local: sqlite3.Connection) -> bool:
        """Deliver one page; whether there is more to go at once."""
        self._settle()
        known = set(self._left)
        if len(known) >= UNDISCARDED:
            return False
        with closing(local.execute(schema.DELIVERABLE)) as cursor:
            found = cursor.fetchmany(PAGE + len(known))
        rows = [row for row in found if (row[_TENANT], row[_RECORD_ID]) not in known]
        self._measure(local, rows)
        if not rows:
            if self.error and self._stopping.is_set():
                return False
            if self.error:
                self._insert([])  # is it back?
            return False
        self._insert(rows[:PAGE])
        for row in rows[:PAGE]:
            key = row[_TENANT], row[_RECORD_ID]
            self._left.append(key)
            self._discards.discard(key)
        self.delivered += len(rows[:PAGE])
        self._measure(local, rows[PAGE:])
        return len(rows) >= PAGE

    def _insert(self, rows: Sequence[Sequence[Any]]) -> None:
        self._asked_at = time.monotonic()
        try:
            self._inserted(rows)
        finally:
            self._asked_at = 0.0
        self._said("")

    def _inserted(self, rows: Sequence[Sequence[Any]]) -> None:
        if self._database is None:
            self._database = self._elsewhere(self._connect())
        with self._database.writing() as connection:
            if rows:
                insert = self._database.insert(schema.record)
                connection.execute(
                    insert.on_conflict_do_nothing(index_elements=_KEY),
                    [dict(zip(COLUMNS, map(_storable, row), strict=True)) for row in rows],
                )
            else:
                connection.exec_driver_sql("SELECT 1")

    def _elsewhere(self, database: Database) -> Database:
        """Never to the file itself: it has every record, so each would be deleted at once."""
        if database.file is not None and database.file.samefile(self._path):
            database.close()
            raise StoreError(f"{self._path} is the local file itself, leave `database` out")
        return database

    def _settle(self) -> None:
        """Forget what the writer has deleted."""
        discarded = self._discards.discarded
        for _ in range(discarded - self._discarded):
            self._left.popleft()
        self._discarded = discarded

    def _measure(self, local: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
        """What waits: counted in full only now and then where it is more than a page."""
        self.oldest = rows[0][_END] / 1000 if rows else 0.0
        if len(rows) < PAGE:
            self.backlog = len(rows)
        elif time.monotonic() >= self._count_at:
            began = time.monotonic()
            (waiting,) = local.execute(schema.WAITING).fetchone()
            self.backlog = max(len(rows), waiting - len(self._left))
            now = time.monotonic()
            self._count_at = now + max(COUNT, 50 * (now - began))

    def _said(self, error: str) -> None:
        """One line when the database goes, one when it is back."""
        if error and not self.error:
            logger.error("records wait on this machine's disk: %s", error)
        elif self.error and not error:
            logger.warning("records reach their database again")
        self.error = error


_KEY: Final = ("tenant", "record_id")
_TENANT: Final = COLUMNS.index("tenant")
_RECORD_ID: Final = COLUMNS.index("record_id")
_END: Final = COLUMNS.index("end")


def _storable(value: Any) -> Any:
    """PostgreSQL's text holds every character but one."""
    return value.replace("\0", "\\x00") if isinstance(value, str) and "\0" in value else value

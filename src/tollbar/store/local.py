"""The local file: open calls and records on this machine's disk (docs/decisions/0013-sqlite.md).

One SQLite file in the state directory, WAL, ``synchronous=FULL``: what ``commit`` returned
from survives ``kill -9`` and a power cut. One process owns the directory, by a lock.
It must never be used by two threads at once, and never interpret ``kept``.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tollbar.cdr.ledger import Change, OpenCall
from tollbar.cdr.record import from_draft
from tollbar.store import schema, upgrade
from tollbar.store.batch import Batch, Row
from tollbar.store.database import Database, sqlite_url
from tollbar.store.errors import StoreError
from tollbar.store.lock import Lock
from tollbar.store.owner import hand_over
from tollbar.store.pragmas import PAGE_SIZE, PRAGMAS, WAL
from tollbar.store.soundness import Watch, must_be_sound

FILE: Final = "tollbar.sqlite"

Connect = Callable[[Path], sqlite3.Connection]


def connect(path: Path) -> sqlite3.Connection:
    """A connection that leaves transactions to us and waits briefly for other writers."""
    return sqlite3.connect(
        path, timeout=1.0, isolation_level=None, check_same_thread=False, cached_statements=64
    )


class LocalFile:
    """The state directory's SQLite file, opened and locked."""

    def __init__(
        self, directory: Path, instance: str = "tollbar", connect: Connect = connect
    ) -> None:
        """Lock ``directory`` (made if missing), open or create the file, bring it up to date.

        Raises StoreError: another process holds the directory, not a Tollbar file, a newer
        schema, no permission.
        """
        self.path = directory / FILE
        self.instance = instance
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            why = error.strerror or str(error)
            raise StoreError(f"cannot make state directory {directory}: {why}") from error
        self._lock = Lock(directory)
        self._connect = connect
        try:
            self._connection = self._opened()
        except BaseException:
            self._lock.release()
            raise

    def _opened(self) -> sqlite3.Connection:
        connection = None
        try:
            must_be_sound(self.path)
            if not self.path.exists():
                self.path.touch(mode=0o600)  # whoever made the directory, and however open
                hand_over(self.path, self.path.parent)
            connection = self._connect(self.path)
            self._prepare(connection)
            self._watch = Watch(self.path)
        except (sqlite3.Error, OSError, StoreError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot open {self.path}: {error}") from error
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        def query(sql: str) -> list[Any]:
            return connection.execute(sql).fetchall()

        connection.execute(PAGE_SIZE)
        current = upgrade.current(query, "sqlite", str(self.path))
        for pragma in (WAL, *PRAGMAS):
            connection.execute(pragma)
        if not current:
            Database(sqlite_url(self.path)).close()

    def commit(self, changes: Sequence[Change], beat: float | None = None) -> None:
        """Write ``changes`` in one transaction; on disk when it returns, else StoreError."""
        batch = Batch()
        batch.add(changes)
        batch.hurry()
        self.write(batch, beat)

    def write(self, batch: Batch, beat: float | None = None) -> None:
        """Write ``batch`` and, given ``beat``, the heartbeat in one transaction.

        With the heartbeat comes a look at the file: one that was removed or overwritten takes
        whatever is written to it, and none of it would be there after a restart."""
        if beat is not None:
            self._watch.look()
        groups: list[tuple[str, list[Row]]] = [
            (schema.OPEN, batch.opens(self.instance)),
            (schema.ADVANCE, batch.advances()),
            (schema.REDRAFT, list(batch.redrafted.values())),
            (schema.KEEP, list(batch.kept.values())),
            (schema.FINISH, batch.finishes()),
            (schema.FORGET, list(batch.forgotten.values())),
            (schema.DISCARD, list(batch.discarded)),
            (schema.STICK, batch.stuck()),
            (schema.UNSTICK, batch.unstuck()),
        ]
        if beat is not None:
            groups.append((schema.BEAT, [(self.instance, round(beat * 1000))]))
        try:
            self._transact(groups)
        except UnicodeEncodeError:
            # Bytes of a message that are no UTF-8; one such call must not hold up the rest.
            self._transact([(sql, [_encodable(row) for row in rows]) for sql, rows in groups])

    def _transact(self, groups: list[tuple[str, list[Row]]]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in groups:
                if rows:
                    connection.executemany(sql, rows)
            connection.execute("COMMIT")
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            self._roll_back()
            if isinstance(error, UnicodeEncodeError):
                raise
            if getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY":
                self._open_again()
            raise StoreError(f"cannot write {self.path}: {error}") from error

    def _open_again(self) -> None:
        """SQLite opens for reading what it may not write, and stays with that when it may."""
        connection = None
        try:
            connection = self._connect(self.path)
            for pragma in PRAGMAS:
                connection.execute(pragma)
        except sqlite3.Error:
            if connection is not None:
                connection.close()
            return
        self._connection.close()
        self._connection = connection

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The error that led here is the one worth telling; BEGIN will fail on this one.
            return

    def discard(self, keys: Sequence[tuple[str, str]]) -> None:
        """Delete records that another database has; those of open calls stay."""
        if keys:
            self._transact([(schema.DISCARD, list(keys))])

    def open_calls(self) -> list[OpenCall]:
        """This instance's open calls, oldest first, those ended but not closed included."""
        calls = []
        try:
            for row in self._connection.execute(schema.OPEN_CALLS, (self.instance,)):
                draft, trunk, tries, b_call_id, ringing, answer, kept, ended, instance = row
                record = from_draft(draft)
                record.trunk = trunk
                record.tries = tries
                record.b_call_id = b_call_id
                record.ringing = ringing
                record.answer = answer
                calls.append(OpenCall(record, kept, bool(ended), instance))
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"cannot read {self.path}: {error}") from error
        return calls

    def sticky(self) -> list[tuple[tuple[str, str], str]]:
        """The sticky codes: ((tenant, holder), code)."""
        try:
            rows = self._connection.execute(schema.STICKY).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self.path}: {error}") from error
        return [((tenant, holder), code) for tenant, holder, code in rows]

    def beat(self, utc: float) -> None:
        """Write the heartbeat: this process was alive at ``utc``."""
        self.write(Batch(), utc)

    def last_beat(self) -> float:
        """The last heartbeat of this instance, 0.0 if there is none. Ask before beating."""
        row = self._connection.execute(schema.LAST_BEAT, (self.instance,)).fetchone()
        return row[0] / 1000 if row else 0.0

    def close(self) -> None:
        """Close the file and let go of the directory. Twice is fine."""
        self._connection.close()
        self._watch.close()
        self._lock.release()


def _encodable(row: Row) -> Row:
    return tuple(
        v.encode("utf-8", "backslashreplace").decode() if isinstance(v, str) else v for v in row
    )

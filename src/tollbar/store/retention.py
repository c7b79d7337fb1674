"""Deletes records and audit lines that are older than gateway.yaml lets them become.

Off unless configured. Once an hour, in a thread of its own and page by page. Records in the
local file are deleted by the writer, with its own commits; those of a database of the URL by
transactions of one page. It must never delete a record that was not delivered, nor one whose
call is open, nor anything of a kind without a term.
"""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Final

from sqlalchemy import delete, exists, select, tuple_

from tollbar.store.database import Database
from tollbar.store.databases import Databases
from tollbar.store.delivery import UNDISCARDED, Discards, Key
from tollbar.store.errors import StoreError
from tollbar.store.schema import audit, dated, open_call, record

AUDIT: Final = "audit"
"""The kind that is no outcome of a record."""

DAY: Final = 86400  # seconds
PAGE: Final = 500  # rows in one transaction
EVERY: Final = 3600.0  # seconds
FIRST: Final = 60.0  # seconds after the start
WAIT: Final = 0.05  # seconds between two pages, for whoever else wants the database

logger = logging.getLogger("tollbar")


class Retention:
    """The terms of one gateway, seconds by outcome or ``audit``, applied to its databases."""

    def __init__(
        self,
        terms: Mapping[str, float],
        connect: Callable[[], Databases],
        writer: Discards | None = None,
        *,
        utc: Callable[[], float] = time.time,
    ) -> None:
        """``writer`` where the records are in the local file, None where they are elsewhere."""
        self.terms = terms
        self._connect = connect
        self._writer = writer
        self._utc = utc
        self._handed = 0  # to the writer, so far
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="tollbar-retention", daemon=True)
        # The thread's; others only read.
        self.removed = 0
        self.applied = 0.0  # UTC seconds of the last round; 0.0: none yet
        self.error = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the page it is at. Before its start it is nothing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(15.0)

    def __str__(self) -> str:
        terms = ", ".join(f"{kind} {term / DAY:g}d" for kind, term in self.terms.items())
        return f"{terms}; {self.error or f'{self.removed} removed since the start'}"

    def apply(self) -> dict[str, int]:
        """One round: how much was removed, by kind."""
        removed = {}
        databases = self._connect()
        try:
            for kind, seconds in self.terms.items():
                before = round((self._utc() - seconds) * 1000)
                if kind == AUDIT:
                    # What was corrected is told beside the record.
                    places = {databases.directory, databases.records}
                    count = sum(self._audit(place, before) for place in places)
                else:
                    count = self._records(databases.records, kind, before)
                if count:
                    removed[kind] = count
                    self.removed += count
        finally:
            databases.close()
        self.applied = self._utc()
        return removed

    def _run(self) -> None:
        wait = FIRST
        while not self._stopping.wait(wait):
            wait = EVERY
            try:
                removed = self.apply()
                self.error = ""
            except StoreError as error:
                self.error = str(error)
                logger.error("old records stay where they are: %s", error)
            else:
                if removed:
                    told = ", ".join(f"{count} {kind}" for kind, count in removed.items())
                    logger.warning("removed by their age: %s", told)

    def _records(self, database: Database, outcome: str, before: int) -> int:
        """Each tenant's from the oldest on, by the index."""
        count = 0
        with database.reading() as connection:
            tenants = list(connection.scalars(select(record.c.tenant).distinct()))
        for tenant in tenants:
            after: tuple[int, int] | None = None
            while not self._stopping.is_set():
                where = [
                    record.c.tenant == tenant,
                    dated < before,
                    record.c.outcome == outcome,
                    _CLOSED,
                ]
                if after is not None:
                    where.append(tuple_(dated, record.c.seq) > after)
                page = (
                    select(dated, record.c.seq, record.c.record_id)
                    .where(*where)
                    .order_by(dated, record.c.seq)
                    .limit(PAGE)
                )
                with database.reading() as connection:
                    rows = connection.execute(page).all()
                if rows:
                    self._remove(database, [(tenant, row[2]) for row in rows])
                    count += len(rows)
                    after = rows[-1][0], rows[-1][1]
                if len(rows) < PAGE:
                    break
                self._stopping.wait(WAIT)
        return count

    def _remove(self, database: Database, keys: list[Key]) -> None:
        if self._writer is not None:
            for key in keys:
                self._writer.discard(key)
            self._handed += len(keys)
            # While the disk fails nothing is deleted: what waits for that is bounded.
            while self._handed - self._writer.discarded >= UNDISCARDED:
                if self._stopping.wait(WAIT):
                    return
            return
        with database.writing() as connection:
            # All of one tenant.
            ids = [record_id for _, record_id in keys]
            ours = record.c.tenant == keys[0][0]
            connection.execute(delete(record).where(ours, record.c.record_id.in_(ids), _CLOSED))

    def _audit(self, database: Database, before: int) -> int:
        count = 0
        while not self._stopping.is_set():
            oldest = select(audit.c.seq).where(audit.c.at < before).order_by(audit.c.at)
            with database.reading() as connection:
                found = list(connection.scalars(oldest.limit(PAGE)))
            if found:
                with database.writing() as connection:
                    connection.execute(delete(audit).where(audit.c.seq.in_(found)))
                count += len(found)
            if len(found) < PAGE:
                break
            self._stopping.wait(WAIT)
        return count


_CLOSED: Final = ~exists().where(
    open_call.c.tenant == record.c.tenant, open_call.c.record_id == record.c.record_id
)

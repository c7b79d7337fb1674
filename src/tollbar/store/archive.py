"""Where records go after their call: to the database of the URL, and with age away.

Puts delivery and retention together for one gateway and ends them in order. It must never
stand between a call and its record.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from tollbar.store.database import Database
from tollbar.store.databases import Databases, open_databases
from tollbar.store.delivery import Delivery
from tollbar.store.errors import StoreError
from tollbar.store.local import LocalFile
from tollbar.store.retention import Retention
from tollbar.store.writer import Writer

CARRY: Final = 5.0  # seconds the last records get to reach their database at the end

Gauges = dict[tuple[str, str], Callable[[], float]]
"""Name and help to what reads the value."""

logger = logging.getLogger("tollbar")


class Archive:
    """``url`` is that of gateway.yaml, ``terms`` its retention; either may be empty."""

    __slots__ = ("_local", "_writer", "delivery", "retention")

    def __init__(
        self, local: LocalFile, writer: Writer, url: str, terms: Mapping[str, float]
    ) -> None:
        self._local = local
        self._writer = writer
        state = local.path.parent

        def database() -> Database:
            return Database(url)

        def databases() -> Databases:
            return open_databases(state, url)

        self.delivery = Delivery(local.path, database, writer) if url else None
        self.retention = Retention(terms, databases, None if url else writer) if terms else None

    def start(self) -> None:
        """After the writer."""
        if self.delivery is not None:
            self.delivery.start()
        if self.retention is not None:
            self.retention.start()

    def rest(self) -> None:
        """Before the writer stops: nothing more is deleted by age."""
        if self.retention is not None:
            self.retention.stop()

    def stop(self, hurry: bool = False) -> None:
        """After the writer: what is on disk is delivered, if that can be done in a moment;
        the rest goes at the next start."""
        delivery = self.delivery
        if delivery is None or not delivery.alive:
            return
        if not delivery.stop(0.0 if hurry else CARRY):
            logger.error("left with %d records that wait for their database", delivery.backlog)
        try:
            self._local.discard(delivery.undiscarded())
        except StoreError as error:
            logger.error("what was delivered stays on this machine's disk: %s", error)

    def status(self) -> dict[str, object]:
        """For ``tollbar status``."""
        delivery, retention = self.delivery, self.retention
        found: dict[str, object] = {"undelivered": 0, "database": "", "retention": ""}
        if delivery is not None:
            found["undelivered"] = delivery.backlog
            found["database"] = delivery.trouble or f"well, {delivery.delivered} records delivered"
        if retention is not None:
            found["retention"] = str(retention)
        return found

    def gauges(self) -> Gauges:
        """What is shown with the metrics."""
        delivery = self.delivery
        return {
            (
                "tollbar_delivery_backlog",
                "Records that wait for the database of the URL.",
            ): lambda: delivery.backlog if delivery else 0,
            (
                "tollbar_delivery_oldest_seconds",
                "How long ago the oldest of them ended.",
            ): lambda: delivery.age if delivery else 0.0,
        }

    def sums(self) -> Gauges:
        """The same for what only grows."""
        retention = self.retention
        return {
            (
                "tollbar_retention_removed",
                "Records and audit lines removed by their age.",
            ): lambda: retention.removed if retention else 0
        }

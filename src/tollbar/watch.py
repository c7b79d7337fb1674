"""The directory followed in its database, by a thread beside the signalling.

It asks for the revision twice a second; on a new one it fetches what changed, compiles it and
has it swapped in. What does not fit gateway.yaml is said, and the old directory stays. A
database that is away is said once, and once when it is back. It must never say an account code.
"""

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from tollbar.administration import directory_database, keep
from tollbar.finding import Rejected
from tollbar.standing import Standing
from tollbar.store.database import Database
from tollbar.store.directory import DirectoryStore
from tollbar.store.errors import Moved, StoreError

POLL: Final = 0.5  # seconds
QUIET: Final = 5.0  # seconds without a change before the last good directory is kept

logger = logging.getLogger("tollbar")


class Watch:
    """``taken`` is called, on the watching thread, when there is something new in force."""

    def __init__(self, standing: Standing, taken: Callable[[], None], poll: float = POLL) -> None:
        self.standing = standing
        self.error = ""
        self._taken = taken
        self._poll = poll
        self._seen = standing.taken
        self._keep_at = 0.0  # monotonic; 0 is nothing to keep
        self._database: Database | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="directory", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Twice is fine; a question the database does not answer is not waited for."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stopping.wait(self._poll):
            try:
                self._look()
            except StoreError as error:
                self._says(str(error))
            else:
                self._says("")
        if self._database is not None:
            self._database.close()

    def _look(self) -> None:
        if self._database is None:
            self._database = directory_database(self.standing.gateway)
        store = DirectoryStore(self._database)
        revision = store.revision()
        if revision != self._seen:
            self._take(store, revision)
        elif self._keep_at and time.monotonic() >= self._keep_at:
            self._keep_at = 0.0
            keep(self.standing.gateway, store.load(), logger.error)

    def _take(self, store: DirectoryStore, revision: int) -> None:
        try:
            revision = self._fetch(store)
        except Rejected as refused:
            self._seen = revision
            logger.error(
                "directory revision %d cannot be used, the old one stays (tollbar check tells why: "
                "%d findings)",
                revision,
                len(refused.findings),
            )
            return
        self._seen = revision
        self._keep_at = time.monotonic() + QUIET
        self._taken()
        logger.warning("directory revision %d is in force", revision)

    def _fetch(self, store: DirectoryStore) -> int:
        """What changed, or all of it where nobody knows what did. The revision it is now."""
        try:
            delta = store.since(self.standing.taken)
        except Moved:
            held = store.load()
            self.standing.take_all(held)
            return held.revision
        self.standing.take(delta.revision, delta.entries, delta.removed)
        return delta.revision

    def _says(self, error: str) -> None:
        """An outage has many faces: it is said by its first."""
        if error and not self.error:
            logger.error("the directory cannot be followed: %s", error)
        elif self.error and not error:
            logger.warning("the directory is followed again")
        self.error = error

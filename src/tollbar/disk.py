"""What the writer says of the disk, passed on: to the engine, to whoever waits, to the log.

Everything here runs on the loop's thread.
"""

import asyncio
import logging
from collections import deque

from tollbar.b2bua.steps import Steps
from tollbar.net.driver import Driver
from tollbar.store.writer import Writer

logger = logging.getLogger("tollbar")


class Disk:
    """``writer`` is whose news it is, from the start of the gateway on."""

    __slots__ = ("_driver", "_said", "_steps", "_waiting", "writer")

    def __init__(self, driver: Driver, steps: Steps) -> None:
        self.writer: Writer | None = None
        self._driver = driver
        self._steps = steps
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._said = ""

    @property
    def failing(self) -> bool:
        """The disk refuses, or a commit takes longer than ``commit_deadline``."""
        return self.writer is not None and (self.writer.failing or self._steps.disk_failed)

    def committed(self, n: int) -> None:
        self._driver.committed(n)
        while self._waiting and self._waiting[0][0] <= n:
            news = self._waiting.popleft()[1]
            if not news.done():
                news.set_result(None)

    def not_committed(self, n: int, error: Exception) -> None:
        self._says(str(error))
        self._driver.not_committed(n, error)

    def holds(self, n: int) -> asyncio.Future[None]:
        """Done when fact ``n`` is on disk."""
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((n, news))
        return news

    def look(self) -> None:
        """What changed without a word of the writer; asked twice a second."""
        if not self.failing:
            self._says("")
        elif not self._said:
            self._says("a commit takes longer than commit_deadline")

    def _says(self, error: str) -> None:
        """Once for each kind of trouble: the writer tries again more than once a second."""
        if error != self._said:
            self._said = error
            if error:
                logger.error("records cannot be written: %s", error)
            else:
                logger.warning("records are written again")

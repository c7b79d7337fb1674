"""The one thread that writes the local file (DESIGN decision 7).

It commits whatever is waiting as soon as it is idle; nothing lingers. Changes nobody waits
for ride along with the next commit, at the latest with the heartbeat, once a second.
A batch that fails stays at the head and is tried again with growing delay: nothing is lost
and nothing is written twice. What waits is bounded.
"""

import time
from collections.abc import Callable, Sequence

from tollbar.cdr.ledger import Change
from tollbar.store.local import LocalFile


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
        """``on_committed(n)``: everything submitted up to ``n`` is on disk.
        ``on_failed(n, error)``: nothing after the last ``on_committed`` is, up to ``n``; it
        will be tried again. ``on_measured(seconds, changes)`` after each commit.
        ``limit`` bounds the changes that may wait."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread; the first heartbeat is written at once."""
        raise NotImplementedError

    def submit(self, changes: Sequence[Change], n: int) -> bool:
        """Hand over the changes of facts up to number ``n``. False: too much waits already,
        the calls that begin in ``changes`` were turned away and never get on disk."""
        raise NotImplementedError

    @property
    def backlog(self) -> int:
        """How many changes wait, for metrics."""
        raise NotImplementedError

    def stop(self, flush: bool = True, timeout: float = 10.0) -> bool:
        """End the thread, with ``flush`` after one last commit of what waits. True: all of
        it is on disk. The LocalFile stays open."""
        raise NotImplementedError

"""What the audit keeps of a running gateway: guessing locks, and codes changed on live calls.

Facts are folded into lines, which are written beside the signalling: the audit's database may
be slow or away. What waits for it is bounded, and what is beyond is counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from tollbar.b2bua.facts import Assigned, Fact, Noticed
from tollbar.cdr.record import Record
from tollbar.store import audit
from tollbar.store.audit import AuditLine
from tollbar.store.errors import StoreError

MOST: Final = 1_000  # lines that wait
GATEWAY: Final = "gateway"

logger = logging.getLogger("tollbar")

Append = Callable[[list[AuditLine]], None]
_ACTIONS: Final = {
    "guessing_lock": audit.LOCK,
    "guessing_alarm": audit.ALARM,
    "guessing_lifted": audit.LIFT,
}


class Trail:
    """``append`` writes lines, or raises StoreError; it may take its time."""

    __slots__ = ("_append", "_failing", "_waiting", "_writing", "dropped")

    def __init__(self, append: Append) -> None:
        self._append = append
        self._waiting: deque[AuditLine] = deque()
        self._writing: asyncio.Future[None] | None = None
        self._failing = False
        self.dropped = 0

    def fold(self, fact: Fact, record: Record | None) -> None:
        """``record`` is that of the fact's call, as it was before."""
        if isinstance(fact, Assigned):
            if record is not None:
                action = audit.REFUSE if fact.refused else audit.ASSIGN
                line = AuditLine(record.tenant, fact.by, action, record.kind, record.record_id)
                line.before, line.after = record.account_code, fact.code
                self._add(line)
        elif isinstance(fact, Noticed) and fact.kind in _ACTIONS:
            tenant, holder = fact.holder
            kind = "caller" if tenant else "peer"
            self._add(AuditLine(tenant, fact.by or GATEWAY, _ACTIONS[fact.kind], kind, holder))

    def _add(self, line: AuditLine) -> None:
        if len(self._waiting) >= MOST:
            self.dropped += 1
        else:
            self._waiting.append(line)

    def flush(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what waits, unless that is being done; call it now and then."""
        if self._waiting and (self._writing is None or self._writing.done()):
            self._writing = loop.run_in_executor(None, self.write)

    def write(self) -> None:
        """All that waits, in whichever thread."""
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not lines:
            return
        try:
            self._append(lines)
        except StoreError as error:
            self._waiting.extendleft(reversed(lines))
            if not self._failing:
                logger.error("the audit cannot be written, it waits: %s", error)
            self._failing = True
            return
        if self._failing:
            logger.warning("the audit is written again")
        self._failing = False

    async def finish(self) -> None:
        """The last lines, before the gateway leaves."""
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self.write)

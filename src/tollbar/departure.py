"""How a gateway leaves: no new calls, then gone when those that count have ended.

At a drain all calls count, until both sides know that they are over or its deadline comes. At a
signal those being set up do, for ten seconds, and calls that are up go on at the next start. A
second signal leaves at once.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from tollbar.cdr.ledger import Ledger
from tollbar.net.driver import Driver
from tollbar.seam import Engine

SETUPS: Final = 10.0  # seconds a call being set up gets after a signal

logger = logging.getLogger("tollbar")


class Departure:
    """``left`` is set when it is time to go."""

    __slots__ = (
        "_clock",
        "_driver",
        "_engine",
        "_leave_at",
        "_ledger",
        "_left",
        "_only_setups",
        "draining",
        "signals",
    )

    def __init__(
        self,
        engine: Engine,
        driver: Driver,
        ledger: Ledger,
        clock: Callable[[], float],
        left: asyncio.Event,
    ) -> None:
        self._engine = engine
        self._driver = driver
        self._ledger = ledger
        self._clock = clock
        self._left = left
        self._leave_at = 0.0  # by the clock; 0 is when the calls have ended
        self._only_setups = False
        self.draining = False
        self.signals = 0

    def asked(self, seconds: float | None) -> str:
        """An operator's drain; the word for it. Whoever had a signal leaves as that said."""
        if self.signals:
            return "leaving"
        self.drain(seconds)
        return "draining"

    def drain(self, seconds: float | None, only_setups: bool = False) -> None:
        """No new calls; leave when those that count have ended, or after ``seconds``."""
        now = self._clock()
        if not only_setups:
            until = "" if seconds is None else f", or in {seconds:.0f} s"
            logger.warning("draining: no new calls; it leaves when the last one has ended%s", until)
        if not self.draining:
            self.draining = True
            self._engine.drain(now)
            self._driver.settle(now)
        self._only_setups = only_setups
        self._leave_at = 0.0 if seconds is None else now + seconds

    def signalled(self) -> None:
        self.signals += 1
        if self.signals > 1:
            self._left.set()
            return
        logger.warning("leaving: no new calls; calls that are up go on at the next start")
        self.drain(SETUPS, only_setups=True)
        self.look()

    def look(self) -> None:
        """Whether it is time to go; asked twice a second."""
        if self.draining and self._due(self._clock()):
            self._left.set()

    def _due(self, now: float) -> bool:
        late = bool(self._leave_at) and now >= self._leave_at
        if late and self._engine.setting_up():
            # At the next look, when both sides have been told.
            self._end_setups(now)
            return False
        if late:
            return True
        if self._only_setups:
            return not self._engine.setting_up()
        # Those that are over too, until both sides know: there may be no next start to tell them.
        return not self._engine.calls

    def _end_setups(self, now: float) -> None:
        """No phone is left ringing for a gateway that may not come back."""
        for record in list(self._ledger.running()):
            if record.answer is None:
                self._engine.hangup(record.record_id, "shutdown", now)
        self._driver.settle(now)

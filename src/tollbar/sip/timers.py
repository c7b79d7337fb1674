"""Deadlines, kept in one queue per fixed interval (RFC 3261 table 4 names the intervals).

All deadlines of one queue are armed with the same interval, so the order of arming is the
order of falling due: arming and cancelling cost one dictionary step each, and a cancelled
deadline leaves nothing behind. The room never reads a clock: ``now`` is handed in.
"""

from collections import OrderedDict
from math import inf
from typing import Final, Protocol

T1: Final = 0.5  # seconds: the round-trip time assumed
T2: Final = 4.0  # longest interval between repeats of a non-INVITE request or a response
T4: Final = 5.0  # longest time a message stays in the network
GIVE_UP: Final = 64 * T1
SLOW: Final = 7 * T1  # from here on Timer E of whoever asks is at T2 (RFC 4320 4.1)


class Waiting(Protocol):
    """Something a deadline can fall due on."""

    def expired(self, event: int, now: float) -> None: ...


class Timer:
    """Every deadline of one interval; each object waits in it at most once."""

    __slots__ = ("event", "interval", "timers", "waiting")

    def __init__(self, timers: "Timers", interval: float, event: int) -> None:
        self.timers = timers
        self.interval = interval
        self.event = event
        self.waiting: OrderedDict[Waiting, float] = OrderedDict()

    def arm(self, target: Waiting, now: float) -> None:
        """Let ``target`` expire ``interval`` from now; an earlier deadline of it is replaced."""
        waiting = self.waiting
        deadline = now + self.interval
        if target in waiting:
            waiting.move_to_end(target)
        waiting[target] = deadline
        if deadline < self.timers.due:
            self.timers.due = deadline

    def cancel(self, target: Waiting) -> None:
        self.waiting.pop(target, None)


class Timers:
    """All queues. ``due`` is never later than the first deadline, so waking then is safe."""

    __slots__ = ("all", "due", "queues")

    def __init__(self) -> None:
        self.all: dict[tuple[float, int], Timer] = {}
        self.queues: list[Timer] = []
        self.due = inf

    def timer(self, interval: float, event: int) -> Timer:
        """The queue of this interval (seconds) and event, made at first need.

        Intervals come from constants and configuration only, so the number of queues is
        bounded by them.
        """
        found = self.all.get((interval, event))
        if found is None:
            found = self.all[interval, event] = Timer(self, interval, event)
            self.queues.append(found)
        return found

    def expire(self, now: float) -> None:
        """Fire everything due at ``now``; what firing arms for later waits for later."""
        self.due = inf
        for timer in self.queues:
            waiting = timer.waiting
            while waiting:
                target = next(iter(waiting))
                deadline = waiting[target]
                if deadline > now:
                    if deadline < self.due:
                        self.due = deadline
                    break
                del waiting[target]
                try:
                    target.expired(timer.event, now)
                except BaseException:
                    self.due = now  # the rest is still due
                    raise

    def next_deadline(self) -> float | None:
        return None if self.due == inf else self.due

    def __len__(self) -> int:
        return sum(len(timer.waiting) for timer in self.all.values())

"""Steps that wait for the disk (docs/decisions/0007-disk-first.md).

A step belongs to a fact, by its number, and is run once: when that is on disk, or with ``ok``
false when the disk failed or took longer than ``commit_deadline``. Nothing that waits here
may have reached the wire.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from tollbar.policy.attempt import Decision
from tollbar.sip.timers import Timers

COMMIT: Final = 27  # deadline: a fact has waited commit_deadline seconds for the disk
MOST_WAITING: Final = 500_000  # steps that wait for the disk
Step = Callable[..., None]


class Owner(Protocol):
    """Whose step it is: a call or a chat."""

    decision: Decision


Held = tuple[int, Step, Any, object, float, bool]
"""A step that waits: the number of its fact, the step, its owner and argument, since when, and
whether it is patient: then it outlives a failed disk."""


class Steps:
    """All steps that wait. ``durable`` is the last fact on disk."""

    __slots__ = ("deadline", "disk_failed", "durable", "held", "overdue", "timers")

    def __init__(self, timers: Timers, deadline: float) -> None:
        self.timers = timers
        self.held: deque[Held] = deque()
        self.durable = 0
        self.disk_failed = False
        self.within(deadline)

    def within(self, deadline: float) -> None:
        """From now on a step waits so many seconds."""
        self.deadline = deadline
        self.overdue = self.timers.timer(deadline, COMMIT)

    def __len__(self) -> int:
        return len(self.held)

    @property
    def full(self) -> bool:
        """Whether one more step would find no room."""
        return len(self.held) >= MOST_WAITING

    def hold(
        self,
        number: int,
        owner: Owner,
        step: Step,
        argument: object,
        now: float,
        patient: bool = False,
    ) -> None:
        """Run ``step`` when fact ``number`` is on disk. An emergency call never waits."""
        if number <= self.durable or (owner.decision.emergency and not patient):
            step(owner, argument, True, now)
            return
        if not self.held:
            self.overdue.arm(self, now)
        elif self.full:
            if not patient:
                step(owner, argument, False, now)
            # A BYE goes unanswered, as if the disk never came back.
            return
        self.held.append((number, step, owner, argument, now, patient))

    def committed(self, number: int, now: float) -> None:
        """Facts up to ``number`` are on disk: what waited for them goes on."""
        self.durable = number
        self.disk_failed = False
        held = self.held
        while held and held[0][0] <= number:
            _, step, owner, argument, _, _ = held.popleft()
            step(owner, argument, True, now)

    def not_committed(self, number: int, now: float) -> None:
        """The disk failed: what may not go on without it fails; a BYE goes on waiting."""
        self.disk_failed = True
        waiting = list(self.held)
        self.held = deque(item for item in waiting if item[5] or item[0] > number)
        for fact, step, owner, argument, _, patient in waiting:
            if fact <= number and not patient:
                step(owner, argument, False, now)

    def expired(self, _event: int, now: float) -> None:
        """The oldest held step may have waited too long."""
        if not self.held:
            return
        late = now - self.deadline + 0.001
        overdue = [number for number, *_, since, _ in self.held if since <= late]
        if overdue:
            self.not_committed(max(overdue), now)
        if self.held:
            # The next one's own time, not another whole one from now.
            later = [since for *_, since, _ in self.held if since > late]
            self.overdue.arm(self, min(later, default=now))

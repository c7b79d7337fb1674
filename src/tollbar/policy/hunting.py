"""Dial groups ready for use: whether one is open, and the order in which its peers are tried.

Cursor and draw are handed in, so the same situation gives the same order. It must never count
calls nor know why a trunk is down.
"""

from collections.abc import Collection, Sequence
from datetime import tzinfo

from tollbar.policy.schedule import Schedule
from tollbar.policy.trunk import ROUND_ROBIN, SEQUENTIAL, WEIGHTED, DialGroup


class Group:
    """One dial group, compiled.

    ``turns`` says that its members take turns by a cursor; ``plain`` that they are always
    tried as they stand.
    """

    __slots__ = ("members", "name", "plain", "schedule", "source", "turns", "weights")

    def __init__(self, source: DialGroup, zone: tzinfo) -> None:
        """Raises PatternError where the schedule is not well-formed."""
        self.source = source
        self.name = source.name
        self.members = tuple(source.members)
        self.turns = source.hunt == ROUND_ROBIN
        self.weights: dict[str, int] = {}
        if source.hunt == WEIGHTED:
            self.weights = {member: source.weights.get(member, 1) for member in self.members}
        self.schedule = Schedule(source.schedule, zone) if source.schedule else None
        self.plain = self.schedule is None and source.hunt == SEQUENTIAL

    def order(self, down: Collection[str], cursor: int, draw: float) -> Sequence[str]:
        """The members to try, in order, without those that are out of service."""
        left = [member for member in self.members if member not in down] if down else self.members
        if self.turns and len(left) > 1:
            start = cursor % len(left)
            return [*left[start:], *left[:start]]
        if self.weights:
            return self._drawn(list(left), draw)
        return left

    def _drawn(self, left: list[str], draw: float) -> list[str]:
        """One draw decides the whole order: what is left of it is as even as it was."""
        found: list[str] = []
        while len(left) > 1:
            place = draw * sum(self.weights[member] for member in left)
            chosen = left[-1]
            for member in left:
                if place < self.weights[member]:
                    chosen = member
                    break
                place -= self.weights[member]
            draw = min(place / self.weights[chosen], 1.0)
            found.append(chosen)
            left.remove(chosen)
        return found + left

"""Who gave account codes that were not accepted, and who is locked for it (policy/guess.py).

The table is bounded: beyond `MOST` entries the one that missed longest ago goes, one that is
not locked before one that is. It lives as long as the process, and never holds a code.
"""

from itertools import islice
from typing import Final

from tollbar.policy.guess import Guess, Guessing, Key, against, forgiven, missed, newly_locked

MOST: Final = 20_000  # callers and peers
LOOK: Final = 64  # of the oldest that are looked at for one that is not locked


class Guesses:
    """``held`` is in the order of the last miss; ``made`` counts the locks there were."""

    __slots__ = ("held", "made")

    def __init__(self) -> None:
        self.held: dict[Key, Guess] = {}
        self.made = 0

    def count(self, holder: Key, peer: str, rules: Guessing, utc: float) -> list[Key]:
        """One more code that was not accepted; whom it locked, or raised the alarm about."""
        locked = []
        for key, tries in against(holder, peer, rules):
            before = self.held.pop(key, None)
            after = missed(before, tries, rules, utc)
            if before is None and len(self.held) >= MOST:
                self._drop(rules, utc)
            self.held[key] = after
            if newly_locked(before, after):
                locked.append(key)
        return locked

    def _drop(self, rules: Guessing, utc: float) -> None:
        oldest = list(islice(self.held.items(), LOOK))
        for key, guess in oldest:
            if forgiven(guess, rules, utc):
                del self.held[key]
        if len(self.held) >= MOST:
            free = [key for key, guess in oldest if guess.until <= utc]
            del self.held[free[0] if free else oldest[0][0]]

    def locks(self, utc: float) -> list[tuple[Key, Guess]]:
        """The locks and alarms that are in force."""
        return [item for item in self.held.items() if utc < item[1].until]

    def lift(self, key: Key) -> bool:
        """Hold nothing against this one any more; False where nothing was."""
        return self.held.pop(key, None) is not None

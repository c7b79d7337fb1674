"""Guessing of account codes: what is held against whom, and for how long that locks them.

Rules and pure functions over ``utc`` that is handed in; the engine owns the table, feeds it
after each decision and drops what is forgiven. A code that was accepted forgives nothing, or
whoever has one good code could try others for ever. It must never hold a code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Key = tuple[str, str]
"""Against whom: ``Decision.holder``, or ``peer_key``."""

_PEER: Final = ""


@dataclass(slots=True)
class Guessing:
    """The rules. ``tries`` codes not accepted ``within`` so many seconds lock for ``delay``.

    Each further lock lasts twice as long as the one before, up to ``longest``; after
    ``longest`` without another it begins anew. The same holds for a whole peer with
    ``peer_tries``, which only raises an alarm unless ``peer_locks``. 0 tries: no rule.
    """

    tries: int = 5
    within: float = 600.0
    delay: float = 60.0
    longest: float = 3600.0
    peer_tries: int = 50
    peer_locks: bool = False


@dataclass(slots=True)
class Guess:
    """What is held against one: it is replaced, never changed.

    ``missed`` counts all codes not accepted since it was last forgiven, ``recent`` are the
    times of those that count towards the next lock. ``locks`` is how many locks there were in
    a row, ``until`` when the last of them ends.
    """

    missed: int = 0
    recent: Sequence[float] = ()
    locks: int = 0
    until: float = 0.0


def peer_key(peer: str) -> Key:
    """The key of a peer; no tenant has an empty name."""
    return _PEER, peer


def number_holder(number: str) -> str:
    """How a caller nobody knows is held: apart from users, whose names anyone could send."""
    return f"number:{number}"


def locked(guesses: Mapping[Key, Guess], key: Key, utc: float) -> bool:
    """Whether a lock is in force; of a peer, whether its alarm is."""
    guess = guesses.get(key)
    return guess is not None and utc < guess.until


def against(holder: Key, peer: str, rules: Guessing) -> list[tuple[Key, int]]:
    """Whom one code not accepted is held against, and how many tries each of them has."""
    found = [(holder, rules.tries), (peer_key(peer), rules.peer_tries)]
    return [(key, tries) for key, tries in found if tries]


def missed(guess: Guess | None, tries: int, rules: Guessing, utc: float) -> Guess:
    """What is held after one more code that was not accepted."""
    if guess is None or forgiven(guess, rules, utc):
        guess = Guess()
    count = guess.missed + 1
    if utc < guess.until:
        # A peer that is only watched goes on missing; the alarm is raised already.
        return Guess(count, guess.recent, guess.locks, guess.until)
    recent = [*(time for time in guess.recent if utc - rules.within < time <= utc), utc]
    if len(recent) < tries:
        return Guess(count, recent, guess.locks, guess.until)
    return Guess(count, (), guess.locks + 1, utc + length(guess.locks, rules))


def newly_locked(before: Guess | None, after: Guess) -> bool:
    """Whether the last code not accepted made the lock, or raised the peer's alarm."""
    return after.until > (0.0 if before is None else before.until)


def length(locks: int, rules: Guessing) -> float:
    """How long a lock lasts after so many before it."""
    return min(rules.longest, rules.delay * 2.0 ** min(locks, 60))


def forgiven(guess: Guess, rules: Guessing, utc: float) -> bool:
    """Whether nothing is held any more: the entry can be dropped."""
    if guess.locks and utc < guess.until + rules.longest:
        return False
    return all(time <= utc - rules.within for time in guess.recent)

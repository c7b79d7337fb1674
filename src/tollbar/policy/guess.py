"""Guessing account codes: when a caller is held off, and for how long.

Pure rules; the table of who has guessed belongs to whoever calls, and is handed in.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Guess:
    """What is held against one caller. Times are UTC seconds.

    ``missed`` counts codes not accepted since ``since``; ``until`` is the end of the lock, 0.0
    without one; ``locks`` counts the locks there were.
    """

    missed: int = 0
    since: float = 0.0
    until: float = 0.0
    locks: int = 0

"""What can go wrong in this room."""

from datetime import UTC, datetime

from tollbar.directory.difference import Change
from tollbar.policy.queue import why


class StoreError(Exception):
    """The store cannot be used or written; the text says why, for one line on a terminal."""


class Moved(StoreError):  # noqa: N818 - what happened, no mistake
    """The directory changed since it was loaded, elsewhere than here: load and try again."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the directory has moved on to revision {revision}")
        self.revision = revision


class Conflict(StoreError):  # noqa: N818
    """Somebody else changed an entry that was to be changed. ``at`` is UTC milliseconds, 0 where
    the audit does not go back so far."""

    def __init__(self, change: Change, who: str, at: int) -> None:
        when = f" at {datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
        super().__init__(
            f"{' '.join(word for word in (change.kind, change.key) if word)} of tenant "
            f"{change.tenant} was changed by {who}{when}"
        )
        self.change = change
        self.who = who
        self.at = at


class Refused(StoreError):  # noqa: N818
    """What was asked of an interaction is not to be; ``reason`` is a word, the text says it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"refused: {why(reason).replace('_', ' ')}")
        self.reason = reason

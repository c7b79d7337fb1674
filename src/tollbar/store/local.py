"""The local file: open calls and records on this machine's disk (SPEC G3, G6).

One SQLite file in the state directory, WAL, ``synchronous=FULL``: what ``commit`` returned
from survives ``kill -9`` and a power cut. One process owns the directory, by a lock.
It must never be used by two threads at once, and never interpret ``kept``.
"""

from collections.abc import Sequence
from pathlib import Path

from tollbar.cdr.ledger import Change, OpenCall


class StoreError(Exception):
    """The local file cannot be used; the text says why, for one line on a terminal."""


class LocalFile:
    """The state directory's SQLite file, opened and locked."""

    def __init__(self, directory: Path, instance: str = "tollbar") -> None:
        """Lock ``directory`` (made if missing), open or create the file, bring it up to date.

        Raises StoreError: another process holds the directory, not a Tollbar file, a newer
        schema, no permission.
        """
        raise NotImplementedError

    def commit(self, changes: Sequence[Change]) -> None:
        """Write ``changes`` in one transaction; on disk when it returns, else it raises."""
        raise NotImplementedError

    def open_calls(self) -> list[OpenCall]:
        """This instance's open calls, oldest first, those ended but not closed included."""
        raise NotImplementedError

    def beat(self, utc: float) -> None:
        """Write the heartbeat: this process was alive at ``utc``."""
        raise NotImplementedError

    def last_beat(self) -> float:
        """The last heartbeat of this instance before this process, 0.0 if there is none."""
        raise NotImplementedError

    def integrity(self) -> list[str]:
        """What SQLite's quick check finds wrong; empty is well."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file and let go of the directory. Twice is fine."""
        raise NotImplementedError

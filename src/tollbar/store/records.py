"""Reading records, while the gateway runs or not (``tollbar cdr``, reports).

A read-only connection of its own. Records stream: neither memory nor the read lock grows with
their number. It must never write, nor hold a snapshot so long that the WAL cannot shrink.
"""

from collections.abc import Iterator
from pathlib import Path

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record


class Records:
    """The records of one local file, opened for reading."""

    def __init__(self, directory: Path) -> None:
        """Open the file in the state directory; StoreError if there is none."""
        raise NotImplementedError

    def find(
        self, filters: Filters | None = None, *, newest_first: bool = False, limit: int = 0
    ) -> Iterator[Record]:
        """Records that match, in order of ``dated`` (then record id); 0 is no limit."""
        raise NotImplementedError

    def count(self, filters: Filters | None = None) -> int:
        """How many records match."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection. Twice is fine."""
        raise NotImplementedError

"""How Tollbar uses a SQLite file: what is set on every connection, and on a new file."""

from typing import Final

PAGE_SIZE: Final = "PRAGMA page_size = 4096"
"""A commit writes whole pages, most of them for one row; only a new file takes it."""

WAL: Final = "PRAGMA journal_mode = WAL"
"""Stays in the file: set once it is known to be one of Tollbar's."""

PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    # In pages. The WAL stays this small, so it is written over instead of grown.
    "PRAGMA wal_autocheckpoint = 800",
    # Debian's default wipes what is deleted by writing pages nobody needs.
    "PRAGMA secure_delete = FAST",
    # In KiB. What it holds stays in memory for good; the system's own cache is near.
    "PRAGMA cache_size = -8192",
    "PRAGMA temp_store = MEMORY",
)
"""What a writer sets."""

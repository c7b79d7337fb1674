"""Where what outlives a call is kept: one database, or two files in the state directory."""

from pathlib import Path
from typing import Final

from tollbar.store.database import Database, sqlite_url
from tollbar.store.local import FILE

DIRECTORY_FILE: Final = "directory.sqlite"


class Databases:
    """The two places of things that outlive a call; the same object where there is one URL."""

    __slots__ = ("directory", "records")

    def __init__(self, directory: Database, records: Database) -> None:
        self.directory = directory
        self.records = records

    def close(self) -> None:
        """Close both. Twice is fine."""
        self.directory.close()
        self.records.close()


def open_databases(state: Path, url: str = "", *, readonly: bool = False) -> Databases:
    """What ``database: URL`` names, else the two files in the state directory."""
    if url:
        database = Database(url, readonly=readonly)
        return Databases(database, database)
    directory = Database(sqlite_url(state / DIRECTORY_FILE), readonly=readonly)
    try:
        return Databases(directory, Database(sqlite_url(state / FILE), readonly=readonly))
    except BaseException:
        directory.close()
        raise

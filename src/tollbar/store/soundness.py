"""Whether a SQLite file is whole: looked into before it is opened, watched while it is used.

SQLite notices damage where it reads. A file that was overwritten, cut short or removed under a
running process may not be read for hours, while all that is committed is lost to the next
start. It must never write: what can still be saved from a damaged file is left as it is.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

from tollbar.store.errors import StoreError

WHOLE: Final = 32 * 1024 * 1024
"""Bytes up to which a file is checked to its end at a start: some 5 ms each million."""
SMALL: Final = ("meta", "heartbeat", "open_call")
"""What is checked of a larger file: all that a start reads."""

_MAGIC: Final = b"SQLite format 3\0"
# Magic and page size: what no write of SQLite ever changes.
_FIXED: Final = 18
_HEADER: Final = 100


def must_be_sound(path: Path) -> None:
    """StoreError if there is a file at ``path`` and it is damaged or no database.

    Before anything in this process has it open: a look past SQLite ends its locks."""
    if _size(path):
        _must_begin_well(path)
        must_be_whole(path)


def must_be_whole(path: Path) -> None:
    """The same as far as SQLite sees it, at any time."""
    size = _size(path)
    found = findings(path, () if size <= WHOLE else SMALL) if size else []
    if found:
        raise StoreError(
            f"{path} is damaged: {found[0]}; move it away or restore a backup, nothing was changed"
        )


def _size(path: Path) -> int:
    """0 where there is no file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"cannot open {path}: {error.strerror}") from error


def findings(path: Path, tables: tuple[str, ...] = ()) -> list[str]:
    """What SQLite's quick check finds wrong in the whole file, or in ``tables``."""
    connection = None
    try:
        # Read-only: the last one to close a file may otherwise write its log back into it.
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        known = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        checks = [f"PRAGMA quick_check('{name}')" for name in tables if name in known]
        rows = [
            str(row[0])
            for check in checks or ["PRAGMA quick_check(20)"]
            for row in connection.execute(check)
        ]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return [str(error)]
    finally:
        if connection is not None:
            connection.close()
    # A finding may go over several lines; what is said goes in one.
    return [" ".join(row.split()) for row in rows if row != "ok"]


def _must_begin_well(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begins = file.read(_HEADER)
    except OSError as error:
        raise StoreError(f"cannot open {path}: {error.strerror}") from error
    if len(begins) < _HEADER or not begins.startswith(_MAGIC):
        raise StoreError(f"cannot open {path}: file is not a database")


class Watch:
    """A file in use: still there, still the same, still beginning as it did.

    Its descriptor stays open as long as the file is in use: closing any descriptor of a file
    takes the process's locks on it away, SQLite's own among them.
    """

    __slots__ = ("_begins", "_file", "_inode", "_least", "_path")

    def __init__(self, path: Path) -> None:
        """``path`` is open elsewhere and has been written."""
        self._path = path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror}") from error
        found = os.fstat(self._file)
        self._inode = found.st_dev, found.st_ino
        self._least = found.st_size
        self._begins = os.pread(self._file, _FIXED, 0)

    def look(self) -> None:
        """StoreError where what is written now would not be found again."""
        try:
            found = os.stat(self._path)
            begins = os.pread(self._file, _FIXED, 0)
        except OSError as error:
            raise StoreError(f"{self._path} is gone: {error.strerror}") from error
        if (found.st_dev, found.st_ino) != self._inode:
            raise StoreError(f"{self._path} is another file than the one in use; restart")
        if begins != self._begins or found.st_size < self._least:
            raise StoreError(f"{self._path} was overwritten by somebody else")
        self._least = found.st_size

    def close(self) -> None:
        """When the file is in use no more. Twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

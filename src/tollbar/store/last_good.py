"""The last directory that came from a database, kept for a start while that is away.

One file in the state directory, replaced whole and readable by its owner only: it holds
account codes. It must never replace a good file by half of another.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from tollbar.directory.entry import Entry
from tollbar.store.errors import StoreError
from tollbar.store.owner import hand_over

FILE: Final = "directory.last.json"
_FORMAT: Final = 1


class Held(Protocol):
    """A directory as it was loaded: its revision and all its entries."""

    @property
    def revision(self) -> int: ...
    @property
    def entries(self) -> Sequence[Entry]: ...


class LastGood:
    """What ``last`` found: a directory of this ``revision``."""

    __slots__ = ("entries", "revision")

    def __init__(self, revision: int, entries: list[Entry]) -> None:
        self.revision = revision
        self.entries = entries


def keep(path: Path, held: Held) -> None:
    """Make ``held`` the last good directory; on disk when it returns, else StoreError."""
    lines = [json.dumps(astuple(entry), ensure_ascii=False) for entry in held.entries]
    body = "\n".join(lines).encode()
    head = {"format": _FORMAT, "revision": held.revision, "sha256": sha256(body).hexdigest()}
    new = ""
    try:
        # Its mode is 0600 from the start.
        file, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(file, "wb") as out:
            out.write(json.dumps(head).encode() + b"\n" + body)
            out.flush()
            os.fsync(out.fileno())
        hand_over(Path(new), path.parent)
        os.replace(new, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if new:
            with suppress(OSError):
                os.unlink(new)
        raise StoreError(f"cannot keep the directory in {path}: {error.strerror}") from error


def last(path: Path) -> LastGood | None:
    """The directory kept last; None if there is none, StoreError if the file is damaged."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    try:
        told = json.loads(head)
        if told["format"] != _FORMAT or told["sha256"] != sha256(body).hexdigest():
            raise ValueError(told)
        entries = [Entry(*json.loads(line)) for line in body.split(b"\n") if line]
        return LastGood(int(told["revision"]), entries)
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{path} is damaged, or of another release") from error

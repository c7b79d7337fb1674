"""A backup of the SQLite files while they are in use, and the way back.

A backup is one tar file: a manifest, and a copy of each file as it was at one moment, checked
before it is called a backup. Coming back takes the state directory for itself and moves what is
there aside. It must never overwrite a file that it did not make, nor leave half a backup.
"""

import json
import os
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from tollbar import __version__
from tollbar.store import schema
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE
from tollbar.store.lock import Lock
from tollbar.store.owner import hand_over
from tollbar.store.soundness import findings

NAMES: Final = (FILE, DIRECTORY_FILE)
"""What is in the state directory and worth keeping."""

_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_ASIDE: Final = ("", "-wal", "-shm")


@dataclass(slots=True)
class Made:
    """A backup as it was made: where, of which files, and its size in bytes."""

    path: Path
    names: list[str]
    size: int


def back_up(state: Path, to: Path) -> Made:
    """Copy the files of ``state`` into the new file ``to``, or into a directory ``to`` under a
    name with the time. The gateway may run. StoreError: nothing to copy, damage, no room."""
    sources = [name for name in NAMES if (state / name).exists()]
    if not sources:
        raise StoreError(f"there is nothing to back up in {state}")
    if to.is_dir():
        to = to / f"tollbar-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar"
    if to.exists():
        raise StoreError(f"{to} is there already")
    with _beside(to.parent, "backup") as work:
        for name in sources:
            _copy(state / name, work / name)
        new = work / "new.tar"
        _pack(work, sources, new)
        # Fails where somebody else has made the file meanwhile.
        os.link(new, to)
        _sync(to.parent)
        return Made(to, sources, to.stat().st_size)


def restore(archive: Path, state: Path) -> Path | None:
    """Put the files of ``archive`` into ``state``; where what was there has gone, None for
    nothing. StoreError: a gateway runs there, the backup is damaged or of a newer release."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"cannot make {state}: {error.strerror}") from error
    lock = Lock(state)
    try:
        with _beside(state, "restore") as work:
            names = _unpack(archive, work)
            aside = _move_aside(state)
            for name in names:
                hand_over(work / name, state)
                os.replace(work / name, state / name)
            _sync(state)
            return aside
    finally:
        lock.release()


@contextmanager
def _beside(folder: Path, what: str) -> Iterator[Path]:
    """A directory on the same file system, which goes with all that is in it."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".tollbar-{what}-", dir=folder) as work:
            yield Path(work)
    except OSError as error:
        raise StoreError(f"cannot write in {folder}: {error.strerror or error}") from error


def _copy(source: Path, to: Path) -> None:
    try:
        uri = f"{source.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as old,
            closing(sqlite3.connect(to)) as new,
        ):
            # In one step: between two the writer would change the file, and it began again.
            old.backup(new)
            # A file for itself, without a log beside it.
            new.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"cannot copy {source}: {error}") from error
    found = findings(to)
    if found:
        raise StoreError(f"{source} is damaged: {found[0]}; no backup was made")


def _pack(work: Path, names: Sequence[str], to: Path) -> None:
    files = {name: _digest(work / name) for name in names}
    manifest = {
        "format": _FORMAT,
        "schema": schema.VERSION,
        "release": __version__,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": files,
    }
    text = json.dumps(manifest, indent=1).encode() + b"\n"
    # It holds account codes and who called whom.
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            head = tarfile.TarInfo(_MANIFEST)
            head.size, head.mode = len(text), 0o600
            tar.addfile(head, BytesIO(text))
            for name in names:
                member = tar.gettarinfo(work / name, name)
                member.mode = 0o600
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                with (work / name).open("rb") as file:
                    tar.addfile(member, file)
        out.flush()
        os.fsync(out.fileno())


def _unpack(archive: Path, work: Path) -> list[str]:
    """The names of the files that are in ``work`` now, whole and checked."""
    try:
        packed = archive.open("rb")
    except OSError as error:
        raise StoreError(f"cannot read {archive}: {error.strerror}") from error
    try:
        with packed, tarfile.open(fileobj=packed, mode="r:") as tar:
            files = _manifest(archive, tar)
            for name, digest in files.items():
                member = tar.extractfile(name)
                if member is None:
                    raise StoreError(f"{archive} is damaged: {name} is no file")
                with (work / name).open("xb") as file:
                    os.fchmod(file.fileno(), 0o600)
                    while chunk := member.read(1024 * 1024):
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                if _digest(work / name) != digest:
                    raise StoreError(f"{archive} is damaged: {name} is not what was backed up")
    except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError) as error:
        raise StoreError(f"{archive} is not a backup of Tollbar, or damaged: {error}") from error
    for name in files:
        found = findings(work / name)
        if found:
            raise StoreError(f"{archive} is damaged: {name}: {found[0]}")
    return list(files)


def _manifest(archive: Path, tar: tarfile.TarFile) -> Mapping[str, str]:
    member = tar.extractfile(_MANIFEST)
    told: dict[str, Any] = json.loads(member.read(65536)) if member is not None else {}
    if told["format"] != _FORMAT or int(told["schema"]) > schema.VERSION:
        raise StoreError(
            f"{archive} was made by a newer Tollbar ({told.get('release')}, this is {__version__})"
        )
    files: dict[str, str] = told["files"]
    strange = set(files) - set(NAMES)
    if strange or not files:
        raise StoreError(f"{archive} is not a backup of Tollbar")
    return files


def _move_aside(state: Path) -> Path | None:
    """What is there, with SQLite's logs, as it is: a log belongs to its file."""
    here = [path for name in NAMES for end in _ASIDE if (path := state / f"{name}{end}").exists()]
    if not here:
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = Path(tempfile.mkdtemp(prefix=f"before-restore-{stamp}-", dir=state))
    hand_over(aside, state)
    for path in here:
        os.replace(path, aside / path.name)
    _sync(aside)
    return aside


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

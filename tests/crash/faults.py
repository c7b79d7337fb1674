"""What can be wrong with a disk, done to the state directory of a gateway that runs.

Tests run as root in CI, where no file mode stops a write. What the machine does not allow
(mounts and file attributes want capabilities) is done by a limit on the size of files, which
the kernel holds against any process of ours: the same tests, by another error of the system.
"""

import ctypes
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from tests.crash.gateway import Mortal

ROOM: Final = 8 * 1024 * 1024  # bytes of a small disk
FULL: Final = b"\0" * 65536
UNLIMITED: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
# Of the system's headers; Python names none of them.
FS_IOC_GETFLAGS: Final = 0x80086601
FS_IOC_SETFLAGS: Final = 0x40086602
FS_IMMUTABLE: Final = 0x10
MNT_DETACH: Final = 2  # it goes when its last user does: a test that failed has one still

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Fault(Protocol):
    """``begin`` while the gateway runs; ``end``, and the disk is well again. ``log_too``: its
    log, a file here, cannot be written either."""

    way: str
    log_too: bool

    def begin(self, stage: Mortal) -> None: ...
    def end(self, stage: Mortal) -> None: ...


class Limit:
    """No file of the gateway may be written beyond ``size`` bytes."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.log_too = size == 0
        self.way = f"a limit of {size} bytes on its files"

    def begin(self, stage: Mortal) -> None:
        resource.prlimit(pid(stage), resource.RLIMIT_FSIZE, (self.size, resource.RLIM_INFINITY))

    def end(self, stage: Mortal) -> None:
        resource.prlimit(pid(stage), resource.RLIMIT_FSIZE, UNLIMITED)


class Full:
    """A disk without a byte left: another file takes all there is."""

    way = "a small tmpfs, full"
    log_too = False

    def begin(self, stage: Mortal) -> None:
        # Byte by byte at the end: SQLite needs no more than what a page leaves over.
        with self.filler(stage).open("wb", buffering=0) as file:
            for chunk in (FULL, FULL[:512], FULL[:1]):
                with suppress(OSError):
                    while file.write(chunk):
                        pass

    def end(self, stage: Mortal) -> None:
        self.filler(stage).unlink()

    def filler(self, stage: Mortal) -> Path:
        return stage.state / "filler"


class ReadOnly:
    """The file system takes no more writes. Files that are open are not spared, as with a disk
    that the kernel has made read-only because of its errors. (The file that SQLite shares by
    memory stays: there the kernel's own read-only takes no page away either.)"""

    way = "immutable files"
    log_too = False

    def begin(self, stage: Mortal) -> None:
        for path in self.files(stage):
            immutable(path, True)

    def end(self, stage: Mortal) -> None:
        for path in self.files(stage):
            immutable(path, False)

    def files(self, stage: Mortal) -> list[Path]:
        return [p for p in stage.state.glob("tollbar.sqlite*") if not p.name.endswith("-shm")]


def pid(stage: Mortal) -> int:
    assert stage.gateway is not None
    return stage.gateway.pid


def immutable(path: Path, on: bool) -> None:
    """OSError where the file system or our capabilities do not allow it."""
    file = os.open(path, os.O_RDONLY)
    try:
        held = bytearray(8)
        fcntl.ioctl(file, FS_IOC_GETFLAGS, held)
        flags = int.from_bytes(held[:4], "little")
        flags = flags | FS_IMMUTABLE if on else flags & ~FS_IMMUTABLE
        fcntl.ioctl(file, FS_IOC_SETFLAGS, flags.to_bytes(8, "little"))
    finally:
        os.close(file)


def can_be_immutable(directory: Path) -> bool:
    probe = directory / "probe"
    probe.touch()
    try:
        immutable(probe, True)
        with suppress(PermissionError), probe.open("ab"):
            return False  # some file systems take the attribute and do nothing
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            immutable(probe, False)
        probe.unlink()


@contextmanager
def small_disk(directory: Path) -> Iterator[bool]:
    """``directory`` on a small file system of its own, or False where that is not allowed."""
    directory.mkdir(exist_ok=True)
    place = bytes(directory)
    mounted = _LIBC.mount(b"tmpfs", place, b"tmpfs", 0, b"size=%d" % ROOM) == 0
    try:
        yield mounted
    finally:
        if mounted and _LIBC.umount2(place, MNT_DETACH) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(directory))


@contextmanager
def fault(kind: str, stage: Mortal) -> Iterator[Fault]:
    """A fault of this kind, before the gateway starts, in the best way this machine allows."""
    if kind == "full":
        with small_disk(stage.state) as mounted:
            # The log of SQLite can grow no further than the first heartbeat made it.
            yield Full() if mounted else Limit(64 * 1024)
    elif kind == "read-only" and can_be_immutable(stage.directory):
        yield ReadOnly()
    else:
        yield Limit()

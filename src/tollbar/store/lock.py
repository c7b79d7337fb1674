"""The lock on a state directory: one process owns it.

The kernel holds it, so it goes with the process however that ends. The file also names the
holder, for people.
"""

import fcntl
import os
from pathlib import Path

from tollbar.store.errors import StoreError
from tollbar.store.owner import hand_over


class Lock:
    """Holds ``directory`` until ``release`` or the end of the process."""

    __slots__ = ("_file",)

    def __init__(self, directory: Path) -> None:
        """Raises StoreError naming the process that holds it."""
        path = directory / "lock"
        file = -1
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            hand_over(path, directory)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise StoreError(
                f"state directory {directory} is in use by another process (pid {holder})"
            ) from None
        except OSError as error:
            if file >= 0:
                os.close(file)
            why = error.strerror or str(error)
            raise StoreError(f"cannot lock state directory {directory}: {why}") from error
        self._file = file

    def release(self) -> None:
        """Let go. Twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

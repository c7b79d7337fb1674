"""A place for lines that never makes the signalling wait: standard error, or any descriptor.

A terminal, a pipe or the journal may stop taking bytes. What it does not take at once waits
in a bounded buffer; beyond the bound lines are dropped and counted, whole.
"""

import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final

WAITING: Final = 1024 * 1024  # bytes


class Outlet:
    """Writes to a duplicate of ``descriptor``, without ever blocking on it.

    The descriptor itself is left as it is: making it non-blocking would make it so for every
    program that shares the terminal. Threads may share it.
    """

    __slots__ = ("_close", "_lock", "_send", "_waiting", "dropped")

    def __init__(self, descriptor: int) -> None:
        self._waiting = bytearray()
        self.dropped = 0
        self._lock = Lock()
        mode = os.fstat(descriptor).st_mode
        self._send: Callable[[bytes], int]
        self._close: Callable[[], None]
        if stat.S_ISSOCK(mode):
            sock = socket.socket(fileno=os.dup(descriptor))
            self._send = lambda data: sock.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            self._close = sock.close
            return
        if stat.S_ISREG(mode):
            own = os.dup(descriptor)  # keeps the position that others write at
        else:
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_APPEND
            try:
                own = os.open(f"/proc/self/fd/{descriptor}", flags)
            except OSError:
                own = os.dup(descriptor)
        self._send = lambda data: os.write(own, data)
        self._close = lambda: os.close(own)

    def write(self, data: bytes) -> None:
        """Whole lines, now or soon; dropped where too much waits already."""
        with self._lock:
            if not self._waiting:
                self._waiting += data[self._try(data) :]
            elif len(self._waiting) + len(data) > WAITING:
                self.dropped += data.count(b"\n")
            else:
                self._waiting += data
                self._again()

    def flush(self) -> None:
        """Try again with what waits."""
        if self._waiting:
            with self._lock:
                self._again()

    def _again(self) -> None:
        if self._waiting:
            del self._waiting[: self._try(bytes(self._waiting))]

    def _try(self, data: bytes) -> int:
        try:
            return self._send(data)
        except BlockingIOError:
            return 0
        except OSError:  # the reader is gone: nobody is left to tell
            self.dropped += data.count(b"\n")
            return len(data)

    def close(self) -> None:
        """What is written later is dropped."""
        with self._lock:
            self._again()
            self._send = len  # its descriptor may be another file's by then
            with suppress(OSError):
                self._close()

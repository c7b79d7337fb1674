"""Framing of a byte stream into messages (RFC 3261 18.3), with keep-alives (RFC 5626 4.4.1).

Only finds where a message ends; what it says is for `Message.parse`. Holds at most one
unfinished message of bounded size, and reads no byte twice while waiting for more.
"""

import re
from typing import Final

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.message import MOST_BYTES, MOST_LINES

PING: Final = b"\r\n\r\n"

_length = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:([^\r\n]*+)", re.IGNORECASE).findall
_fold = re.compile(rb"\r\n[ \t]++")


class Framer:
    """The reading end of one connection.

    ``broken`` is the SipError after which nothing on the stream can be trusted: the
    connection has to be closed.
    """

    __slots__ = ("_buffer", "_need", "_scanned", "broken")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._need = 0  # length of the message at the front, once its head is complete
        self.broken: SipError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """What ``data`` completed, in order: whole messages, and pings as ``b"\\r\\n\\r\\n"``.

        Raises what broke the stream, but only in a call that completes nothing, so that no
        complete message is lost; ``broken`` tells at once.
        """
        found: list[bytes] = []
        if self.broken is None:
            self._buffer += data
            try:
                while (message := self._next()) is not None:
                    found.append(message)
            except SipError as error:
                self.broken = error
                self._buffer.clear()
        if self.broken is not None and not found:
            raise self.broken
        return found

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if not self._need:
            while buffer[:1] == b"\r":
                if buffer.startswith(PING):
                    del buffer[:4]
                    return PING
                if len(buffer) < 4 and PING.startswith(buffer):
                    return None
                if not buffer.startswith(b"\r\n"):
                    raise SipError(400, "Bad Line End")
                del buffer[:2]  # half a ping, or the pong to ours
            end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3))
            if end < 0:
                self._scanned = len(buffer)
                if len(buffer) > MOST_BYTES:
                    raise SipError(513, "Message Too Large")
                return None
            self._need = end + 4 + _content_length(bytes(buffer[: end + 2]))
            self._scanned = 0
            if self._need > MOST_BYTES:
                raise SipError(513, "Message Too Large")
        if len(buffer) < self._need:
            return None
        message = bytes(buffer[: self._need])
        del buffer[: self._need]
        self._need = 0
        return message


def _content_length(head: bytes) -> int:
    """The length a head states; on a stream it must (RFC 3261 20.14)."""
    if head.count(b"\r\n") > MOST_LINES + 1:
        raise SipError(400, "Too Many Header Fields")
    lengths = {grammar.number(value.strip(b" \t"), MOST_BYTES) for value in _length(_unfold(head))}
    if len(lengths) != 1:
        raise SipError(400, "No Content-Length" if not lengths else "Conflicting Content-Length")
    return lengths.pop()


def _unfold(head: bytes) -> bytes:
    return _fold.sub(b" ", head)

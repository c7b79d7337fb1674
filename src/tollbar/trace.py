"""A SIP trace on request: the messages of all calls, or of one caller's, in a file.

Codes and secrets are masked, the file is its owner's alone and bounded. It is a tool for an
hour of looking, not a log: writing it costs the signalling time.
"""

import logging
import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from tollbar.b2bua.facts import Attempted, Fact, Tried
from tollbar.mask import Mask
from tollbar.sip.flow import Hop

MOST_BYTES: Final = 100 * 1024 * 1024
MOST_CALLS: Final = 10_000

logger = logging.getLogger("tollbar")

Key = TypeVar("Key")

_CALL_ID: Final = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\s]+)")
_FROM: Final = re.compile(
    rb"(?im)^(?:from|f|p-asserted-identity)[ \t]*:[^\r\n]*?(?:sips?|tel):([^@;>\s]+)"
)


class Trace:
    """One trace being written; the driver's tap.

    ``caller`` is a caller's number, or "" for everybody.
    """

    __slots__ = (
        "_call_ids",
        "_failed",
        "_file",
        "_followed",
        "_left",
        "caller",
        "clock",
        "mask",
        "path",
    )

    def __init__(
        self, path: Path, mask: Mask, caller: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = open(descriptor, "ab", buffering=256 * 1024)  # noqa: SIM115 - outlives this
        self.path = path
        self.mask = mask
        self.caller = caller
        self.clock = clock
        self._left = MOST_BYTES
        self._failed = False
        self._call_ids: OrderedDict[bytes, None] = OrderedDict()
        self._followed: OrderedDict[str, None] = OrderedDict()

    def saw(self, received: bool, hop: Hop, data: bytes) -> None:
        if self._left <= 0 or (self.caller and not self._concerns(data)):
            return
        utc = self.clock()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(utc))
        way = "received from" if received else "sent to"
        head = (
            f"{stamp}.{int(utc % 1 * 1000):03d}Z {way} {hop.transport} "
            f"{hop.address} port {hop.port} at {hop.listener}\n"
        )
        entry = head.encode() + self.mask.message(data) + b"\n\n"
        self._left -= len(entry)
        try:
            self._file.write(entry)
        except OSError as error:
            self._fails(error)

    def fold(self, facts: Iterable[Fact]) -> None:
        """Follow the calls of the caller to their other leg, whose Call-ID is another."""
        if not self.caller:
            return
        for fact in facts:
            if isinstance(fact, Attempted):
                decision, attempt = fact.decision, fact.attempt
                if self.caller in (decision.caller, decision.extension, attempt.from_user):
                    remember(self._followed, fact.call)
                    remember(self._call_ids, fact.a_call_id.encode())
            elif isinstance(fact, Tried) and fact.call in self._followed:
                remember(self._call_ids, fact.b_call_id.encode())

    def _concerns(self, data: bytes) -> bool:
        call_id = _CALL_ID.search(data)
        if call_id is None:
            return False
        if call_id[1] in self._call_ids:
            return True
        if any(user == self.caller.encode() for user in _FROM.findall(data)):
            remember(self._call_ids, call_id[1])
            return True
        return False

    def flush(self) -> None:
        if not self._failed:
            try:
                self._file.flush()
            except OSError as error:
                self._fails(error)

    def close(self) -> None:
        self.flush()
        with suppress(OSError):  # said before
            self._file.close()

    def _fails(self, error: OSError) -> None:
        """Nothing more is written: a full disk must not harm the calls that are looked at."""
        self._left = 0
        self._failed = True
        logger.error("the trace ends: %s: %s", self.path, error.strerror)


def remember(known: OrderedDict[Key, None], key: Key) -> None:
    """Keep a key; the oldest makes room."""
    known[key] = None
    if len(known) > MOST_CALLS:
        known.popitem(last=False)

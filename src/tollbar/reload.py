"""gateway.yaml and certificates, read again on SIGHUP or on request, whole or not at all.

Reading is done in a thread beside the signalling; what it gives back is new.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from tollbar.config import load
from tollbar.finding import Finding, Place, Rejected
from tollbar.gateway import Gateway, Listener
from tollbar.mask import Mask
from tollbar.net.tls import Contexts
from tollbar.sip.flow import TLS
from tollbar.standing import Standing

logger = logging.getLogger("tollbar")


class Unchangeable(ValueError):  # noqa: N818 - it says what, not that it failed
    """Something changed that only a restart can change."""


@dataclass(slots=True)
class Fresh:
    """A configuration ready to be taken: ``contexts`` by TLS listener."""

    gateway: Gateway
    contexts: dict[str, Contexts]


class Reload:
    """One reading after the other; ``take`` is given what is to be in force."""

    __slots__ = ("_lock", "_queued", "_standing", "_take", "_tasks")

    def __init__(self, standing: Standing, take: Callable[[Fresh], None]) -> None:
        self._standing = standing
        self._take = take
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[str]] = set()
        self._queued = False

    def signalled(self) -> None:
        """Read again soon; a signal that comes before it begins is meant by it too."""
        if not self._queued:
            self._queued = True
            self._begin()

    async def run(self) -> str:
        """ "" or why it was refused and the old configuration stays."""
        return await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[str]:
        task = asyncio.get_running_loop().create_task(self._read())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self) -> str:
        async with self._lock:
            self._queued = False
            running = self._standing.gateway
            try:
                fresh = await asyncio.to_thread(read_again, running, self._standing)
            except (Rejected, Unchangeable, OSError) as error:
                logger.error("reload refused, the old configuration stays: %s", error)
                return str(error)
            self._take(fresh)
            logger.warning("configuration and certificates read again")
            return ""


def read_again(running: Gateway, standing: Standing) -> Fresh:
    """Put gateway.yaml in force together with the directory that stands.

    Raises Rejected, Unchangeable or OSError (a certificate); then nothing has changed.
    """
    gateway = load(running.path)
    for what, was, now in zip(_FIXED, fixed(running), fixed(gateway), strict=True):
        if was != now:
            raise Unchangeable(f"{what} changed: that takes a restart")
    secure = [entry for entry in gateway.listeners if entry.transport == TLS]
    contexts = {entry.name: Contexts(entry) for entry in secure}
    try:
        standing.take_gateway(gateway)
    except Rejected as refused:
        raise Rejected(tellable(refused, gateway)) from None
    return Fresh(gateway, contexts)


def tellable(refused: Rejected, gateway: Gateway) -> list[Finding]:
    """What a log may hold: entries of the directory go by their codes."""
    found = [entry for entry in refused.findings if entry.file == str(gateway.path)]
    if len(found) < len(refused.findings):
        place = Place(str(gateway.path))
        found.append(Finding(place, "", "does not fit the directory", "tollbar check tells why"))
    return found


_FIXED = ("listeners", "state_directory", "database", "retention", "instance", "metrics")


def fixed(gateway: Gateway) -> tuple[object, ...]:
    """What a reload cannot change."""
    return (
        [bound(entry) for entry in gateway.listeners],
        gateway.state_directory,
        gateway.database,
        gateway.retention,
        gateway.instance,
        (gateway.metrics_host, gateway.metrics_port),
    )


def bound(entry: Listener) -> tuple[object, ...]:
    return (
        entry.name,
        entry.transport,
        entry.host,
        entry.port,
        entry.advertise_host,
        entry.advertise_port,
    )


def mask_of(gateway: Gateway) -> Mask:
    return Mask(gateway.account_codes, [peer.send_code_as for peer in gateway.peers])

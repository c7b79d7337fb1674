"""Everything that is read again on SIGHUP, whole or not at all.

Only reads, so it may run in a thread beside the signalling; what it gives back is new.
"""

from dataclasses import dataclass

from tollbar.config import load
from tollbar.gateway import Gateway, Listener
from tollbar.loading import load_snapshot
from tollbar.mask import Mask
from tollbar.net.tls import Contexts
from tollbar.policy.snapshot import Snapshot
from tollbar.sip.flow import TLS


class Unchangeable(ValueError):  # noqa: N818 - it says what, not that it failed
    """Something changed that only a restart can change."""


@dataclass(slots=True)
class Fresh:
    """A configuration ready to be taken: ``contexts`` by TLS listener."""

    gateway: Gateway
    snapshot: Snapshot
    contexts: dict[str, Contexts]


def read_again(running: Gateway) -> Fresh:
    """Raises Rejected, Unchangeable or OSError (a certificate); then nothing has changed."""
    gateway = load(running.path)
    for what, was, now in zip(_FIXED, fixed(running), fixed(gateway), strict=True):
        if was != now:
            raise Unchangeable(f"{what} changed: that takes a restart")
    snapshot, _ = load_snapshot(gateway)
    secure = [entry for entry in gateway.listeners if entry.transport == TLS]
    return Fresh(gateway, snapshot, {entry.name: Contexts(entry) for entry in secure})


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

"""gateway.yaml and certificates, read again on SIGHUP, whole or not at all.

Only reads, so it may run in a thread beside the signalling; what it gives back is new.
"""

from dataclasses import dataclass

from tollbar.config import load
from tollbar.finding import Finding, Place, Rejected
from tollbar.gateway import Gateway, Listener
from tollbar.mask import Mask
from tollbar.net.tls import Contexts
from tollbar.sip.flow import TLS
from tollbar.standing import Standing


class Unchangeable(ValueError):  # noqa: N818 - it says what, not that it failed
    """Something changed that only a restart can change."""


@dataclass(slots=True)
class Fresh:
    """A configuration ready to be taken: ``contexts`` by TLS listener."""

    gateway: Gateway
    contexts: dict[str, Contexts]


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

"""From files to the one object a decision needs: gateway and directory into a snapshot.

Server, ``tollbar check`` and ``tollbar simulate`` all come through here, so that what one
accepts the others accept.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from tollbar.directory.compiling import compile_directory
from tollbar.directory.model import Directory
from tollbar.directory.reading import read_directory
from tollbar.finding import Finding, Place
from tollbar.gateway import Gateway
from tollbar.policy import finding
from tollbar.policy.guess import Guessing
from tollbar.policy.snapshot import Settings, Snapshot
from tollbar.policy.trunk import DialGroup, PeerRules


def load_snapshot(gateway: Gateway) -> tuple[Snapshot, list[Finding]]:
    """Read the gateway's directory file and compile it; raises ``Rejected``.

    The findings returned with the snapshot are warnings: the plan can be used.
    """
    with uncollected():
        return compile_for(gateway, read_directory(gateway.directory))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector: a large directory is a million objects that nearly all stay, and
    looking for garbage among them while they are made doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def compile_for(
    gateway: Gateway, directory: Directory, previous: Snapshot | None = None
) -> tuple[Snapshot, list[Finding]]:
    """Compile a directory, wherever it was read from, with the gateway's peers and settings.

    What did not change since ``previous`` is taken over from it.
    """
    return compile_directory(
        directory,
        peer_rules(gateway),
        dial_groups(gateway),
        settings(gateway),
        _places(gateway),
        previous,
    )


def peer_rules(gateway: Gateway) -> list[PeerRules]:
    return [
        PeerRules(
            peer.name,
            peer.role,
            peer.tenant,
            peer.location,
            peer.trust_identity,
            peer.trust_code,
            peer.reveal_reason,
            peer.rewrite,
            peer.incoming,
            peer.incoming_numbers,
            peer.transit,
            peer.trust_workgroup,
        )
        for peer in gateway.peers
    ]


def dial_groups(gateway: Gateway) -> list[DialGroup]:
    return [
        DialGroup(group.name, group.members, group.hunt, group.weights, group.schedule)
        for group in gateway.dial_groups
    ]


def settings(gateway: Gateway) -> Settings:
    return Settings(
        account_codes=gateway.account_codes.enabled,
        templates=gateway.account_codes.templates,
        unknown_callers=gateway.unknown_callers,
        unmatched=gateway.unmatched,
        shadow=gateway.shadow,
        statuses=gateway.statuses,
        timezone=gateway.timezone,
        sticky_set=gateway.account_codes.sticky_set,
        sticky_clear=gateway.account_codes.sticky_clear,
        guessing=Guessing(
            gateway.guessing.tries,
            gateway.guessing.within,
            gateway.guessing.delay,
            gateway.guessing.longest,
            gateway.guessing.peer_tries,
            gateway.guessing.peer_locks,
        ),
    )


def _places(gateway: Gateway) -> dict[tuple[str, str], Place]:
    file = Place(str(gateway.path))
    places = {
        (finding.SETTINGS, name): gateway.places.get(name, file)
        for name in ("", "timezone", "unmatched", "statuses")
    }
    places[finding.SETTINGS, "sticky"] = gateway.places.get("account_codes.sticky", file)
    for peer in gateway.peers:
        places[finding.PEER, peer.name] = gateway.places.get(f"peers.{peer.name}", file)
    for group in gateway.dial_groups:
        where = f"dial_groups.{group.name}"
        places[finding.DIAL_GROUP, group.name] = gateway.places.get(where, file)
        for line in group.schedule:
            place = gateway.places.get(f"{where}.schedule {line}", file)
            places[finding.SCHEDULE, f"{group.name} {line}"] = place
    for number, template in enumerate(gateway.account_codes.templates, 1):
        where = f"account_codes.templates[{number}]"
        places[finding.TEMPLATE, template] = gateway.places.get(where, file)
    return places

"""The entries of gateway.yaml held against each other: names that dangle, routes that loop.

Findings only; it must never change what was read, save for a peer's listener where exactly
one fits.
"""

from ipaddress import ip_address
from typing import Final

from tollbar.address import bracketed
from tollbar.document import Document, Place, meant
from tollbar.gateway import Destination, Gateway, Listener, Peer

WILDCARDS: Final = ("0.0.0.0", "::")


def check_wiring(gateway: Gateway, document: Document) -> None:
    check = _Check(gateway, document)
    check.listeners()
    for peer in gateway.peers:
        check.peer(peer)
    check.sources()
    check.dial_groups()


class _Check:
    __slots__ = ("document", "gateway", "listener_by_name", "peer_by_name")

    def __init__(self, gateway: Gateway, document: Document) -> None:
        self.gateway = gateway
        self.document = document
        self.listener_by_name = {listener.name: listener for listener in gateway.listeners}
        self.peer_by_name = {peer.name: peer for peer in gateway.peers}

    def place(self, where: str) -> Place:
        while where not in self.gateway.places and "." in where:
            where = where.rpartition(".")[0]
        return self.gateway.places.get(where, self.document.root.place)

    def wrong(self, where: str, what: str, hint: str = "", entry: str = "") -> None:
        """Tell it at ``where``, or at the line of one entry there."""
        place = self.place(f"{where}.{entry}" if entry else where)
        self.document.wrong(place, where, what, hint)

    def listeners(self) -> None:
        taken: dict[tuple[str, int], list[Listener]] = {}
        for listener in self.gateway.listeners:
            if not listener.transport:
                continue
            # TCP and TLS share the TCP ports.
            kind = "udp" if listener.transport == "udp" else "tcp"
            for other in taken.setdefault((kind, listener.port), []):
                if _same_family(listener.host, other.host) and (
                    listener.host == other.host or {listener.host, other.host} & set(WILDCARDS)
                ):
                    self.wrong(
                        f"listeners.{listener.name}",
                        f'binds what listener "{other.name}" binds already',
                        "give it another address or port",
                    )
                    break
            taken[kind, listener.port].append(listener)

    def peer(self, peer: Peer) -> None:
        where = f"peers.{peer.name}"
        given = [key for key in ("from", "certificates", "to") if f"{where}.{key}" in self.places]
        if not given:
            self.wrong(where, "no call can come from it or go to it", 'give it "from" or "to"')
        if peer.to is not None:
            self._target(peer, peer.to)
        elif peer.listener:
            self._known_listener(peer)
        if peer.certificates and not any(entry.client_ca for entry in self.gateway.listeners):
            self.wrong(
                f"{where}.certificates",
                "no listener asks for client certificates",
                "give a tls listener client_ca: the CA that signed them",
            )
        if peer.first_answer > peer.ring_timeout:
            self.wrong(
                f"{where}.first_answer",
                "is longer than ring_timeout",
                "the final answer comes after the first",
            )
        if peer.role == "pbx":
            for key in ("incoming", "incoming_numbers", "transit", "send_code_as"):
                if f"{where}.{key}" in self.places:
                    self.wrong(f"{where}.{key}", "has no meaning for a pbx", "only for a trunk")
        elif peer.role == "trunk":
            if peer.incoming:
                self._incoming(f"{where}.incoming", peer.incoming)
            for pattern, name in peer.incoming_numbers.items():
                self._incoming(f"{where}.incoming_numbers.{pattern}", name)

    @property
    def places(self) -> dict[str, Place]:
        return self.gateway.places

    def _target(self, peer: Peer, to: Destination) -> None:
        where = f"peers.{peer.name}.to"
        if to.host in WILDCARDS:
            self.wrong(where, f"nothing can be sent to {to.host}", "write the peer's address")
            return
        for listener in self.gateway.listeners:
            if _reaches(to, listener):
                self.wrong(
                    where,
                    f'is our own listener "{listener.name}": calls would go in a circle',
                    "write the address of the PBX or trunk",
                )
                return
        if peer.listener:
            named = self._known_listener(peer)
            if named is None or not named.transport:
                return
            if named.transport != to.transport:
                self.wrong(
                    f"peers.{peer.name}.listener",
                    f'listener "{named.name}" speaks {named.transport}, '
                    f'but "to" wants {to.transport}',
                )
            elif not _same_family(named.host, to.host):
                self.wrong(
                    f"peers.{peer.name}.listener",
                    f'listener "{named.name}" cannot send to {bracketed(to.host)}',
                    "one is IPv4, the other IPv6",
                )
            return
        peer.listener = self._fitting(peer, to)

    def _fitting(self, peer: Peer, to: Destination) -> str:
        where = f"peers.{peer.name}.to"
        fits = [
            listener
            for listener in self.gateway.listeners
            if listener.transport == to.transport and _same_family(listener.host, to.host)
        ]
        loopback = ip_address(to.host).is_loopback
        near = [entry for entry in fits if ip_address(entry.host).is_loopback == loopback]
        fits = near or fits
        if not fits:
            family = "IPv6" if ":" in to.host else "IPv4"
            # A listener that could not be read has told its own mistake.
            if all(listener.transport for listener in self.gateway.listeners):
                self.wrong(
                    where,
                    f"no listener speaks {to.transport} over {family}",
                    f"add a listener with bind: {to.transport}:...",
                )
            return ""
        if len(fits) > 1:
            names = " or ".join(listener.name for listener in fits)
            self.wrong(where, "more than one listener could send this", f"listener: {names}")
        return fits[0].name

    def _known_listener(self, peer: Peer) -> Listener | None:
        listener = self.listener_by_name.get(peer.listener)
        if listener is None:
            self.wrong(
                f"peers.{peer.name}.listener",
                f'there is no listener "{peer.listener}"',
                meant(peer.listener, list(self.listener_by_name)),
            )
        return listener

    def _incoming(self, where: str, name: str) -> None:
        target = self.peer_by_name.get(name)
        exchanges = [peer.name for peer in self.gateway.peers if peer.role == "pbx"]
        if target is None:
            self.wrong(where, f'there is no peer "{name}"', meant(name, exchanges))
        elif target.role == "trunk":
            self.wrong(where, f'"{name}" is a trunk', "incoming calls go to a peer of role pbx")
        elif target.to is None and f"peers.{name}.to" not in self.places:
            self.wrong(where, f'peer "{name}" has no "to"', "give it one, so calls can go there")

    def sources(self) -> None:
        owners: dict[str, str] = {}
        for peer in self.gateway.peers:
            for entry in peer.sources:
                self._once(owners, peer, "from", str(entry))
            for name in peer.certificates:
                self._once(owners, peer, "certificates", name)

    def _once(self, owners: dict[str, str], peer: Peer, key: str, entry: str) -> None:
        owner = owners.setdefault(f"{key} {entry}", "")
        owners[f"{key} {entry}"] = owner or peer.name
        if not owner:
            return
        if owner == peer.name:
            what, hint = f"{entry} is given twice", "remove one"
        else:
            what = f'{entry} is a source of peer "{owner}" too'
            hint = "make one more specific: a longer prefix, a port or a transport"
            hint = hint if key == "from" else "a name can stand for one peer only"
        self.wrong(f"peers.{peer.name}.{key}", what, hint, entry)

    def dial_groups(self) -> None:
        for group in self.gateway.dial_groups:
            where = f"dial_groups.{group.name}"
            for member in group.members:
                peer = self.peer_by_name.get(member)
                if peer is None:
                    known = meant(member, list(self.peer_by_name))
                    self.wrong(where, f'there is no peer "{member}"', known, member)
                elif peer.to is None and f"peers.{member}.to" not in self.places:
                    what = f'peer "{member}" has no "to"'
                    self.wrong(where, what, "calls cannot go there", member)


def _same_family(one: str, other: str) -> bool:
    return (":" in one) == (":" in other)


def _reaches(to: Destination, listener: Listener) -> bool:
    if to.transport != listener.transport:
        return False
    if (to.host, to.port) == (listener.advertise_host, listener.advertise_port):
        return True
    if to.port != listener.port or not _same_family(to.host, listener.host):
        return False
    if listener.host in WILDCARDS:
        return ip_address(to.host).is_loopback
    return to.host == listener.host

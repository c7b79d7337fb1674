"""Peers as the signalling sees them: how a request's source is recognised, and how
a peer is reached. What a peer may do is policy's."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from tollbar.sip.flow import TLS, UDP, Flow, Target

_DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Source:
    """A place a peer's requests come from; the more it says, the more specific it is."""

    __slots__ = ("network", "peer", "port", "transport", "weight")

    def __init__(
        self,
        peer: "Peer",
        network: IPv4Network | IPv6Network,
        port: int | None,
        transport: str | None,
    ) -> None:
        self.peer = peer
        self.network = network
        self.port = port
        self.transport = transport
        # Longer prefix first, then a named port, then a named transport.
        self.weight = (network.prefixlen, port is not None, transport is not None)


class Peer:
    """One configured peer. ``to`` is None for a peer that only calls us.

    ``first_answer`` and ``ring_timeout`` are seconds.
    """

    __slots__ = (
        "authority",
        "certificates",
        "domain",
        "first_answer",
        "host",
        "name",
        "reveal_reason",
        "ring_timeout",
        "role",
        "send_code_as",
        "sources",
        "to",
        "trust_identity",
    )

    def __init__(
        self,
        name: str,
        role: str,
        to: Target | None,
        *,
        domain: str = "",
        trust_identity: bool = False,
        reveal_reason: bool = False,
        send_code_as: str = "",
        first_answer: float = 4.0,
        ring_timeout: float = 180.0,
        certificates: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.role = role
        self.to = to
        self.domain = domain.encode()
        self.trust_identity = trust_identity
        self.reveal_reason = reveal_reason
        self.send_code_as = send_code_as.encode()
        self.first_answer = first_answer
        self.ring_timeout = ring_timeout
        self.certificates = frozenset(certificates)
        self.sources: list[Source] = []
        self.host = b""
        self.authority = b""
        if to is not None:
            host = f"[{to.address}]" if ":" in to.address else to.address
            port = "" if to.port == _DEFAULT_PORT[to.transport] else f":{to.port}"
            parameter = "" if to.transport == UDP else f";transport={to.transport}"
            self.host = host.encode()
            self.authority = f"{host}{port}{parameter}".encode()

    def comes_from(
        self,
        network: IPv4Network | IPv6Network,
        port: int | None = None,
        transport: str | None = None,
    ) -> None:
        """Recognise requests from these addresses as this peer's."""
        self.sources.append(Source(self, network, port, transport))


class Peers:
    """All peers. The answer for a flow is kept on the flow, so a peer is looked up once."""

    def __init__(self, peers: Iterable[Peer]) -> None:
        self.by_name = {peer.name: peer for peer in peers}
        self._sources = sorted(
            (source for peer in self.by_name.values() for source in peer.sources),
            key=lambda source: source.weight,
            reverse=True,
        )

    def find(self, flow: Flow) -> Peer | None:
        """The peer whose flow this is: by certificate first, then by the best source."""
        found = flow.source
        if found is not None and found[0] is self:
            peer: Peer | None = found[1]
            return peer
        peer = self._search(flow)
        flow.source = (self, peer)
        return peer

    def _search(self, flow: Flow) -> Peer | None:
        if flow.transport == TLS and flow.names:
            for peer in self.by_name.values():
                if not peer.certificates.isdisjoint(flow.names):
                    return peer
        address = ip_address(flow.address.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        for source in self._sources:
            if (
                source.network.version == address.version
                and address in source.network
                and source.port in (None, flow.port)
                and source.transport in (None, flow.transport)
            ):
                return source.peer
        return None

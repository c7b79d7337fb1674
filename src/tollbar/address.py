"""Addresses as gateway.yaml writes them: ``udp:127.0.0.1:5060``, ``tls:[::1]``, ``10.0.0.0/8``.

Only IP literals (and ``localhost``) name a place to bind or to send to: a name would need DNS
on the signalling path. Never touches a socket.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from tollbar.document import Wrong

TRANSPORTS: Final = ("udp", "tcp", "tls")
DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}

_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


def port_number(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise Wrong(f'"{text}" is not a port', "1 to 65535")
    return int(text)


def certificate_name(text: str) -> str:
    """A name as certificates are compared by: ``sip:Pbx.Example.com`` is pbx.example.com."""
    return text.lower().removeprefix("sips:").removeprefix("sip:")


def host_and_port(text: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]``, ``[v6]:port`` or a bare v6; port 0 where none is given."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise Wrong(f'"{text}" is not host:port', "for example [::1]:5060")
        return host, port_number(rest[1:]) if rest else 0
    if text.count(":") > 1:
        return text, 0
    host, colon, port = text.partition(":")
    return host, port_number(port) if colon else 0


def ip_literal(host: str) -> IPv4Address | IPv6Address:
    if host.lower() == "localhost":
        return IPv4Address("127.0.0.1")
    try:
        address = ip_address(host)
    except ValueError:
        if _HOST_NAME.fullmatch(host) and not re.fullmatch(r"[0-9.]+", host):
            raise Wrong(
                f'"{host}" is a name, and names are not looked up', "write its IP address"
            ) from None
        raise Wrong(f'"{host}" is not an IP address') from None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise Wrong(f'"{host}" has a zone', "zones (%eth0) are not understood")
    return address


def transport_address(text: str) -> tuple[str, str, int]:
    """``udp:127.0.0.1:5060`` as transport, IP literal, port (5060, or 5061 for TLS, if absent)."""
    transport, rest = _split_transport(text)
    if not transport:
        raise Wrong(f'"{text}" has no transport', f"write udp:{text}, tcp:{text} or tls:{text}")
    host, port = host_and_port(rest)
    return transport, str(ip_literal(host)), port or DEFAULT_PORTS[transport]


def plain_address(text: str) -> tuple[str, int]:
    """``127.0.0.1:9464``: an IP literal and a port, both needed."""
    host, port = host_and_port(text)
    literal = str(ip_literal(host))
    if not port:
        raise Wrong(f'"{text}" has no port', f"for example {bracketed(literal)}:9464")
    return literal, port


def public_host(text: str) -> tuple[str, int]:
    """What Via and Contact may carry: an IP address that is not a wildcard, or a host name."""
    host, port = host_and_port(text)
    try:
        address = ip_address(host)
    except ValueError:
        if not is_host_name(host):
            raise Wrong(f'"{host}" is neither an IP address nor a host name') from None
        return host, port
    if address.is_unspecified:
        raise Wrong(f"{host} cannot be reached by anyone", "write the address peers send to")
    return str(address), port


def is_host_name(host: str) -> bool:
    return bool(_HOST_NAME.fullmatch(host)) and not re.fullmatch(r"[0-9.]+", host)


def source(text: str) -> tuple[IPv4Network | IPv6Network, int | None, str | None]:
    """``[transport:]address[/prefix][:port]`` as network, port, transport."""
    transport, rest = _split_transport(text)
    if rest.startswith("[") and "]/" in rest:
        raise Wrong(f'"{text}" is not an address', "write the prefix inside: [2001:db8::/32]")
    host, port = host_and_port(rest)
    address, slash, prefix = host.partition("/")
    literal = ip_literal(address)
    if not slash:
        return ip_network(literal), port or None, transport or None
    bits = literal.max_prefixlen
    if not re.fullmatch(r"[0-9]{1,3}", prefix) or int(prefix) > bits:
        raise Wrong(f'"/{prefix}" is not a prefix length', f"/0 to /{bits}")
    network = ip_network(f"{literal}/{prefix}", strict=False)
    if network.network_address != literal:
        raise Wrong(
            f"{literal}/{prefix} has bits set behind its prefix",
            f"write {network}, or {literal} alone for one address",
        )
    return network, port or None, transport or None


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split_transport(text: str) -> tuple[str, str]:
    head, colon, rest = text.partition(":")
    if colon and head.lower() in TRANSPORTS:
        return head.lower(), rest
    if colon and head.lower() in ("sip", "sips"):
        raise Wrong(f'"{text}" is a URI', "write transport:address:port, as in udp:192.0.2.1:5060")
    if colon and head.lower() in ("ws", "wss", "sctp"):
        raise Wrong(f'transport "{head}" is not spoken here', "udp, tcp or tls")
    return "", text

"""Where a request of a dialog goes: route set, remote target, transport (RFC 3261 8.1.2, 12.2.1.1).

Names in URIs are not looked up here (nothing on the signalling path waits for DNS): a host
that is no IP literal is reached by the way its side of the call came.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from tollbar.sip.errors import SipError
from tollbar.sip.fields import addresses, uris
from tollbar.sip.flow import TCP, TLS, UDP, Hop, Target

if TYPE_CHECKING:
    from tollbar.sip.stack import Listener

Neighbours = dict[tuple[str, str, bool], str]
"""By a listener's name, a transport and IPv6 or not: the name of the listener that takes over."""

_DEFAULT_PORT: Final = {UDP: 5060, TCP: 5060, TLS: 5061}
_TRANSPORTS: Final = {transport.encode(): transport for transport in _DEFAULT_PORT}


def neighbours(listeners: Iterable["Listener"]) -> Neighbours:
    """Which listener takes over where a peer of one is to be reached by another transport or
    family: itself, else one at the same address, else the first."""
    all_of_them = list(listeners)
    found: Neighbours = {}
    for one in all_of_them:
        for other in (
            one,
            *(other for other in all_of_them if other.bound == one.bound),
            *all_of_them,
        ):
            found.setdefault((one.name, other.transport, ":" in other.bound), other.name)
    return found


def next_hop(target: bytes, routes: list[bytes], way: Hop, listeners: Neighbours) -> Hop:
    """The hop for a request to ``target`` along ``routes``.

    ``way`` is how this side of the call was reached last. A live connection is kept to
    (RFC 5923): only datagrams, and connections that are gone, follow the URI.
    """
    if way.reliable and not isinstance(way, Target):
        if not way.gone:
            return way
        way = Target(way.listener, way.transport, way.address, way.port)
    return resolve(addresses[routes[0]].uri if routes else target, way, listeners)


@lru_cache(maxsize=1024)
def literal(host: bytes) -> str:
    """The IP literal a host is, without brackets; "" for a name. Peers are few, so it is kept."""
    if host.lower() == b"localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(host.strip(b"[]").decode("ascii")))
    except ValueError:
        return ""


def resolve(text: bytes, way: Hop, listeners: Neighbours) -> Hop:
    """The hop that a URI names, or ``way`` where it names none that we can reach.

    An ``maddr`` stands for the host (RFC 3261 19.1.1)."""
    try:
        uri = uris[text]
    except SipError:
        return way
    address = literal(uri.params.get(b"maddr") or uri.host)
    if not address:
        return way
    named = uri.params.get(b"transport", b"")
    if uri.scheme == b"sips":
        transport = TLS
    elif named and named.lower() in _TRANSPORTS:
        transport = _TRANSPORTS[named.lower()]
    elif way.transport == TLS:
        # A peer that came by TLS is not called back in the clear.
        transport = TLS
    else:
        transport = UDP
    listener = listeners.get((way.listener, transport, ":" in address), "")
    if not listener:
        return way
    port = uri.port or _DEFAULT_PORT[transport]
    if (address, port, transport) == (way.address, way.port, way.transport):
        return way
    return Target(listener, transport, address, port)


def strict_first(routes: list[bytes]) -> bool:
    """Is the first route that of a strict router (no ``lr``)?"""
    return bool(routes) and b"lr" not in uris[addresses[routes[0]].uri].params

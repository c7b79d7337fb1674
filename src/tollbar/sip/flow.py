"""Where bytes came from and where they go: flow, target, hop.

A *flow* is a path that exists: the peer's address at one of our UDP sockets, or one
connection. A *target* is an address we know and may have to connect to. A *hop* is either.
The driver makes flows and keeps one object per path, so identity is equality.
"""

from typing import Any, Final

UDP: Final = "udp"
TCP: Final = "tcp"
TLS: Final = "tls"


class Flow:
    """A path bytes came over and can go back on.

    ``listener`` is the configured listener's name; ``transport`` one of udp, tcp, tls;
    ``address`` (an IP literal without brackets; ``host`` is the same as bytes) and ``port``
    are the peer's;
    ``names`` are the subject names of its TLS client certificate, verified;
    ``channel`` belongs to the driver and ``source`` to the engine; neither looks into the
    other's. ``gone``: this connection is dead; nothing more is to be sent on it.
    """

    __slots__ = (
        "address",
        "channel",
        "gone",
        "host",
        "listener",
        "names",
        "port",
        "reliable",
        "source",
        "transport",
    )

    def __init__(
        self,
        listener: str,
        transport: str,
        address: str,
        port: int,
        channel: object = None,
        names: tuple[str, ...] = (),
    ) -> None:
        self.listener = listener
        self.transport = transport
        self.address = address
        self.host = address.encode()
        self.port = port
        self.channel = channel
        self.names = names
        self.source: tuple[Any, Any] | None = None
        self.reliable = transport != UDP
        self.gone = False

    def __str__(self) -> str:
        """As a log shows it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport} {host}:{self.port}"

    def __repr__(self) -> str:
        return f"<flow {self.transport} {self.address}:{self.port} at {self.listener}>"


class Target:
    """An address to send to from ``listener``: the driver finds or opens the connection.

    ``dialog`` is the key of the one dialog whose requests go there, or empty.
    """

    __slots__ = ("address", "dialog", "listener", "port", "reliable", "transport")
    gone: Final = False

    def __init__(self, listener: str, transport: str, address: str, port: int) -> None:
        self.listener = listener
        self.transport = transport
        self.address = address
        self.port = port
        self.reliable = transport != UDP
        self.dialog = b""

    def __repr__(self) -> str:
        return f"<target {self.transport} {self.address}:{self.port} from {self.listener}>"


Hop = Flow | Target

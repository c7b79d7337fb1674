"""SIP over TCP and TLS (RFC 3261 section 18): a listener, its connections, both ways.

A connection is found again by the address at its other end, whoever opened it, so a target
that called us is answered on its own connection (RFC 5923's reuse, by exact address; a TLS
peer's also by name). A ping (RFC 5626 section 3.5.1) goes to the engine like a message; its
pong comes back like one. Every number is bounded: connections in all and per address, bytes
waiting to be written, silence. A break is told once, by ``engine.lost``. The room must never
wait for a peer.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Mapping
from typing import Final, cast

from tollbar.gateway import Listener
from tollbar.net.driver import Driver
from tollbar.net.tls import Contexts, proven_names
from tollbar.pem import why
from tollbar.sip.errors import SipError
from tollbar.sip.flow import TLS, Flow, Target
from tollbar.sip.framing import PING, Framer

CONNECTIONS: Final = 8_192  # per listener
PER_ADDRESS: Final = 1_024
BACKLOG: Final = 1_024
ACCEPTS: Final = 64  # a wake-up
CONNECT_LIMIT: Final = 4.0  # seconds, handshake included: the patience a trunk gets
HANDSHAKE_LIMIT: Final = 10.0
FIRST_MESSAGE: Final = 32.0  # seconds for the first whole message (64*T1)
SILENCE: Final = 3_600.0  # seconds
UNHEARD: Final = 30_000  # milliseconds without a word of the far end's system, below 64*T1
UNSENT: Final = 1024 * 1024  # bytes waiting for one peer
PAUSE: Final = 1.0  # seconds without accepting when the system has no more descriptors

Key = tuple[str, int]

logger = logging.getLogger("tollbar")


class Connection(asyncio.Protocol):
    """One connection; the channel of its flow. It may be used before it is up."""

    __slots__ = (
        "flow",
        "framer",
        "heard",
        "key",
        "outgoing",
        "port",
        "since",
        "targets",
        "task",
        "transport",
        "unsent",
        "waiting",
    )

    def __init__(self, port: "StreamPort", key: Key, target: Target | None) -> None:
        self.port = port
        self.key = key
        self.outgoing = target is not None
        # While we connect: what is lost if we cannot.
        self.targets: list[Target] = [] if target is None else [target]
        self.flow: Flow | None = None
        self.framer = Framer()
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self.waiting: list[bytes] = []
        self.unsent = 0
        self.since = port.driver.loop.time()
        self.heard = 0.0  # when the last whole message or ping came; 0 is never

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=UNSENT)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            keep_alive(sock)
        address, number = self.key
        names = proven_names(transport.get_extra_info("ssl_object"))
        port = self.port
        self.flow = Flow(port.name, port.transport, address, number, self, names)
        if self.waiting:
            transport.writelines(self.waiting)
            self.waiting = []
        self.targets = []

    def data_received(self, data: bytes) -> None:
        flow, transport, driver = self.flow, self.transport, self.port.driver
        if flow is None or transport is None or transport.is_closing():
            return
        now = driver.loop.time()
        try:
            messages = self.framer.feed(data)
        except SipError:
            messages = []
        pinged = False
        try:
            for message in messages:
                self.heard = now
                if message is PING:
                    if pinged:  # a read full of pings would hold up everybody else's calls
                        continue
                    pinged = True
                if driver.tap is not None:
                    driver.tap.saw(True, flow, message)
                driver.engine.receive(message, flow, now)
        finally:
            driver.settle(now)
        broken = self.framer.broken
        if broken is not None:  # what was whole before the break has been served
            driver.noticed("malformed", flow, broken.reason)
            transport.abort()

    def send(self, data: bytes) -> None:
        transport = self.transport
        if transport is None:
            self.unsent += len(data)
            if self.unsent > UNSENT:
                raise OSError(errno.ENOBUFS, "too much waits for this connection")
            self.waiting.append(data)
        elif transport.is_closing():
            raise OSError(errno.ENOTCONN, "the connection is closed")
        else:
            transport.write(data)

    def pause_writing(self) -> None:
        """The peer takes nothing and a megabyte waits: it is lost, not waited for."""
        if self.transport is not None:
            self.transport.abort()

    def never_up(self, error: OSError) -> None:
        """Who waited for it has lost it."""
        for target in self.targets:
            self.port.driver.lost(target, error)

    def connection_lost(self, error: Exception | None) -> None:
        self.port.forget(self)
        if self.flow is not None:
            gone = error or OSError(errno.ECONNRESET, "the connection was closed")
            self.port.driver.lost(self.flow, gone)

    def close(self) -> None:
        """We leave: nothing is lost by it that the next start does not take up."""
        self.flow = None
        if self.task is not None:
            self.task.cancel()
        if self.transport is not None:
            self.transport.abort()


class StreamPort:
    """One TCP or TLS listener.

    ``server_names`` says what name the certificate behind an address must carry; where it
    does not, the address itself must be in it.
    """

    driver: Driver

    __slots__ = (
        "connections",
        "contexts",
        "driver",
        "family",
        "found",
        "host",
        "name",
        "per_address",
        "refused",
        "server_names",
        "sock",
        "transport",
    )

    def __init__(
        self,
        listener: Listener,
        server_names: Mapping[Key, str] | None = None,
    ) -> None:
        """Binds, and accepts nothing yet; OSError where the address is taken or a certificate
        cannot be read."""
        self.name = listener.name
        self.host = listener.host
        self.transport = listener.transport
        self.contexts = Contexts(listener) if listener.transport == TLS else None
        self.server_names = server_names or {}
        self.family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        self.sock = listening(self.family, listener.host, listener.port)
        self.connections: set[Connection] = set()
        self.found: dict[Key, Connection] = {}
        self.per_address: Counter[str] = Counter()
        self.refused = 0

    @property
    def address(self) -> tuple[str, int]:
        name = self.sock.getsockname()
        return name[0], name[1]

    def attach(self, driver: Driver) -> None:
        self.driver = driver

    def start(self) -> None:
        self.driver.loop.add_reader(self.sock, self.acceptable)

    def close(self) -> None:
        if self.sock.fileno() >= 0 and hasattr(self, "driver"):
            self.driver.loop.remove_reader(self.sock)
        self.sock.close()
        for connection in list(self.connections):
            connection.close()

    def acceptable(self) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, address = self.sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors: the backlog waits, those that are up go on
                logger.error("listener %r takes no connection for now: %s", self.name, why(error))
                self.driver.loop.remove_reader(self.sock)
                self.driver.loop.call_later(PAUSE, self.resume)
                return
            key = (address[0], address[1])
            if not self.room(key):
                self.refused += 1
                sock.close()
                continue
            connection = Connection(self, key, None)
            self.keep(connection)
            connection.task = self.driver.loop.create_task(self.welcome(connection, sock))

    def resume(self) -> None:
        if self.sock.fileno() >= 0:
            self.start()

    def room(self, key: Key) -> bool:
        return len(self.connections) < CONNECTIONS and self.per_address[key[0]] < PER_ADDRESS

    def keep(self, connection: Connection) -> None:
        self.connections.add(connection)
        self.found[connection.key] = connection
        self.per_address[connection.key[0]] += 1

    def forget(self, connection: Connection) -> None:
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        if self.found.get(connection.key) is connection:
            del self.found[connection.key]
        host = connection.key[0]
        self.per_address[host] -= 1
        if not self.per_address[host]:
            del self.per_address[host]

    def reach(self, target: Target) -> Connection:
        """The connection to this address, whoever opened it; else one that is being made."""
        key = (target.address, target.port)
        connection = self.found.get(key)
        if connection is not None and self.may_carry(connection):
            transport = connection.transport
            if transport is None:
                connection.targets.append(target)
                return connection
            if not transport.is_closing():
                return connection
        if not self.room(key):
            raise OSError(errno.ENOBUFS, "too many connections")
        connection = Connection(self, key, target)
        self.keep(connection)
        connection.task = self.driver.loop.create_task(self.connect(connection, target))
        return connection

    def may_carry(self, connection: Connection) -> bool:
        """Whether requests of ours may go by it: where it came to us from the address of a TLS
        peer, it must have proven that peer's name (RFC 5923 section 9)."""
        if self.contexts is None or connection.outgoing:
            return True
        name = self.server_names.get(connection.key)
        flow = connection.flow
        return name is None or (flow is not None and name.lower() in flow.names)

    async def welcome(self, connection: Connection, sock: socket.socket) -> None:
        """Finish an accepted connection, TLS handshake included."""
        context = self.contexts.server if self.contexts else None
        limit = HANDSHAKE_LIMIT if context else None
        try:
            await self.driver.loop.connect_accepted_socket(
                lambda: connection, sock, ssl=context, ssl_handshake_timeout=limit
            )
        except (OSError, asyncio.CancelledError) as error:
            sock.close()
            self.forget(connection)
            # Of one who only looks whether the port is open nothing is said.
            if isinstance(error, ssl.SSLError):
                flow = Flow(self.name, self.transport, *connection.key)
                self.driver.noticed("handshake_failed", flow, why(error))
            if isinstance(error, OSError):
                connection.never_up(error)
        finally:
            connection.task = None

    async def connect(self, connection: Connection, target: Target) -> None:
        """Open a connection from the listener's own address."""
        context = self.contexts.client if self.contexts else None
        name = self.server_names.get(connection.key, target.address) if context else None
        wildcard = self.host in ("0.0.0.0", "::", "")
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await self.driver.loop.create_connection(
                    lambda: connection,
                    target.address,
                    target.port,
                    ssl=context,
                    server_hostname=name,
                    local_addr=None if wildcard else (self.host, 0),
                )
        except asyncio.CancelledError:
            self.forget(connection)
        except OSError as error:
            self.forget(connection)
            flow = Flow(self.name, self.transport, *connection.key)
            self.driver.noticed("not_connected", flow, why(error))
            connection.never_up(error)
        finally:
            connection.task = None

    def sweep(self, now: float) -> None:
        for connection in list(self.connections):
            if connection.transport is None:
                continue  # its handshake has a limit of its own
            if connection.heard:
                late = now - connection.heard > SILENCE
            else:
                limit = SILENCE if connection.outgoing else FIRST_MESSAGE
                late = now - connection.since > limit
            if late:
                connection.transport.abort()


def listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # asyncio sends at once (TCP_NODELAY) only on sockets that name the protocol, and what is
    # accepted takes it from here.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        # Only lets us bind again while old connections linger; two listeners still collide.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def keep_alive(sock: socket.socket) -> None:
    """Let the system find out about a peer that vanished, idle (after 20 s, 25 s) or not: without
    the last of these nobody is asked while something is on its way, and what a firewall has
    forgotten is sent to for a quarter of an hour."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD)

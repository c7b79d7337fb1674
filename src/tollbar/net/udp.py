"""SIP over UDP (RFC 3261 section 18), on sockets we drain ourselves.

Up to 64 datagrams a wake-up, each handed to the engine with the one flow of its source.
Errors the network reports by ICMP become ``engine.lost`` (18.4). The room must never block,
and never grow: flows live in two bounded generations, unsent datagrams in a short queue.
"""

import errno
import os
import socket
import struct
from collections import deque
from contextlib import suppress
from typing import Any, Final

from tollbar.gateway import Listener
from tollbar.net.driver import Driver
from tollbar.sip.flow import UDP, Flow, Target

DRAIN: Final = 64  # datagrams a wake-up
LARGEST: Final = 65_535
FLOWS: Final = 16_384  # sources remembered per generation
QUEUE: Final = 1_024  # datagrams waiting for the send buffer
BUFFER: Final = 8 * 1024 * 1024  # socket buffers asked for; the kernel gives what it allows

# Of the system's headers; the socket module does not name them.
SNDBUFFORCE: Final = 32
RCVBUFFORCE: Final = 33
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
# Errors that say "this destination cannot be reached", as RFC 3261 18.4 lists them; an error
# of the kind "time exceeded" is left to the transaction's own timer.
UNREACHABLE: Final = frozenset(
    {
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENOPROTOOPT,
        errno.EPROTO,
        errno.EACCES,
    }
)

Address = Any  # what recvfrom gives: two fields for IPv4, four for IPv6


class Path:
    """The channel of one UDP flow: this socket, that address."""

    __slots__ = ("address", "port")

    def __init__(self, port: "UdpPort", address: Address) -> None:
        self.port = port
        self.address = address

    def send(self, data: bytes) -> None:
        port = self.port
        if port.queue:
            port.put(data, self.address)
            return
        try:
            port.sendto(data, self.address)
        except BlockingIOError:
            port.put(data, self.address)
        except OSError as error:
            port.send_again(error, data, self.address)


class UdpPort:
    """One UDP listener."""

    driver: Driver

    __slots__ = (
        "driver",
        "dropped",
        "family",
        "flows",
        "name",
        "older",
        "queue",
        "sendto",
        "sock",
    )

    def __init__(self, listener: Listener) -> None:
        """Binds, and reads nothing yet; OSError where the address is taken."""
        self.name = listener.name
        self.family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        self.sock = bound(self.family, listener.host, listener.port)
        self.sendto = self.sock.sendto
        self.flows: dict[Address, Flow] = {}
        self.older: dict[Address, Flow] = {}
        self.queue: deque[tuple[bytes, Address]] = deque()
        self.dropped = 0

    @property
    def address(self) -> tuple[str, int]:
        name = self.sock.getsockname()
        return name[0], name[1]

    def attach(self, driver: Driver) -> None:
        self.driver = driver

    def start(self) -> None:
        self.driver.loop.add_reader(self.sock, self.readable)

    def close(self) -> None:
        if self.sock.fileno() >= 0 and hasattr(self, "driver"):
            self.driver.loop.remove_reader(self.sock)
            self.driver.loop.remove_writer(self.sock)
        self.sock.close()

    def readable(self) -> None:
        """Drain the socket, with one clock read for all that waits there."""
        driver = self.driver
        engine = driver.engine
        now = driver.loop.time()
        recvfrom = self.sock.recvfrom
        flows = self.flows
        received = 0
        try:
            for received in range(DRAIN):  # noqa: B007 - tells whether anything came
                data, address = recvfrom(LARGEST)
                flow = flows.get(address)
                if flow is None:
                    flow = self.flow(address)
                    flows = self.flows
                if driver.tap is not None:
                    driver.tap.saw(True, flow, data)
                engine.receive(data, flow, now)
        except BlockingIOError:
            if received == 0:  # woken without data: an error waits on the socket's other queue
                self.network_errors()
        except OSError:
            self.network_errors()
        finally:
            driver.settle(now)

    def flow(self, address: Address) -> Flow:
        """The one flow object of this source; a source silent for long gets a new one."""
        flow = self.flows.get(address)
        if flow is None:
            flow = self.older.get(address)
            if flow is None:
                flow = Flow(self.name, UDP, address[0], address[1], Path(self, address))
            if len(self.flows) >= FLOWS:
                self.older = self.flows
                self.flows = {}
            self.flows[address] = flow
        return flow

    def reach(self, target: Target) -> Path:
        if self.family == socket.AF_INET:
            address: Address = (target.address, target.port)
        else:
            address = (target.address, target.port, 0, 0)
        channel = self.flow(address).channel
        assert isinstance(channel, Path)
        return channel

    def send_again(self, error: OSError, data: bytes, address: Address) -> None:
        """Send what has not gone because an earlier datagram, to someone else perhaps, was
        unreachable; else raise the error."""
        if error.errno not in UNREACHABLE or not self.network_errors():
            raise error
        self.sendto(data, address)

    def put(self, data: bytes, address: Address) -> None:
        """Keep a datagram until the socket takes it; beyond the bound it is lost, as UDP may."""
        if len(self.queue) >= QUEUE:
            self.dropped += 1
            return
        if not self.queue:
            self.driver.loop.add_writer(self.sock, self.writable)
        self.queue.append((data, address))

    def writable(self) -> None:
        queue = self.queue
        failed: list[tuple[Address, OSError]] = []
        while queue:
            data, address = queue[0]
            try:
                self.sendto(data, address)
            except BlockingIOError:
                break
            except OSError as error:
                try:
                    self.send_again(error, data, address)
                except OSError as its_own:
                    failed.append((address, its_own))
            queue.popleft()
        if not queue:
            self.driver.loop.remove_writer(self.sock)
        for address, reason in failed:
            self.driver.lost(self.flow(address), reason)

    def network_errors(self) -> int:
        """Take what ICMP said of datagrams sent; returns how many errors there were.

        The engine is told in a turn of its own, never from within a send.
        """
        found = 0
        unreachable: dict[Address, OSError] = {}
        with suppress(BlockingIOError):
            while found < DRAIN:
                _, ancillary, _, address = self.sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
                found += 1
                for _, kind, body in ancillary:
                    if kind not in (IP_RECVERR, IPV6_RECVERR) or len(body) < 4:
                        continue
                    (code,) = struct.unpack_from("=I", body)
                    if code in UNREACHABLE and address:
                        unreachable[address] = OSError(code, os.strerror(code))
        for address, reason in unreachable.items():
            self.driver.loop.call_soon(self.driver.lost, self.flow(address), reason)
        return found

    def sweep(self, now: float) -> None:
        """Nothing of UDP is ever idle."""


def bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A non-blocking socket with large buffers, bound without sharing the address."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for option, force in ((socket.SO_RCVBUF, RCVBUFFORCE), (socket.SO_SNDBUF, SNDBUFFORCE)):
            try:
                sock.setsockopt(socket.SOL_SOCKET, force, BUFFER)
            except OSError:  # only the administrator may go beyond the system's maximum
                sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock

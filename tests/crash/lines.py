"""What the crash tests' phones speak over: one UDP socket, or one TCP connection kept open.

A line outlives the gateway: what nobody answered goes again, over UDP by the timers of RFC
3261 (17.1.1.2, 17.1.2.2, 13.3.1.4), over TCP on the next connection. It keeps a tape of all
that left and came, and never looks into a message further than its framing.
"""

import asyncio
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import asyncio_dgram
from tests.b2bua.text import Text

T1: Final = 0.5  # seconds
T2: Final = 4.0
GIVE_UP: Final = 64 * T1
HOST: Final = "127.0.0.1"
BUFFER: Final = 8 * 1024 * 1024
RCVBUFFORCE: Final = 33  # of the system's headers; the socket module does not name it
RECONNECT: Final = 0.02  # seconds between two tries
LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)

Way = asyncio.StreamWriter | None
Take = Callable[[Text, Way], None]
Tape = list[tuple[float, bool, bytes]]  # when, whether to the gateway, what


class Line(Protocol):
    """``again`` holds what still wants an answer."""

    reliable: bool
    port: int
    take: Take
    tape: Tape
    again: set["Again"]

    def send(self, data: bytes, way: Way = None) -> None: ...
    async def close(self) -> None: ...


class Again:
    """A message sent until it is answered; the interval doubles up to ``longest``."""

    def __init__(self, line: Line, data: bytes, longest: float = T2) -> None:
        self.line = line
        self.data = data
        self.longest = longest
        self.interval = T1
        self.until = time.monotonic() + GIVE_UP
        self.timer: asyncio.TimerHandle | None = None
        self.waits = True
        line.again.add(self)
        self.send()

    def send(self) -> None:
        self.line.send(self.data)
        if not self.line.reliable and time.monotonic() + self.interval < self.until:
            self.timer = asyncio.get_running_loop().call_later(self.interval, self.send)
            self.interval = min(2 * self.interval, self.longest)

    def stop(self) -> None:
        self.waits = False
        self.line.again.discard(self)
        if self.timer is not None:
            self.timer.cancel()


class Datagrams:
    """A UDP socket towards the gateway."""

    reliable = False

    def __init__(self, port: int, gateway: int) -> None:
        self.port = port
        self.gateway = (HOST, gateway)
        self.take: Take = nobody
        self.tape: Tape = []
        self.again: set[Again] = set()
        self.leaving: asyncio.Queue[bytes] = asyncio.Queue()
        self.stream: asyncio_dgram.aio.DatagramServer
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> "Datagrams":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A gateway that comes back says much at once.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        with suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, BUFFER)
        sock.setblocking(False)
        sock.bind((HOST, self.port))
        stream = await asyncio_dgram.from_socket(sock)
        assert isinstance(stream, asyncio_dgram.aio.DatagramServer)
        self.stream = stream
        loop = asyncio.get_running_loop()
        self.tasks = [loop.create_task(self.read()), loop.create_task(self.write())]
        return self

    def send(self, data: bytes, way: Way = None) -> None:
        self.tape.append((time.time(), True, data))
        self.leaving.put_nowait(data)

    async def read(self) -> None:
        with suppress(asyncio_dgram.TransportClosed):
            while True:
                data, _ = await self.stream.recv()
                self.tape.append((time.time(), False, data))
                self.take(Text(data), None)

    async def write(self) -> None:
        while True:
            await self.stream.send(await self.leaving.get(), self.gateway)

    async def close(self) -> None:
        for again in list(self.again):
            again.stop()
        for task in self.tasks:
            task.cancel()
        results = await asyncio.gather(*self.tasks, return_exceptions=True)
        self.stream.close()
        told(results)


class Stream:
    """One TCP connection to the gateway, made again whenever it breaks, and an open door for
    the gateway's own. Responses leave by the connection their request came by."""

    reliable = True

    def __init__(self, port: int, gateway: int) -> None:
        self.port = port
        self.gateway = gateway
        self.take: Take = nobody
        self.tape: Tape = []
        self.again: set[Again] = set()
        self.own: asyncio.StreamWriter | None = None
        self.visitors: set[asyncio.Task[None]] = set()
        self.door: asyncio.Server
        self.task: asyncio.Task[None]

    async def open(self) -> "Stream":
        self.door = await asyncio.start_server(self.visited, HOST, self.port)
        self.task = asyncio.get_running_loop().create_task(self.stay())
        return self

    def send(self, data: bytes, way: Way = None) -> None:
        way = way or self.own
        if way is not None and not way.is_closing():
            self.tape.append((time.time(), True, data))
            way.write(data)

    async def stay(self) -> None:
        """Be connected, for ever."""
        while True:
            try:
                reader, self.own = await asyncio.open_connection(HOST, self.gateway)
            except OSError:
                await asyncio.sleep(RECONNECT)
                continue
            for again in list(self.again):
                again.send()
            try:
                await self.read(reader, self.own)
            finally:
                self.own.close()
                self.own = None

    async def visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.visitors.add(task)
        try:
            await self.read(reader, writer)
        finally:
            self.visitors.discard(task)
            writer.close()

    async def read(self, reader: asyncio.StreamReader, way: asyncio.StreamWriter) -> None:
        """Whole messages until the connection breaks; one that was cut short is nothing."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                assert length is not None, "a stream needs a Content-Length"
                data = head + await reader.readexactly(int(length[1]))
                self.tape.append((time.time(), False, data))
                self.take(Text(data), way)

    async def close(self) -> None:
        for again in list(self.again):
            again.stop()
        tasks = [self.task, *self.visitors]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        self.door.close()
        await self.door.wait_closed()
        told(results)


def nobody(_message: Text, _way: Way) -> None:
    """Nobody listens on this line yet."""


def told(results: list[BaseException | None]) -> None:
    """An error in a task of a line is an error of the test."""
    for result in results:
        if isinstance(result, Exception):
            raise result


async def until(holds: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    """Wait for a condition; TimeoutError names it where it never comes true."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.01)

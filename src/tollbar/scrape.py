"""The small HTTP server beside the signalling: /metrics, /healthz, /readyz.

Three GETs, no more: requests are short, connections few and brief, and a scrape gives the
loop back between families so that no call waits for it. It must never show a call's data.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from tollbar.metrics import Metrics

REQUEST: Final = 8_192  # bytes
CONNECTIONS: Final = 32
PATIENCE: Final = 5.0  # seconds for a request and for its answer
TEXT: Final = "text/plain; charset=utf-8"


class _One(Collector):
    """A collector of one family: what the library's renderer takes."""

    def __init__(self, family: Metric) -> None:
        self.family = family

    def collect(self) -> Iterator[Metric]:
        yield self.family


class Scrape:
    """Serves metrics and the two probes. ``ready`` gives "" or why not; ``latest`` is called
    before the metrics are read, to count what was not yet."""

    __slots__ = ("latest", "metrics", "open", "ready", "server")

    def __init__(
        self, metrics: Metrics, ready: Callable[[], str], latest: Callable[[], None]
    ) -> None:
        self.metrics = metrics
        self.ready = ready
        self.latest = latest
        self.open = 0
        self.server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; OSError where the address is taken. Returns where."""
        self.server = await asyncio.start_server(self.serve, host, port, limit=REQUEST)
        name = self.server.sockets[0].getsockname()
        return name[0], name[1]

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open > CONNECTIONS:
                return
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            status, kind, body = await self.answer(method, rest.partition(b" ")[0])
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            if method != b"HEAD":
                writer.write(body)
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()  # gone, too slow or too long
        finally:
            self.open -= 1
            writer.close()

    async def answer(self, method: bytes, target: bytes) -> tuple[str, str, bytes]:
        path = target.partition(b"?")[0]
        if path not in (b"/metrics", b"/healthz", b"/readyz"):
            return "404 Not Found", TEXT, b"try /metrics, /healthz or /readyz\n"
        if method not in (b"GET", b"HEAD"):
            return "405 Method Not Allowed", TEXT, b"GET only\n"
        if path == b"/metrics":
            return "200 OK", CONTENT_TYPE_PLAIN_0_0_4, await self.text()
        if path == b"/healthz":
            return "200 OK", TEXT, b"ok\n"
        reason = self.ready()
        if reason:
            return "503 Service Unavailable", TEXT, f"{reason}\n".encode()
        return "200 OK", TEXT, b"ready\n"

    async def text(self) -> bytes:
        """All families in the text format."""
        parts = []
        self.latest()
        for family in self.metrics.collect():
            parts.append(generate_latest(_One(family)))
            await asyncio.sleep(0)  # the signalling first
        return b"".join(parts)

"""A stand-in for the engine: answers what it is told to, remembers what it was handed."""

import asyncio
from collections.abc import Callable

from tollbar.b2bua.facts import Fact
from tollbar.sip.flow import Flow, Hop


class FakeEngine:
    def __init__(self) -> None:
        self.utc_offset = 0.0
        self.outbox: list[tuple[Hop, bytes]] = []
        self.facts: list[Fact] = []
        self.received: list[tuple[bytes, Flow]] = []
        self.times: list[float] = []
        self.expired: list[float] = []
        self.notices: list[tuple[str, str]] = []
        self.gone: list[tuple[Hop, Exception]] = []
        self.durable: list[int] = []
        self.refused: list[int] = []
        self.deadline: float | None = None
        self.changed = asyncio.Event()
        self.answer: Callable[[bytes], bytes | None] = lambda data: data
        self.on_lost: Callable[[Hop], None] = lambda hop: None

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.received.append((data, flow))
        self.times.append(now)
        answer = self.answer(data)
        if answer is not None:
            self.outbox.append((flow, answer))
        self.changed.set()

    def expire(self, now: float) -> None:
        self.expired.append(now)
        if self.deadline is not None and self.deadline <= now + 0.001:
            self.deadline = None
        self.changed.set()

    def committed(self, n: int, now: float) -> None:
        self.durable.append(n)

    def not_committed(self, n: int, error: Exception, now: float) -> None:
        self.refused.append(n)

    def lost(self, hop: Hop, error: Exception, now: float) -> None:
        self.gone.append((hop, error))
        self.on_lost(hop)
        self.changed.set()

    def noticed(self, kind: str, flow: Flow, detail: str, now: float) -> None:
        self.notices.append((kind, detail))
        self.changed.set()

    def take_outbox(self) -> list[tuple[Hop, bytes]]:
        taken, self.outbox = self.outbox, []
        return taken

    def take_facts(self) -> list[Fact]:
        taken, self.facts = self.facts, []
        return taken

    def next_deadline(self) -> float | None:
        return self.deadline

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the engine to be handed what makes ``condition`` true."""
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


def message(text: str = "hello", body: bytes = b"") -> bytes:
    return (
        f"OPTIONS sip:{text}@127.0.0.1 SIP/2.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

"""What the shell needs of the engine, and what the engine's hops need of the shell.

Only types. The driver knows no more of the engine than `Engine` says, so a test can stand
in for it with forty lines.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tollbar.b2bua.facts import Fact
from tollbar.sip.flow import Flow, Hop, Target

if TYPE_CHECKING:
    from tollbar.net.driver import Driver


class Engine(Protocol):
    """The pure half: bytes and time in, bytes and facts out."""

    utc_offset: float
    """UTC minus monotonic, in seconds; the driver writes it after a clock step."""

    def receive(self, data: bytes, flow: Flow, now: float, /) -> None: ...
    def expire(self, now: float, /) -> None: ...
    def committed(self, n: int, now: float, /) -> None: ...
    def not_committed(self, n: int, error: Exception, now: float, /) -> None: ...
    def lost(self, hop: Hop, error: Exception, now: float, /) -> None: ...
    def noticed(self, kind: str, flow: Flow, detail: str, now: float, /) -> None: ...
    def take_outbox(self) -> Sequence[tuple[Hop, bytes]]: ...
    def take_facts(self) -> list[Fact]: ...
    def next_deadline(self) -> float | None: ...


class Channel(Protocol):
    """The driver's end of a flow: `Flow.channel` is always one."""

    def send(self, data: bytes) -> None:
        """Send or queue; OSError where the bytes cannot go."""


class Port(Protocol):
    """One listener at work: it makes flows and reaches targets."""

    name: str

    def attach(self, driver: "Driver") -> None: ...
    def start(self) -> None:
        """Begin to read."""

    def reach(self, target: Target) -> Channel:
        """The channel to this target, opened if need be; OSError where there is none."""

    def sweep(self, now: float) -> None:
        """Let go of what is idle beyond its limit."""

    def close(self) -> None: ...


class Tap(Protocol):
    """Someone who watches the wire (a SIP trace)."""

    def saw(self, received: bool, hop: Hop, data: bytes) -> None: ...

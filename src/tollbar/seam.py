"""The whole of the engine's seam, as the server uses it. Only types."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tollbar.b2bua.chats import Chats
from tollbar.b2bua.gate import Gate
from tollbar.b2bua.rules import Rules
from tollbar.b2bua.steps import Steps
from tollbar.metrics import Counters
from tollbar.net import seam
from tollbar.policy.snapshot import Snapshot
from tollbar.sip.stack import Listener


class Engine(seam.Engine, Protocol):
    """Bytes, time and questions in; bytes, facts and answers out."""

    @property
    def stack(self) -> Counters: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def chats(self) -> Chats: ...
    @property
    def calls(self) -> Mapping[str, object]: ...
    @property
    def open(self) -> Mapping[str, object]: ...
    @property
    def steps(self) -> Steps: ...
    def swap(self, snapshot: Snapshot, rules: Rules, /) -> None: ...
    def hangup(self, call: str, cause: str, now: float, /) -> bool: ...
    def assign(
        self,
        record_id: str,
        code: str,
        description: str,
        source: str,
        by: str,
        now: float,
        refused: str = "",
    ) -> int: ...
    def drain(self, now: float, /) -> None: ...
    def restore(
        self, calls: Iterable[tuple[str, bytes, bool]], alive: float, now: float, /
    ) -> Sequence[tuple[str, str]]: ...
    def setting_up(self) -> int: ...


class MakeEngine(Protocol):
    def __call__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        listeners: Iterable[Listener],
        entropy: Callable[[int], bytes],
        utc_offset: float,
    ) -> Engine: ...

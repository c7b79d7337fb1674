"""Facts in, changes for the store out: the fold that makes records (SPEC G1-G3).

Holds the records of open calls between their facts. A pure room: the clock is in the facts.
Durations are monotonic while one process sees both ends, UTC differences across a restart,
and never negative. It must never look into ``kept``, and never write a call twice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tollbar.b2bua.facts import Answered, Attempted, Closed, Ended, Fact, Rang, Tried
from tollbar.cdr.record import Record
from tollbar.policy.attempt import Decision

Progress = tuple[str, int, str, int | None, int | None]
"""What changes while a call is open: trunk, tries, b_call_id, ringing, answer."""


class Change:
    """One thing the store is to write. ``durable`` says somebody waits for it."""

    __slots__ = ("durable", "record_id", "tenant")
    tenant: str
    record_id: str
    durable: bool


class Opened(Change):
    """A call began: everything about it, written whole."""

    __slots__ = ("draft", "kept", "progress")

    def __init__(self, record: Record, kept: bytes, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.draft = record.draft()
        self.progress = progress(record)
        self.kept = kept
        self.durable = durable


class Progressed(Change):
    """An open call was tried (again), rang or was answered. Empty ``kept``: as it was."""

    __slots__ = ("kept", "progress")

    def __init__(self, record: Record, kept: bytes, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.progress = progress(record)
        self.kept = kept
        self.durable = durable


class Finished(Change):
    """A call is over: its record as a row. Empty ``kept``: as it was."""

    __slots__ = ("kept", "row")

    def __init__(self, record: Record, kept: bytes, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.row = record.values()
        self.kept = kept
        self.durable = durable


class Forgotten(Change):
    """Nothing of the call is left on the wire: its open row can go."""

    __slots__ = ()

    def __init__(self, tenant: str, record_id: str, durable: bool = False) -> None:
        self.tenant = tenant
        self.record_id = record_id
        self.durable = durable


class OpenCall:
    """A call as the last process left it on disk; ``ended``: only its BYE was unfinished."""

    __slots__ = ("ended", "instance", "kept", "record")

    def __init__(self, record: Record, kept: bytes, ended: bool, instance: str) -> None:
        self.record = record
        self.kept = kept
        self.ended = ended
        self.instance = instance


class _Running:
    """A record and the monotonic stamps of this process (None: from before a restart)."""

    __slots__ = ("answer", "record", "ringing")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.ringing: float | None = None
        self.answer: float | None = None


def progress(record: Record) -> Progress:
    """The columns of an open call that change after its setup."""
    return record.trunk, record.tries, record.b_call_id, record.ringing, record.answer


def steps(decision: Decision) -> Any:
    """The explanation stored with a record: the decision's steps."""
    return decision.steps


class Ledger:
    """Folds facts, one at a time and in order, into changes."""

    __slots__ = ("_closing", "_explain", "_running")

    def __init__(self, explain: Callable[[Decision], Any] = steps) -> None:
        """``explain`` gives what is stored, as JSON, in ``Record.decision``."""
        self._explain = explain
        self._running: dict[str, _Running] = {}
        self._closing: dict[str, str] = {}  # record id -> tenant, ended but not closed

    def fold(self, fact: Fact) -> list[Change]:
        """What the store is to write because of ``fact``; empty for facts without a record."""
        raise NotImplementedError

    def restore(self, calls: Iterable[OpenCall]) -> None:
        """Take up the calls the last process left (before the engine's first fact)."""
        raise NotImplementedError

    def running(self) -> Iterator[Record]:
        """The records of calls that are not over, in the order they began."""
        return (call.record for call in self._running.values())

    def find(self, record_id: str) -> Record | None:
        """The record of a call that is not over."""
        call = self._running.get(record_id)
        return call.record if call else None


FOLDED: Final = (Attempted, Tried, Rang, Answered, Ended, Closed)
"""The kinds of fact that change a record."""

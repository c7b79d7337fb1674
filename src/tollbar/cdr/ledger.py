"""Facts in, changes for the store out: the fold that makes records.

Holds the records of open calls between their facts. A pure room: the clock is in the facts.
Durations are monotonic while one process sees both ends, UTC differences across a restart,
and never negative. It must never look into ``kept``, and never write a call twice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tollbar.b2bua.causes import GATEWAY, REFUSED, q850_of
from tollbar.b2bua.facts import (
    Answered,
    AnsweredLate,
    Assigned,
    Attempted,
    Closed,
    Ended,
    Fact,
    Moved,
    Rang,
    Remembered,
    Tried,
    TurnedAway,
    Written,
)
from tollbar.cdr.record import Record, compact, with_change
from tollbar.policy.attempt import Decision

Progress = tuple[str, int, str, int | None, int | None]
"""What changes while a call is open: trunk, tries, b_call_id, ringing, answer."""


_NOTHING_YET: Final[Progress] = "", 0, "", None, None


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
        self.draft = record.begun()
        self.progress = _NOTHING_YET
        self.kept = kept
        self.durable = durable


class Progressed(Change):
    """An open call was tried (again), rang, was answered or moved. Empty ``kept``: as it was."""

    __slots__ = ("kept", "progress")

    def __init__(self, record: Record, kept: bytes, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.progress = (
            record.trunk,
            record.tries,
            record.b_call_id,
            record.ringing,
            record.answer,
        )
        self.kept = kept
        self.durable = durable


class Kept(Change):
    """Of an open call, or one that has its record and is not closed, something else is kept."""

    __slots__ = ("kept",)

    def __init__(self, tenant: str, record_id: str, kept: bytes, durable: bool = True) -> None:
        self.tenant = tenant
        self.record_id = record_id
        self.kept = kept
        self.durable = durable


class Redrafted(Change):
    """An open call's record changed: its draft written anew."""

    __slots__ = ("draft",)

    def __init__(self, record: Record, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.draft = record.draft()
        self.durable = durable


class Stuck(Change):
    """A sticky code set, or cleared (""), by the call ``record_id``."""

    __slots__ = ("code", "holder")

    def __init__(self, record_id: str, holder: tuple[str, str], code: str) -> None:
        self.tenant, self.holder = holder
        self.record_id = record_id
        self.code = code
        self.durable = True


class Finished(Change):
    """A call is over: its record as a row. Empty ``kept``: as it was."""

    __slots__ = ("kept", "row")

    def __init__(self, record: Record, kept: bytes, durable: bool = True) -> None:
        self.tenant = record.tenant
        self.record_id = record.record_id
        self.row = record.values()
        self.kept = kept
        self.durable = durable


class Refusal(Finished):
    """An attempt that was turned away: its record whole, with no open call before it. Nobody
    waits for it, and where too much waits already it may be left out and counted."""

    __slots__ = ()


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


def steps(decision: Decision) -> str:
    """The least explanation: the decision's steps as JSON."""
    return compact(decision.steps)


class Ledger:
    """Folds facts, one at a time and in order, into changes."""

    __slots__ = ("_closing", "_explain", "_folds", "_running")

    def __init__(self, explain: Callable[[Decision], str] = steps) -> None:
        """``explain`` gives ``Record.decision``: one JSON value on one line."""
        self._explain = explain
        self._running: dict[str, _Running] = {}
        self._closing: dict[str, str] = {}  # record id -> tenant, ended but not closed
        self._folds: dict[type[Fact], Callable[[Any], list[Change]]] = {
            Attempted: self._attempted,
            TurnedAway: self._turned_away,
            Tried: self._tried,
            Rang: self._rang,
            Answered: self._answered,
            AnsweredLate: self._answered_late,
            Written: self._moved,
            Moved: self._moved,
            Assigned: self._assigned,
            Remembered: self._remembered,
            Ended: self._ended,
            Closed: self._closed,
        }

    def fold(self, fact: Fact) -> list[Change]:
        """What the store is to write because of ``fact``; empty for facts without a record."""
        fold = self._folds.get(type(fact))
        return [] if fold is None else fold(fact)

    def restore(self, calls: Iterable[OpenCall]) -> None:
        """Take up the calls the last process left (before the engine's first fact)."""
        for call in calls:
            record = call.record
            if call.ended:
                self._closing[record.record_id] = record.tenant
            else:
                self._running[record.record_id] = _Running(record)

    def running(self) -> Iterator[Record]:
        """The records of calls that are not over, in the order they began."""
        return (call.record for call in self._running.values())

    def find(self, record_id: str) -> Record | None:
        """The record of a call that is not over."""
        call = self._running.get(record_id)
        return call.record if call else None

    def _attempted(self, fact: Attempted) -> list[Change]:
        record = self._drawn_up(fact)
        self._running[fact.call] = _Running(record)
        return [Opened(record, fact.kept, fact.durable)]

    def _turned_away(self, fact: TurnedAway) -> list[Change]:
        record = self._drawn_up(fact)
        decision = fact.decision
        record.outcome = REFUSED
        record.sip_status = decision.status
        record.q850_cause = decision.q850 or q850_of(None, decision.status)
        record.ended_by = GATEWAY
        record.end = record.setup
        return [Refusal(record, fact.kept, fact.durable)]

    def _drawn_up(self, fact: Attempted) -> Record:
        """The record of an attempt as it begins."""
        decision = fact.decision
        record = Record(
            fact.call,
            decision.tenant,
            decision.direction,
            fact.peer,
            "",
            0,
            fact.a_call_id,
            "",
            decision.user,
            decision.extension,
            decision.workgroup,
            decision.caller,
            decision.dialled,
            decision.standardized,
            decision.classification,
            decision.dial_group,
            decision.account_code,
            decision.account_code_description,
            decision.code_source,
            "",
            decision.matrix_row,
            "",
            decision.reason,
        )
        record.kind = fact.kind
        record.setup = round(fact.utc * 1000)
        record.decision = self._explain(decision)
        return record

    def _tried(self, fact: Tried) -> list[Change]:
        call = self._running.get(fact.call)
        if call is None:
            return []
        record = call.record
        record.trunk = fact.trunk
        record.tries = fact.tries
        record.b_call_id = fact.b_call_id
        return [Progressed(record, fact.kept)]

    def _rang(self, fact: Rang) -> list[Change]:
        call = self._running.get(fact.call)
        if call is None:
            return []
        record = call.record
        if record.ringing is None:
            record.ringing = round(fact.utc * 1000)
            call.ringing = fact.now
        return [Progressed(record, fact.kept, fact.durable)]

    def _answered(self, fact: Answered) -> list[Change]:
        call = self._running.get(fact.call)
        if call is None:
            return []
        record = call.record
        if record.answer is None:
            record.answer = round(fact.utc * 1000)
            call.answer = fact.now
        return [Progressed(record, fact.kept)]

    def _moved(self, fact: Fact) -> list[Change]:
        """Only what is kept has changed."""
        call = self._running.get(fact.call)
        return [] if call is None else [Progressed(call.record, fact.kept, fact.durable)]

    def _remembered(self, fact: Remembered) -> list[Change]:
        return [Stuck(fact.call, fact.holder, fact.code)]

    def _closed(self, fact: Closed) -> list[Change]:
        tenant = self._closing.pop(fact.call, None)
        return [] if tenant is None else [Forgotten(tenant, fact.call)]

    def _assigned(self, fact: Assigned) -> list[Change]:
        record = self.find(fact.call)
        if record is None:
            return []
        record.code_changes = with_change(
            record.code_changes,
            round(fact.utc * 1000),
            fact.by,
            record.account_code,
            fact.code,
            fact.source,
            refused=fact.refused,
        )
        if not fact.refused:
            record.account_code = fact.code
            record.account_code_description = fact.description
            record.code_source = fact.source if fact.code else ""
        return [Redrafted(record, fact.durable)]

    def _answered_late(self, fact: AnsweredLate) -> list[Change]:
        call = self._running.get(fact.call)
        tenant = self._closing.get(fact.call) if call is None else call.record.tenant
        return [] if tenant is None else [Kept(tenant, fact.call, fact.kept, fact.durable)]

    def _ended(self, fact: Ended) -> list[Change]:
        call = self._running.pop(fact.call, None)
        if call is None:
            return []
        record = call.record
        self._closing[fact.call] = record.tenant
        record.outcome = fact.outcome
        record.reason = fact.reason or record.reason
        record.sip_status = fact.status
        record.q850_cause = fact.q850
        record.ended_by = fact.ended_by
        utc, ended = fact.utc, fact.now
        if fact.alive:
            # The last time known alive cannot be later than the moment that found the call dead.
            silent = max(0.0, utc - fact.alive)
            utc -= silent
            ended -= silent
        end = round(utc * 1000)
        if record.ringing is not None:
            if record.answer is None:
                record.ring_ms = _lasted(record.ringing, call.ringing, end, ended)
            else:
                record.ring_ms = _lasted(record.ringing, call.ringing, record.answer, call.answer)
        if record.answer is not None:
            record.billable_ms = _lasted(record.answer, call.answer, end, ended)
        # After a clock step the stamps still tell a story that can have happened.
        record.end = max(end, record.dated)
        record.in_report = record.placed and record.account_code != ""
        return [Finished(record, fact.kept, fact.durable)]


def _lasted(start: int, start_now: float | None, end: int, end_now: float | None) -> int:
    """Milliseconds between two stamps: monotonic where this process saw both."""
    if start_now is None or end_now is None:
        return max(0, end - start)
    return max(0, round((end_now - start_now) * 1000))

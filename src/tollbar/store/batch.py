"""Changes on their way to disk, grouped by kind and merged per call.

A call that is opened, tried and answered in one batch is one row to insert; one that begins
and is closed in it leaves nothing but its record. What nobody waits for is *late*: written with
whatever else changes in its call, or now and then with all others, because to take out closed
calls one by one would be a fifth of all that is written. Whatever is merged, the file must end
up, and for each call at any time be, as if its changes had been written one after the other.
"""

from collections.abc import Iterable
from typing import Any

from tollbar.cdr.ledger import Change, Finished, Kept, Opened, Progressed, Redrafted, Refusal, Stuck

Row = tuple[Any, ...]


class Batch:
    """What one transaction will write. ``durable``: somebody waits for it."""

    __slots__ = (
        "attempted",
        "closed",
        "discarded",
        "durable",
        "finished",
        "forgotten",
        "kept",
        "late",
        "opened",
        "progressed",
        "redrafted",
        "sticky",
    )

    def __init__(self) -> None:
        self.opened: dict[str, Opened] = {}
        self.progressed: dict[str, Progressed] = {}
        self.redrafted: dict[str, tuple[str, str, str]] = {}
        self.finished: dict[str, Finished] = {}
        self.kept: dict[str, tuple[bytes, str, str]] = {}
        self.forgotten: dict[str, tuple[str, str]] = {}
        self.discarded: list[tuple[str, str]] = []  # records another database has
        self.sticky: dict[tuple[str, str], str] = {}
        # Late: not to be written yet.
        self.late: dict[str, Progressed] = {}
        self.closed: dict[str, tuple[str, str]] = {}
        self.durable = False
        # Set once this was tried and failed: then part of it may be on disk all the same.
        self.attempted = False

    def __len__(self) -> int:
        return (
            len(self.opened)
            + len(self.progressed)
            + len(self.redrafted)
            + len(self.finished)
            + len(self.kept)
            + len(self.forgotten)
            + len(self.sticky)
            + len(self.late)
            + len(self.closed)
        )

    def add(self, changes: Iterable[Change]) -> None:
        """Take in ``changes``, which come after all that is here."""
        for change in changes:
            if change.durable:
                self.durable = True
            kind = type(change)
            if kind is Opened:
                self.opened[change.record_id] = change  # type: ignore[assignment]
            elif kind is Progressed:
                self._progress(change)  # type: ignore[arg-type]
            elif kind is Finished or kind is Refusal:
                self._finish(change)  # type: ignore[arg-type]
            elif kind is Redrafted:
                self._redraft(change)  # type: ignore[arg-type]
            elif kind is Kept:
                self._keep(change.tenant, change.record_id, change.kept)  # type: ignore[attr-defined]
            elif kind is Stuck:
                self.sticky[change.tenant, change.holder] = change.code  # type: ignore[attr-defined]
            else:
                self._forget(change)

    def hurry(self) -> None:
        """Write what is late as well."""
        self.progressed.update(self.late)
        self.forgotten.update(self.closed)
        self.late, self.closed = {}, {}

    def rest(self) -> "Batch":
        """What is left once the others are on disk."""
        rest = Batch()
        rest.late, rest.closed = self.late, self.closed
        return rest

    def _progress(self, change: Progressed) -> None:
        call = change.record_id
        opened = self.opened.get(call)
        if opened is not None:
            opened.progress = change.progress
            opened.kept = change.kept or opened.kept
            return
        earlier = self.progressed.get(call)
        late = earlier is None and call not in self.kept and not change.durable
        earlier = earlier or self.late.pop(call, None)
        if change.kept:
            self.kept.pop(call, None)
        elif earlier is not None:
            change.kept = earlier.kept
        (self.late if late else self.progressed)[call] = change

    def _redraft(self, change: Redrafted) -> None:
        call = change.record_id
        opened = self.opened.get(call)
        if opened is not None:
            opened.draft = change.draft
        else:
            self.redrafted[call] = (change.draft, change.tenant, call)

    def _finish(self, change: Finished) -> None:
        call = change.record_id
        self.finished[call] = change
        late = self.late.pop(call, None)
        kept = change.kept or (late.kept if late is not None else b"")
        if kept:
            self._keep(change.tenant, call, kept)
            self.progressed.pop(call, None)  # the record says it all

    def _keep(self, tenant: str, call: str, kept: bytes) -> None:
        opened = self.opened.get(call)
        if opened is not None:
            opened.kept = kept
            return
        self.kept[call] = (kept, tenant, call)
        late = self.late.get(call)
        if late is not None:
            late.kept = b""  # it is written after this

    def _forget(self, change: Change) -> None:
        call = change.record_id
        opened = self.opened.pop(call, None)
        changed = opened or self.progressed.pop(call, None) or self.kept.pop(call, None)
        self.redrafted.pop(call, None)
        self.late.pop(call, None)
        if self.attempted or (changed is not None and opened is None):
            self.forgotten[call] = (change.tenant, call)
        elif opened is None:
            self.closed[call] = (change.tenant, call)

    def opens(self, instance: str) -> list[Row]:
        """Rows for schema.OPEN."""
        return [
            (c.tenant, c.record_id, instance, c.draft, *c.progress, c.kept)
            for c in self.opened.values()
        ]

    def advances(self) -> list[Row]:
        """Rows for schema.ADVANCE."""
        return [
            (*c.progress, c.kept or None, c.tenant, c.record_id) for c in self.progressed.values()
        ]

    def stuck(self) -> list[Row]:
        """Rows for schema.STICK."""
        return [(*holder, code) for holder, code in self.sticky.items() if code]

    def unstuck(self) -> list[Row]:
        """Rows for schema.UNSTICK."""
        return [holder for holder, code in self.sticky.items() if not code]

    def finishes(self) -> list[Row]:
        """Rows for schema.FINISH."""
        return [c.row for c in self.finished.values()]

"""One entry added, set or taken out of a list of entries, as an administrator asks for it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tollbar.directory.assignment import Assignment, assign
from tollbar.directory.editing import checked, names_of
from tollbar.directory.entry import GAP, ORDERED, Entry
from tollbar.document import Wrong
from tollbar.policy import finding

BEFORE: Final = "before"
AFTER: Final = "after"
LAST: Final = "last"


class Alteration:
    """Entries of one tenant and kind, altered: give ``entries`` to whoever commits them.

    Raises ``Wrong`` or ``Rejected``.
    """

    def __init__(self, before: Sequence[Entry], tenant: str, kind: str) -> None:
        self._tenant = tenant
        self._kind = kind
        self._others = [e for e in before if (e.tenant, e.kind) != (tenant, kind)]
        mine = [e for e in before if (e.tenant, e.kind) == (tenant, kind)]
        if kind in ORDERED:
            mine.sort(key=lambda e: (e.place, e.key))
        self._mine = {entry.key: entry for entry in mine}
        self._names = names_of(entry for entry in before if entry.tenant == tenant)

    @property
    def entries(self) -> list[Entry]:
        found = list(self._mine.values())
        if self._kind in ORDERED:
            found = [replace(entry, place=n * GAP) for n, entry in enumerate(found, 1)]
        if self._tenant not in {entry.tenant for entry in self._others}:
            # The first entry of a tenant makes the tenant.
            found.append(Entry(self._tenant, finding.DEFAULT_USER, "", 0, "{}"))
        return [*self._others, *found]

    def add(
        self, key: str, assignments: Iterable[Assignment], where: str = LAST, beside: str = ""
    ) -> None:
        if self._kind == finding.DIAL_OBJECT:
            assignments = [Assignment("pattern", "=", key), *assignments]
        elif key in self._mine:
            raise Wrong(f"there is a {self._noun} {key} already", "change it with: set")
        found = self._checked(key, {}, assignments)
        for entry in found:
            if entry.key in self._mine:
                raise Wrong(f"there is a {self._noun} {entry.key} already", "change it with: set")
        self._insert(found, where, beside)

    def set(self, key: str, assignments: Iterable[Assignment]) -> None:
        held = self._held(key)
        found = self._checked(key, json.loads(held.body), assignments)
        for entry in found:
            if entry.key != key and entry.key in self._mine:
                raise Wrong(f"there is a {self._noun} {entry.key} already")
        mine: dict[str, Entry] = {}
        for old in self._mine.values():
            if old.key == key:
                mine |= {e.key: replace(e, version=held.version * (e.key == key)) for e in found}
            else:
                mine[old.key] = old
        self._mine = mine

    def retire(self, key: str) -> None:
        """A code becomes inactive: records go on naming it. Others go."""
        held = self._held(key)
        if self._kind == finding.CODE:
            self.set(key, [Assignment("active", "=", "false")])
        else:
            del self._mine[held.key]

    def move(self, key: str, where: str, beside: str = "") -> None:
        held = self._held(key)
        if key == beside:
            raise Wrong(f"{key} cannot stand beside itself")
        del self._mine[key]
        self._insert([held], where, beside)

    def _insert(self, found: Sequence[Entry], where: str, beside: str) -> None:
        order = list(self._mine.values())
        if where == LAST:
            place = len(order)
        else:
            place = order.index(self._held(beside)) + (where == AFTER)
        order[place:place] = found
        self._mine = {entry.key: entry for entry in order}

    def _held(self, key: str) -> Entry:
        if key not in self._mine:
            raise Wrong(f"there is no {self._noun} {key}")
        return self._mine[key]

    def _checked(
        self, key: str, words: dict[str, object], assignments: Iterable[Assignment]
    ) -> list[Entry]:
        assign(self._kind, words, assignments)
        return checked(self._tenant, self._kind, key, words, self._names)

    @property
    def _noun(self) -> str:
        return self._kind.replace("_", " ")

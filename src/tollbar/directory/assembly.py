"""The model built from kept entries, and rebuilt part by part as entries change.

A part of a tenant none of whose entries changed stays the very same object, by which
compiling knows what it can take over. A broken entry is told by its names, and then nothing
of what came with it is taken.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from tollbar.directory import holding
from tollbar.directory.entry import ORDERED, Entry
from tollbar.finding import Finding, Place, Rejected, Wrong
from tollbar.policy import finding
from tollbar.policy.rights import Rights
from tollbar.policy.settings import Tenant

_LOADS: Final = json.JSONDecoder().decode

# The part of a tenant that the entries of a kind make up, and how one is read.
_KINDS: Final[dict[str, tuple[str, Callable[[str, Any], Any]]]] = {
    finding.CODE: ("codes", holding.held_code),
    finding.DEFAULT_USER: ("default_user", lambda _key, words: holding.held_default_user(words)),
    finding.ROLE: ("roles", holding.held_role),
    finding.WORKGROUP: ("workgroups", holding.held_workgroup),
    finding.USER: ("users", holding.held_user),
    finding.LIST: ("lists", lambda _key, words: holding.held_number_list(words)),
    finding.CLASSIFICATION: ("classifications", lambda _key, words: holding.held_text(words)),
    finding.DIAL_OBJECT: ("dial_plan", holding.held_dial_object),
    finding.FAR_END: ("far_end", lambda _key, words: holding.held_text(words)),
}
_MAPPINGS: Final = (finding.LIST, finding.CLASSIFICATION, finding.FAR_END)

Part = dict[str, tuple[int, Any]]
"""The entries of one kind of one tenant: key to place and what the entry is."""


class Assembly:
    """``tenants`` is the model; its ``Tenant`` objects are replaced, never changed."""

    __slots__ = ("_parts", "tenants")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.tenants: dict[str, Tenant] = {}
        self._parts: dict[tuple[str, str], Part] = {}
        self.change(entries, ())

    def change(self, entries: Iterable[Entry], removed: Iterable[tuple[str, str, str]]) -> None:
        """Take entries in and others out; raises ``Rejected`` and stays as it was."""
        touched: dict[tuple[str, str], Part] = {}
        broken: list[Finding] = []
        parts = self._parts

        def part(tenant: str, kind: str) -> Part:
            where = (tenant, kind)
            if where not in touched:
                touched[where] = dict(parts.get(where, ()))
            return touched[where]

        for tenant, kind, key in removed:
            part(tenant, kind).pop(key, None)
        last: tuple[str, str] | None = None
        for entry in entries:
            try:
                if (entry.tenant, entry.kind) != last:
                    _, read = _known(entry.kind)
                    into = part(entry.tenant, entry.kind)
                    last = (entry.tenant, entry.kind)
                into[entry.key] = (entry.place, read(entry.key, _LOADS(entry.body)))
            except (Wrong, ValueError, RecursionError) as error:
                broken.append(_broken(entry, error))
        if broken:
            raise Rejected(broken)
        self._parts |= touched
        self._rebuild(touched)

    def _rebuild(self, touched: Iterable[tuple[str, str]]) -> None:
        kinds: dict[str, list[str]] = {}
        for tenant, kind in touched:
            kinds.setdefault(tenant, []).append(kind)
        for name in sorted(kinds):
            if not any(self._parts.get((name, kind)) for kind in _KINDS):
                self.tenants.pop(name, None)
                continue
            old = self.tenants.get(name, Tenant())
            made = {part: getattr(old, part) for part, _read in _KINDS.values()}
            for kind in kinds[name]:
                made[_KINDS[kind][0]] = _made(kind, self._parts[name, kind])
            self.tenants[name] = Tenant(**made)
        if list(self.tenants) != sorted(self.tenants):
            self.tenants = dict(sorted(self.tenants.items()))


def tenants(entries: Iterable[Entry]) -> dict[str, Tenant]:
    """The model the entries make; raises ``Rejected`` naming every broken one."""
    return Assembly(entries).tenants


def _made(kind: str, part: Part) -> Any:
    """One part of a tenant, in the entries' order."""
    if kind == finding.DEFAULT_USER:
        return part[""][1] if "" in part else Rights()
    if kind in ORDERED:
        keys = sorted(part, key=lambda key: (part[key][0], key))
    else:
        keys = sorted(part)
    if kind in _MAPPINGS:
        return {key: part[key][1] for key in keys}
    return tuple(part[key][1] for key in keys)


def _known(kind: str) -> tuple[str, Callable[[str, Any], Any]]:
    if kind not in _KINDS:
        raise Wrong(f'"{kind}" is not a kind of entry')
    return _KINDS[kind]


def _broken(entry: Entry, error: Exception) -> Finding:
    where = f'tenant {entry.tenant}: {entry.kind} "{entry.key}"'
    what = error.what if isinstance(error, Wrong) else "its body is not JSON"
    return Finding(Place("directory"), where, what, "it was changed by hand")

"""The model built from kept entries, and rebuilt part by part as entries change.

A part of a tenant none of whose entries changed stays the very same object, by which
compiling knows what it can take over. A broken entry is told by its names, and then nothing
of what came with it is taken.
"""

import json
from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any, Final

from tollbar.directory import holding
from tollbar.directory.entry import ORDERED, Entry
from tollbar.finding import Finding, Place, Rejected, Wrong
from tollbar.policy import finding
from tollbar.policy.rights import Rights
from tollbar.policy.settings import Tenant

_READ: Final = json.JSONDecoder().raw_decode

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
"""The entries of one kind of one tenant, in order: key to place and what the entry is."""

_FEW: Final = 1000


class Assembly:
    """``tenants`` is the model; its ``Tenant`` objects are replaced, never changed."""

    __slots__ = ("_parts", "tenants")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.tenants: dict[str, Tenant] = {}
        self._parts: dict[tuple[str, str], Part] = {}
        self.change(entries, ())

    def change(self, entries: Iterable[Entry], removed: Iterable[tuple[str, str, str]]) -> None:
        """Take entries in and others out; raises ``Rejected`` and stays as it was."""
        read: dict[tuple[str, str], Part] = {}
        broken: list[Finding] = []
        last: tuple[str, str] | None = None
        for entry in entries:
            try:
                if (entry.tenant, entry.kind) != last:
                    last = (entry.tenant, entry.kind)
                    held = _known(entry.kind)[1]
                    into = read.setdefault(last, {})
                into[entry.key] = (entry.place, held(entry.key, _words(entry.body)))
            except (Wrong, ValueError, RecursionError) as error:
                last = None
                broken.append(_broken(entry, error))
        if broken:
            raise Rejected(broken)
        for tenant, kind, key in removed:
            read.setdefault((tenant, kind), {})
            self._parts.get((tenant, kind), {}).pop(key, None)
        for where, part in read.items():
            self._parts[where] = _merged(where[1], self._parts.get(where, {}), part)
        self._rebuild(read)

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


def _merged(kind: str, part: Part, new: Part) -> Part:
    """A part with changed entries in it, in its order.

    Sorting a hundred thousand keys at one go would hold up every other thread.
    """
    if kind not in ORDERED and part.keys() >= new.keys():
        part.update(new)
        return part
    if kind not in ORDERED and len(new) <= _FEW < len(part):
        keys = list(part)
        for key in new:
            if key not in part:
                insort(keys, key)
        part.update(new)
        return {key: part[key] for key in keys}
    part.update(new)
    if kind in ORDERED:
        return dict(sorted(part.items(), key=lambda item: (item[1][0], item[0])))
    return {key: part[key] for key in sorted(part)}


def _words(body: str) -> Any:
    """Bodies are written without white space around them; ``decode`` looks for it at length."""
    words, end = _READ(body)
    if end != len(body):
        raise ValueError("more than one value")
    return words


def _made(kind: str, part: Part) -> Any:
    """One part of a tenant, in its order."""
    if kind == finding.DEFAULT_USER:
        return part[""][1] if "" in part else Rights()
    if kind in _MAPPINGS:
        return {key: value for key, (_place, value) in part.items()}
    return tuple(value for _place, value in part.values())


def _known(kind: str) -> tuple[str, Callable[[str, Any], Any]]:
    if kind not in _KINDS:
        raise Wrong(f'"{kind}" is not a kind of entry')
    return _KINDS[kind]


def _broken(entry: Entry, error: Exception) -> Finding:
    where = f'tenant {entry.tenant}: {entry.kind} "{entry.key}"'
    what = error.what if isinstance(error, Wrong) else "its body is not JSON"
    return Finding(Place("directory"), where, what, "it was changed by hand")

"""The directory in a database: entries, their versions, and the revision of the whole.

Nobody writes it but by ``commit``, one short transaction that also writes the audit. It must
never look into a body: what an entry means is the directory's, and whether all of them
together make sense was found out before they come here.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, select

from tollbar.directory.difference import Change
from tollbar.directory.entry import Entry
from tollbar.store import audit
from tollbar.store.audit import Audit, AuditLine
from tollbar.store.database import Database
from tollbar.store.errors import Conflict, Moved
from tollbar.store.schema import audit as audit_table
from tollbar.store.schema import entry, head, of_directory

Key = tuple[str, str, str]
"""Tenant, kind and key of an entry."""

_REVISION: Final = "directory"
_APPLIED: Final = "applied"

_COLUMNS: Final = ("tenant", "kind", "key", "place", "body", "version")
_INSERTED: Final = (*_COLUMNS, "revision")
_ENTRY: Final = tuple(entry.c[name] for name in _COLUMNS)
_KEY: Final = tuple(entry.c[name] for name in _COLUMNS[:3])

_FEW: Final = 100
"""Of so many keys each is looked up; of more, all of their kind are read."""

_PAGE: Final = 1000


@dataclass(slots=True)
class Held:
    """The whole directory at one revision, in the order of tenant, kind and key."""

    revision: int
    entries: list[Entry]


@dataclass(slots=True)
class Delta:
    """What changed up to ``revision``: entries as they are now, and those that are gone."""

    revision: int
    entries: list[Entry]
    removed: list[Key]


class DirectoryStore:
    """The directory in one database."""

    def __init__(self, database: Database, utc: Callable[[], float] = time.time) -> None:
        self.database = database
        self.audit = Audit(database, utc)
        self._utc = utc

    def revision(self) -> int:
        """The current revision; 0 is a directory that nobody ever wrote."""
        with self.database.reading() as connection:
            return _revision(connection)

    def applied(self) -> str:
        """SHA-256 of the file that was last applied, "" for none."""
        with self.database.reading() as connection:
            found = connection.scalar(select(head.c.value).where(head.c.name == _APPLIED))
            return str(found or "")

    def load(self) -> Held:
        """All of it, of one moment."""
        with self.database.reading() as connection:
            revision = _revision(connection)
            rows = self.database.rows(connection, select(*_ENTRY).order_by(*_KEY))
            return Held(revision, [Entry(*row) for row in rows])

    def since(self, revision: int) -> Delta:
        """What changed after ``revision``. Raises Moved where that cannot be told, and all of
        it is to be loaded: the audit goes no further back, or this is another database, or
        an older copy of it."""
        with self.database.reading() as connection:
            now = _revision(connection)
            if now == revision:
                return Delta(now, [], [])
            if now < revision or _told_from(connection) > revision + 1:
                raise Moved(now)
            changed = select(*_ENTRY).where(entry.c.revision > revision).order_by(*_KEY)
            entries = [Entry(*row) for row in self.database.rows(connection, changed)]
            return Delta(now, entries, sorted(_removed(connection, revision)))

    def commit(self, changes: Sequence[Change], who: str, base: int, applied: str = "") -> int:
        """Write ``changes``, which were made of the directory at revision ``base``, and the
        audit; all or nothing. Gives the new revision. ``applied``: the file they come from.

        Raises Moved if the directory is at another revision by now, Conflict if one of these
        very entries is at another version, StoreError if nothing can be written.
        """
        with self.database.writing() as connection:
            revision = _revision(connection, locked=True)
            self._must_stand(connection, changes, base)
            if revision != base:
                raise Moved(revision)
            if applied:
                self._set(connection, _APPLIED, applied)
            if not changes:
                return revision
            self._set(connection, _REVISION, str(revision + 1))
            self._write(connection, changes, revision + 1)
            lines = [_line(change, who, revision + 1) for change in changes]
            audit.write(self.database, connection, lines, round(self._utc() * 1000))
            return revision + 1

    def find(self, tenant: str, kind: str, prefix: str = "", limit: int = 50) -> list[Entry]:
        """Entries whose key begins with ``prefix``, in string order, from the index."""
        with self.database.reading() as connection:
            rows = connection.execute(search(tenant, kind, prefix, limit))
            return [Entry(*row) for row in rows]

    def walk(self, tenant: str, kind: str, prefix: str = "") -> Iterator[Entry]:
        """All such entries in string order, a page at a time."""
        page = self.find(tenant, kind, prefix, _PAGE)
        while page:
            yield from page
            if len(page) < _PAGE:
                return
            page = self._after(page[-1], prefix)

    def _after(self, last: Entry, prefix: str) -> list[Entry]:
        wanted = search(last.tenant, last.kind, prefix, _PAGE).where(entry.c.key > last.key)
        with self.database.reading() as connection:
            return [Entry(*row) for row in connection.execute(wanted)]

    def history(self, tenant: str, kind: str, key: str, limit: int = 0) -> Iterator[AuditLine]:
        """What happened to one entry, newest first."""
        return self.audit.lines(tenant=tenant, kind=kind, key=key, limit=limit)

    def _must_stand(self, connection: Connection, changes: Sequence[Change], base: int) -> None:
        standing = self._standing(connection, changes)
        for change in changes:
            found = standing.get((change.tenant, change.kind, change.key))
            version, revision = found or (0, 0)
            if version != change.version or revision > base:
                raise self._conflict(connection, change)

    def _standing(
        self, connection: Connection, changes: Sequence[Change]
    ) -> dict[Key, tuple[int, int]]:
        """Version and revision of those of the entries that there are."""
        keys: dict[tuple[str, str], list[str]] = {}
        for change in changes:
            keys.setdefault((change.tenant, change.kind), []).append(change.key)
        standing = {}
        for (tenant, kind), wanted in keys.items():
            rows = select(entry.c.key, entry.c.version, entry.c.revision).where(
                entry.c.tenant == tenant, entry.c.kind == kind
            )
            if len(wanted) <= _FEW:
                rows = rows.where(entry.c.key.in_(wanted))
            for key, version, revision in self.database.rows(connection, rows):
                standing[tenant, kind, key] = version, revision
        return standing

    def _conflict(self, connection: Connection, change: Change) -> Conflict:
        line = audit_table
        last = connection.execute(
            select(line.c.who, line.c.at)
            .where(
                line.c.tenant == change.tenant,
                line.c.kind == change.kind,
                line.c.key == change.key,
                line.c.revision > 0,
            )
            .order_by(line.c.seq.desc())
            .limit(1)
        ).first()
        who, at = last or ("somebody else", 0)
        return Conflict(change, str(who), int(at))

    def _write(self, connection: Connection, changes: Sequence[Change], revision: int) -> None:
        gone = [(c.tenant, c.kind, c.key) for c in changes if c.version]
        self.database.delete(connection, entry, _INSERTED[:3], gone)
        come = [
            (c.tenant, c.kind, c.key, c.place, c.after, c.version + 1, revision)
            for c in changes
            if c.after is not None
        ]
        self.database.write(connection, entry, _INSERTED, come)

    def _set(self, connection: Connection, name: str, value: str) -> None:
        new = self.database.insert(head).values(name=name, value=value)
        connection.execute(
            new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value})
        )


def _revision(connection: Connection, *, locked: bool = False) -> int:
    wanted = select(head.c.value).where(head.c.name == _REVISION)
    return int(connection.scalar(wanted.with_for_update() if locked else wanted) or 0)


def _told_from(connection: Connection) -> int:
    """The first revision that the audit still knows; beyond all where it knows none."""
    line = audit_table
    first = select(func.min(line.c.revision)).where(of_directory)
    return int(connection.scalar(first) or sys.maxsize)


def _removed(connection: Connection, revision: int) -> set[Key]:
    return {(tenant, kind, key) for tenant, kind, key in connection.execute(gone(revision))}


def gone(revision: int) -> Select[Any]:
    """The keys of entries that were removed since and did not come back, some twice. To make
    them distinct here would have SQLite read the whole audit in the order of another index."""
    line = audit_table
    same = and_(*(entry.c[name] == line.c[name] for name in _COLUMNS[:3]))
    return (
        select(line.c.tenant, line.c.kind, line.c.key)
        .select_from(line.outerjoin(entry, same))
        .where(
            of_directory,
            line.c.revision > revision,
            line.c.action == audit.REMOVE,
            entry.c.tenant.is_(None),
        )
    )


def _line(change: Change, who: str, revision: int) -> AuditLine:
    if change.before is None:
        action = audit.ADD
    elif change.after is None:
        action = audit.REMOVE
    else:
        action = audit.MOVE if change.before == change.after else audit.CHANGE
    key = change.tenant, who, action, change.kind, change.key
    return AuditLine(*key, change.before or "", change.after or "", revision)


def search(tenant: str, kind: str, prefix: str, limit: int) -> Select[Any]:
    """A range of the primary key."""
    wanted = select(*_ENTRY).where(entry.c.tenant == tenant, entry.c.kind == kind)
    if prefix:
        wanted = wanted.where(entry.c.key >= prefix)
        end = beyond(prefix)
        if end:
            wanted = wanted.where(entry.c.key < end)
    return wanted.order_by(entry.c.key).limit(limit)


def beyond(prefix: str) -> str:
    """The least text that is greater than all that begin with ``prefix``; "" if none is."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            # What lies between is no character, and in no text.
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return ""

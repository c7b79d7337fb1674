"""Who changed what and when: every change of the directory, and all else that is audited.

Bodies stand in it before and after. Lines are appended and read, never changed; codes may
stand in them, so they must never go to a log.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from tollbar.store import schema
from tollbar.store.database import Database

ADD: Final = "add"
CHANGE: Final = "change"
MOVE: Final = "move"  # only its place in the order
REMOVE: Final = "remove"
CORRECT: Final = "correct"
LOCK: Final = "lock"
LIFT: Final = "lift"
ALARM: Final = "alarm"
REGISTER: Final = "register"
ANSWER: Final = "answer"
ASSIGN: Final = "assign"
REFUSE: Final = "refuse"
TRANSFER: Final = "transfer"
CLOSE: Final = "close"

PAGE: Final = 500
"""Lines read at once."""


@dataclass(slots=True)
class AuditLine:
    """One thing that somebody did. ``before`` and ``after`` are bodies, "" for none;
    ``revision`` is that of the directory, 0 for what is no change of it. ``at`` is UTC
    milliseconds and ``seq`` the line's number, both given by ``append``.
    """

    tenant: str
    who: str
    action: str
    kind: str = ""
    key: str = ""
    before: str = ""
    after: str = ""
    revision: int = 0
    at: int = 0
    seq: int = 0


_WRITTEN: Final = (
    *("tenant", "who", "action", "kind", "key", "before", "after", "revision", "at"),
)
_values: Final[Callable[[AuditLine], tuple[Any, ...]]] = attrgetter(*_WRITTEN)
_READ: Final = tuple(schema.audit.c[name] for name in (*_WRITTEN, "seq"))


def write(database: Database, connection: Connection, lines: Iterable[AuditLine], at: int) -> None:
    """Append ``lines`` in the transaction that ``connection`` is in."""
    rows = []
    for line in lines:
        line.at = at
        rows.append(_values(line))
    database.write(connection, schema.audit, _WRITTEN, rows)


class Audit:
    """The audit of one database."""

    def __init__(self, database: Database, utc: Callable[[], float] = time.time) -> None:
        self.database = database
        self._utc = utc

    def append(self, *lines: AuditLine) -> None:
        """Write ``lines``; they are kept when it returns, else StoreError."""
        with self.database.writing() as connection:
            write(self.database, connection, lines, round(self._utc() * 1000))

    def lines(
        self,
        *,
        tenant: str = "",
        kind: str = "",
        key: str | None = None,
        who: str = "",
        action: str = "",
        since: int = 0,
        limit: int = 0,
    ) -> Iterator[AuditLine]:
        """Lines that match all that is given, newest first; ``since`` is UTC milliseconds,
        ``limit`` 0 is none. Pages are read one at a time: what is appended meanwhile is not
        seen, nothing is seen twice."""
        wanted = search(tenant=tenant, kind=kind, key=key, who=who, action=action, since=since)
        return self._pages(wanted, limit)

    def _pages(self, wanted: Select[Any], limit: int) -> Iterator[AuditLine]:
        page = wanted
        left = limit
        while True:
            size = min(left, PAGE) if limit else PAGE
            with self.database.reading() as connection:
                found = [AuditLine(*row) for row in connection.execute(page.limit(size))]
            yield from found
            left -= len(found)
            if len(found) < size or (limit and not left):
                return
            page = wanted.where(schema.audit.c.seq < found[-1].seq)


def search(
    *,
    tenant: str = "",
    kind: str = "",
    key: str | None = None,
    who: str = "",
    action: str = "",
    since: int = 0,
) -> Select[Any]:
    """Lines that match all that is given, newest first, in the order of an index."""
    audit = schema.audit
    wanted = select(*_READ).order_by(audit.c.seq.desc())
    for column, value in (
        (audit.c.tenant, tenant),
        (audit.c.kind, kind),
        (audit.c.who, who),
        (audit.c.action, action),
    ):
        if value:
            wanted = wanted.where(column == value)
    if key is not None:
        wanted = wanted.where(audit.c.key == key)
    if since:
        first = select(func.min(audit.c.seq)).where(audit.c.at >= since).scalar_subquery()
        wanted = wanted.where(audit.c.at >= since, audit.c.seq >= first)
    return wanted

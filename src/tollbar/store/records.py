"""Reading records, while the gateway runs or not (``tollbar cdr``, reports).

From the state directory's file, or from the database of a URL. Records stream: neither memory
nor the read lock grows with their number. It must never write, nor hold a snapshot so long
that the write-ahead log cannot shrink.
"""

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record, from_values
from tollbar.cdr.zone import Offset, offsets
from tollbar.store import query
from tollbar.store.database import Database, sqlite_url
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE

PAGE: Final = 500
"""Rows read under one snapshot."""

_Placed = tuple[int, int, Record]
_UTC: Final[Sequence[Offset]] = [(0, 0)]


class Records:
    """The records of one database, opened for reading."""

    def __init__(self, state: Path, url: str = "") -> None:
        """Open what ``url`` names, else the file in the state directory; StoreError if there
        is none."""
        if not url:
            if not (state / FILE).exists():
                raise StoreError(f"there are no records in {state} yet ({FILE} is missing)")
            url = sqlite_url(state / FILE)
        self.url = url
        self.database = Database(url, readonly=True)

    def find(
        self, filters: Filters | None = None, *, newest_first: bool = False, limit: int = 0
    ) -> Iterator[Record]:
        """Records that match, in order of ``dated`` (then of arrival); 0 is no limit.

        Pages are read one at a time: a record that ends meanwhile may or may not be seen,
        none is seen twice."""
        wanted = Filters() if filters is None else filters
        streams = [
            self._stream(tenant, wanted, newest_first, min(limit or PAGE, PAGE))
            for tenant in self._tenants(wanted)
        ]
        merged = heapq.merge(*streams, key=lambda row: row[:2], reverse=newest_first)
        return (row[2] for row in (islice(merged, limit) if limit else merged))

    def count(self, filters: Filters | None = None) -> int:
        """How many records match."""
        wanted = Filters() if filters is None else filters
        return sum(
            self.rows(query.count(tenant, self.conditions(tenant, wanted)))[0][0]
            for tenant in self._tenants(wanted)
        )

    def tenants(self) -> list[str]:
        """The tenants that have records."""
        found: list[str] = []
        tenant = self._first(query.tenant_after(None))
        while tenant is not None:
            found.append(tenant)
            tenant = self._first(query.tenant_after(tenant))
        return found

    def conditions(self, tenant: str, filters: Filters) -> list[query.Condition]:
        """What ``filters`` says of one tenant's records."""
        zone = _UTC if filters.hours is None else self.zone(tenant, filters)
        return query.conditions(filters, zone)

    def zone(self, tenant: str, filters: Filters) -> Sequence[Offset]:
        """The offsets of ``filters.zone`` while what it is about was going on: not before the
        first record, nor behind the last, whatever days are asked for."""
        first = self._first(query.bound(tenant, newest=False)) or 0
        last = self._first(query.bound(tenant, newest=True)) or 0
        if filters.since is not None:
            first = max(first, filters.since)
        if filters.until is not None:
            last = min(last, filters.until)
        return offsets(filters.zone, first, max(first, last))

    def rows(self, statement: Select[Any]) -> Sequence[Any]:
        """All that a statement finds."""
        with self.database.reading() as connection:
            return self.database.rows(connection, statement)

    def close(self) -> None:
        """Close the connection. Twice is fine."""
        self.database.close()

    def _first(self, statement: Select[Any]) -> Any:
        rows = self.rows(statement)
        return rows[0][0] if rows else None

    def _tenants(self, filters: Filters) -> list[str]:
        if filters.tenant is not None:
            return [filters.tenant]
        return self.tenants()

    def _stream(
        self, tenant: str, filters: Filters, newest_first: bool, size: int
    ) -> Iterator[_Placed]:
        after: query.Place | None = None
        conditions = self.conditions(tenant, filters)
        while True:
            rows = self.rows(query.page(tenant, conditions, after, newest_first, size))
            for dated, seq, *values in rows:
                yield dated, seq, from_values(values)
            if len(rows) < size:
                return
            after = rows[-1][0], rows[-1][1]

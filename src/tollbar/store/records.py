"""Reading records, while the gateway runs or not (``tollbar cdr``, reports).

A read-only connection of its own. Records stream: neither memory nor the read lock grows with
their number. It must never write, nor hold a snapshot so long that the WAL cannot shrink.
"""

import heapq
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record, from_values
from tollbar.store import query, upgrade
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE

PAGE: Final = 500
"""Rows read under one snapshot."""

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")

_Placed = tuple[int, int, Record]


class Records:
    """The records of one local file, opened for reading."""

    def __init__(self, directory: Path) -> None:
        """Open the file in the state directory; StoreError if there is none."""
        self.path = directory / FILE
        if not self.path.exists():
            raise StoreError(f"there are no records in {directory} yet ({FILE} is missing)")
        connection = None
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=5.0,
                isolation_level=None,
                check_same_thread=False,
            )
            upgrade.must_be_current(
                lambda sql: connection.execute(sql).fetchall(), "sqlite", str(self.path)
            )
        except (sqlite3.Error, StoreError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot read {self.path}: {error}") from error
        self._connection = connection

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
        return int(self._rows(query.count(filters or Filters()))[0][0])

    def close(self) -> None:
        """Close the connection. Twice is fine."""
        self._connection.close()

    def _tenants(self, filters: Filters) -> list[str]:
        if filters.tenant is not None:
            return [filters.tenant]
        return [row[0] for row in self._rows(query.tenants())]

    def _stream(
        self, tenant: str, filters: Filters, newest_first: bool, size: int
    ) -> Iterator[_Placed]:
        after: query.Place | None = None
        while True:
            rows = self._rows(query.page(tenant, filters, after, newest_first, size))
            for dated, seq, *values in rows:
                yield dated, seq, from_values(values)
            if len(rows) < size:
                return
            after = rows[-1][0], rows[-1][1]

    def _rows(self, statement: Select[Any]) -> list[Any]:
        compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        values = compiled.params
        parameters = [values[name] for name in compiled.positiontup or ()]
        try:
            return self._connection.execute(str(compiled), parameters).fetchall()
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
            raise StoreError(f"cannot read {self.path}: {error}") from error

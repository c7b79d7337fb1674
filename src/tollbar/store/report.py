"""Reports from the database: in order, in bounded memory (docs/decisions/0019-reports.md).

A database sorts what is in an index; nothing else is kept for it. The first few codes are
asked for on their own, so that a report begins at once. What a question finds is taken in
whole, packed, before the first row is handed on: whoever reads slowly must never hold a
snapshot, or the write-ahead log could not shrink.
"""

import marshal
import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Select

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record
from tollbar.cdr.report import DETAIL_ORDER, DETAILED, GROUPS, Summary
from tollbar.cdr.zone import day
from tollbar.store import query
from tollbar.store.records import PAGE, Records
from tollbar.store.schema import record

FIRST: Final = 2_000
"""Records whose codes come first, on their own."""

_NAME: Final = "account_code_description"


class Report:
    """What one tenant's records say, by one choice of records."""

    def __init__(self, records: Records, tenant: str, filters: Filters) -> None:
        self._records = records
        self._tenant = tenant
        self._conditions = records.conditions(tenant, filters)
        self._filters = filters

    def detail(self, by: str) -> Iterator[Record]:
        """The calls in the order of a detail report: with what it shows, and nothing else.

        One that is corrected while the report runs may be shown as it is then."""
        order = DETAIL_ORDER[by]
        for conditions in self._parts(order[0]):
            places = self._places(query.places(self._tenant, conditions, order))
            for start in range(0, len(places), PAGE):
                page = places[start : start + PAGE].tolist()
                found = self._columns(page, DETAILED)
                for seq in page:
                    if seq in found:
                        yield Record(**dict(zip(DETAILED, found[seq], strict=True)))

    def groups(self, by: str) -> Iterator[Summary]:
        """The calls summed up, without sums of groups. A code has the name of its newest call."""
        keys = GROUPS[by]
        zone = self._records.zone(self._tenant, self._filters)
        for conditions in self._parts(keys[0]):
            packed = _Packed()
            newest: dict[str, int] = {}
            statement = query.groups(self._tenant, conditions, keys, zone)
            for rows in self._pages(statement):
                packed.append(rows)
                if keys[0] == "account_code":
                    for row in rows:
                        newest[row[0]] = max(newest.get(row[0], 0), row[-1])
            for rows in packed:
                numbers = {newest[row[0]] for row in rows} if newest else set()
                names = self._columns(sorted(numbers), (_NAME,))
                for row in rows:
                    group = _group(keys, row)
                    if newest and newest[row[0]] in names:
                        group.description = names[newest[row[0]]][0]
                    yield group

    def _parts(self, key: str) -> Iterator[list[query.Condition]]:
        """The conditions, once for the first few values of ``key`` and once for the rest."""
        column = record.c[key]
        found = self._records.rows(query.nth(self._tenant, self._conditions, key, FIRST))
        if not found:
            yield self._conditions
            return
        last = found[0][0]
        yield [*self._conditions, column <= last]
        yield [*self._conditions, column > last]

    def _places(self, statement: Select[Any]) -> "array[int]":
        places = array("q")
        for rows in self._pages(statement):
            places.extend(row[0] for row in rows)
        return places

    def _pages(self, statement: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
        """What a statement finds, page by page; to be taken in at once."""
        with self._records.database.reading() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=PAGE)
            for rows in streaming.execute(statement).partitions(PAGE):
                yield [tuple(row) for row in rows]

    def _columns(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[int, Any]:
        if not numbers:
            return {}
        return {row[0]: row[1:] for row in self._records.rows(query.rows(numbers, columns))}


class _Packed:
    """Pages of rows in little memory."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: list[bytes] = []

    def append(self, rows: list[tuple[Any, ...]]) -> None:
        self._pages.append(zlib.compress(marshal.dumps(rows), 1))

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        for page in self._pages:
            yield marshal.loads(zlib.decompress(page))


def _group(keys: Sequence[str], row: tuple[Any, ...]) -> Summary:
    *values, attempts, answered, billable_ms, _ = row
    told = dict(zip(keys, values, strict=True))
    if query.DATE in told:
        told[query.DATE] = day(told[query.DATE])
    return Summary(**told, attempts=attempts, answered=answered, billable_ms=billable_ms)

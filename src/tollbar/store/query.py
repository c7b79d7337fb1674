"""The filters of lists and reports as SQL: the same meaning as ``Filters.matches``, from an index.

Statements are SQLAlchemy Core, for SQLite and PostgreSQL alike.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import COLUMNS
from tollbar.store.schema import dated, record

Place = tuple[int, int]
"""Where a page ended: ``dated`` and ``seq`` of its last row."""

_ROW = tuple(record.c[name] for name in COLUMNS)


def tenants() -> Select[Any]:
    """The tenants that have records."""
    return select(record.c.tenant).distinct().order_by(record.c.tenant)


def page(
    tenant: str, filters: Filters, after: Place | None, newest_first: bool, size: int
) -> Select[Any]:
    """The next ``size`` rows of one tenant: ``dated``, ``seq``, then the record's columns."""
    here = tuple_(dated, record.c.seq)
    statement = select(dated, record.c.seq, *_ROW).where(
        record.c.tenant == tenant, *_conditions(filters)
    )
    if after is not None:
        statement = statement.where(here < after if newest_first else here > after)
    order = (dated, record.c.seq)
    if newest_first:
        return statement.order_by(*(c.desc() for c in order)).limit(size)
    return statement.order_by(*order).limit(size)


def count(filters: Filters) -> Select[Any]:
    """How many records match."""
    conditions = _conditions(filters)
    if filters.tenant is not None:
        conditions.append(record.c.tenant == filters.tenant)
    return select(func.count()).select_from(record).where(*conditions)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.since is not None:
        conditions.append(dated >= filters.since)
    if filters.until is not None:
        conditions.append(dated < filters.until)
    for column, wanted in (
        (record.c.user, filters.users),
        (record.c.extension, filters.extensions),
        (record.c.outcome, filters.outcomes),
        (record.c.direction, filters.directions),
        (record.c.peer, filters.peers),
        (record.c.trunk, filters.trunks),
        (record.c.record_id, filters.record_ids),
    ):
        if wanted:
            conditions.append(column.in_(wanted))
    code = record.c.account_code
    codes = [and_(code >= low, code <= high) for low, high in filters.code_ranges]
    if filters.codes:
        codes.append(code.in_(filters.codes))
    if codes:
        conditions.append(or_(*codes))
    if filters.in_report is not None:
        conditions.append(record.c.in_report == int(filters.in_report))
    return conditions

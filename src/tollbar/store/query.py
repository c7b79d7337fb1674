"""The filters of lists and reports as SQL: the same meaning as ``Filters.matches``, from an index.

Statements are SQLAlchemy Core, for SQLite and PostgreSQL alike.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import COLUMNS
from tollbar.cdr.zone import DAY, Offset
from tollbar.store.schema import dated, record, reported, untagged

Place = tuple[int, int]
"""Where a page ended: ``dated`` and ``seq`` of its last row."""

Condition = ColumnElement[bool]

DATE: Final = "date"
"""The key of ``groups`` that is no column: the local day, as a number of days."""

_ROW = tuple(record.c[name] for name in COLUMNS)


def tenant_after(tenant: str | None) -> Select[Any]:
    """The next tenant that has records."""
    statement = select(record.c.tenant).order_by(record.c.tenant).limit(1)
    return statement if tenant is None else statement.where(record.c.tenant > tenant)


def bound(tenant: str, newest: bool) -> Select[Any]:
    """When a tenant's oldest or newest record is dated."""
    order = dated.desc() if newest else dated.asc()
    return select(dated).where(record.c.tenant == tenant).order_by(order).limit(1)


def page(
    tenant: str,
    conditions: Sequence[Condition],
    after: Place | None,
    newest_first: bool,
    size: int,
) -> Select[Any]:
    """The next ``size`` rows of one tenant: ``dated``, ``seq``, then the record's columns."""
    here = tuple_(dated, record.c.seq)
    statement = select(dated, record.c.seq, *_ROW).where(record.c.tenant == tenant, *conditions)
    if after is not None:
        statement = statement.where(here < after if newest_first else here > after)
    order = (dated, record.c.seq)
    if newest_first:
        return statement.order_by(*(c.desc() for c in order)).limit(size)
    return statement.order_by(*order).limit(size)


def count(tenant: str, conditions: Sequence[Condition]) -> Select[Any]:
    """How many records match."""
    return select(func.count()).select_from(record).where(record.c.tenant == tenant, *conditions)


def places(tenant: str, conditions: Sequence[Condition], order: Sequence[str]) -> Select[Any]:
    """``seq`` of what matches, in the order of these columns, then by date."""
    return (
        select(record.c.seq)
        .where(record.c.tenant == tenant, *conditions)
        .order_by(*(record.c[name] for name in order), dated, record.c.seq)
    )


def groups(
    tenant: str, conditions: Sequence[Condition], keys: Sequence[str], zone: Sequence[Offset]
) -> Select[Any]:
    """What matches summed up by ``keys``, in their order: the keys, attempts, answered,
    billable milliseconds, and ``seq`` of the newest one."""
    columns = [
        (local(zone) // DAY).label(DATE) if key == DATE else record.c[key].label(key)
        for key in keys
    ]
    names: list[ColumnElement[Any]] = [
        literal_column(str(place)) for place in range(1, len(columns) + 1)
    ]
    return (
        select(
            *columns,
            func.count(),
            func.count(record.c.answer),
            cast(func.sum(record.c.billable_ms), BigInteger),
            func.max(record.c.seq),
        )
        .where(record.c.tenant == tenant, *conditions)
        .group_by(*names)
        .order_by(*names)
    )


def nth(tenant: str, conditions: Sequence[Condition], key: str, number: int) -> Select[Any]:
    """What the ``number``th of what matches, in the order of ``key``, has there."""
    column = record.c[key]
    return (
        select(column)
        .where(record.c.tenant == tenant, *conditions)
        .order_by(column)
        .limit(1)
        .offset(number - 1)
    )


def rows(numbers: Sequence[int], columns: Sequence[str]) -> Select[Any]:
    """``seq`` and these columns of the records with these ``seq``."""
    wanted = record.c.seq.in_(numbers)
    return select(record.c.seq, *(record.c[name] for name in columns)).where(wanted)


def local(zone: Sequence[Offset]) -> ColumnElement[int]:
    """``dated`` as local clocks had it, in milliseconds."""
    *before, (_, last) = zone
    shifted = dated + last
    if not before:
        return shifted
    return case(*((dated < until, dated + ahead) for until, ahead in before), else_=shifted)


def conditions(filters: Filters, zone: Sequence[Offset]) -> list[Condition]:
    """All that ``filters`` says, but for the tenant. ``zone``: offsets of ``filters.zone``."""
    wanted: list[Condition] = []
    if filters.since is not None:
        wanted.append(dated >= filters.since)
    if filters.until is not None:
        wanted.append(dated < filters.until)
    for column, values in (
        (record.c.user, filters.users),
        (record.c.workgroup, filters.workgroups),
        (record.c.extension, filters.extensions),
        (record.c.outcome, filters.outcomes),
        (record.c.direction, filters.directions),
        (record.c.peer, filters.peers),
        (record.c.trunk, filters.trunks),
        (record.c.record_id, filters.record_ids),
    ):
        if values:
            wanted.append(column.in_(values))
    code = record.c.account_code
    codes = [and_(code >= low, code <= high) for low, high in filters.code_ranges]
    if filters.codes:
        codes.append(code.in_(filters.codes))
    if codes:
        wanted.append(or_(*codes))
    if filters.in_report is not None:
        wanted.append(reported if filters.in_report else record.c.in_report == 0)
    if filters.untagged is not None:
        wanted.append(untagged if filters.untagged else ~untagged)
    if filters.hours is not None:
        wanted.append(_within(local(zone) % DAY, filters.hours))
    return wanted


def _within(clock: ColumnElement[int], hours: tuple[int, int]) -> Condition:
    first, last = hours
    if first < last:
        return and_(clock >= first, clock < last)
    return or_(clock >= first, clock < last)

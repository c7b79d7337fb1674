"""The tables, in SQLAlchemy Core, for SQLite and PostgreSQL alike.

The tenant is in every key. Text compares by code point on both databases, so account codes
order as strings whatever the locale. Times are UTC milliseconds. The
statements of the local file are compiled once to SQL and run on the driver's cursor: nothing
of SQLAlchemy is on the path of a call.

An open call that has its record is *ended* and only waits to be closed. So a record must
never leave the local file before its open call does. Whoever changes a table here adds a
revision under ``migrations`` and makes VERSION its number.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Delete,
    Index,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from tollbar.cdr.record import COLUMNS

VERSION: Final = 4
"""What ``meta.schema_version`` says: the number of the newest revision."""

metadata: Final = MetaData()

_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite gives a table its own row number only for INTEGER; elsewhere it must not run out.
_SERIAL: Final = BigInteger().with_variant(Integer(), "sqlite")

_INTEGERS: Final = frozenset({"tries", "matrix_row", "sip_status", "q850_cause", "in_report"})
_LONGS: Final = frozenset({"setup", "ringing", "answer", "end", "ring_ms", "billable_ms"})
_NULLABLE: Final = frozenset({"ringing", "answer"})
# Of columns that earlier releases did not have.
_DEFAULTS: Final = {"kind": "call"}


def _type(name: str) -> TypeEngine[Any]:
    if name in _LONGS:
        return BigInteger()
    return Integer() if name in _INTEGERS else _TEXT


meta: Final = Table(
    "meta",
    metadata,
    Column("name", _TEXT, primary_key=True),
    Column("value", _TEXT, nullable=False),
)

heartbeat: Final = Table(
    "heartbeat",
    metadata,
    Column("instance", _TEXT, primary_key=True),
    Column("alive", BigInteger, nullable=False),
)

open_call: Final = Table(
    "open_call",
    metadata,
    Column("tenant", _TEXT, primary_key=True),
    Column("record_id", _TEXT, primary_key=True),
    Column("instance", _TEXT, nullable=False),
    Column("draft", _TEXT, nullable=False),
    Column("trunk", _TEXT, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("b_call_id", _TEXT, nullable=False),
    Column("ringing", BigInteger),
    Column("answer", BigInteger),
    Column("kept", LargeBinary, nullable=False),
)

record: Final = Table(
    "record",
    metadata,
    # The order records got here in: what delivery and paging go by.
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    *(
        Column(name, _type(name), nullable=name in _NULLABLE, server_default=_DEFAULTS.get(name))
        for name in COLUMNS
    ),
    UniqueConstraint("tenant", "record_id"),
)

dated: Final[ColumnElement[int]] = func.coalesce(record.c.answer, record.c.setup)
"""The moment reports file a record under, as ``Record.dated``."""

Index("record_dated", record.c.tenant, dated)

reported: Final[ColumnElement[bool]] = record.c.in_report == literal_column("1")
"""In the account code report. No parameter: the index below is of these only."""

# All that a report sums up, so that it reads the index alone; in the order of arrival, so that
# a call adds to its end. One that began with the code would be written all over, a page
# a call (docs/decisions/0019-reports.md). In SQLite an index covers what is in it by name
# only: hence in_report, answer and setup.
Index(
    "record_report",
    record.c.tenant,
    dated,
    record.c.seq,
    record.c.in_report,
    record.c.account_code,
    record.c.user,
    record.c.workgroup,
    record.c.answer,
    record.c.setup,
    record.c.billable_ms,
    sqlite_where=reported,
    postgresql_where=reported,
)

untagged: Final[ColumnElement[bool]] = and_(
    record.c.account_code == literal_column("''"),
    record.c.tries > literal_column("0"),
    record.c.outcome != literal_column("'refused'"),
)
"""Placed without a code, as ``Record.untagged``."""

# The same for what is not in the report and perhaps should be: a call is in one of the two.
Index(
    "record_untagged",
    record.c.tenant,
    dated,
    record.c.seq,
    record.c.account_code,
    record.c.tries,
    record.c.outcome,
    record.c.user,
    record.c.answer,
    record.c.setup,
    record.c.billable_ms,
    sqlite_where=untagged,
    postgresql_where=untagged,
)

entry: Final = Table(
    "entry",
    metadata,
    Column("tenant", _TEXT, primary_key=True),
    Column("kind", _TEXT, primary_key=True),
    Column("key", _TEXT, primary_key=True),
    # Orders dial-plan objects and codes of the far end, else 0.
    Column("place", BigInteger, nullable=False),
    # How often this entry was changed, and the revision of the directory that did it last.
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("body", _TEXT, nullable=False),
    Index("entry_revision", "revision"),
    # The rows stand in the order of their key: what is loaded is read from front to back.
    sqlite_with_rowid=False,
)

head: Final = Table(
    "head",
    metadata,
    Column("name", _TEXT, primary_key=True),
    Column("value", _TEXT, nullable=False),
)
"""``directory``: the current revision; ``applied``: SHA-256 of the file last applied."""

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("tenant", _TEXT, nullable=False),
    Column("who", _TEXT, nullable=False),
    Column("action", _TEXT, nullable=False),
    Column("kind", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False),
    # Bodies, "" for none.
    Column("before", _TEXT, nullable=False),
    Column("after", _TEXT, nullable=False),
    # Of the directory that the change made; 0 for what is no change of it.
    Column("revision", BigInteger, nullable=False),
    # The kind after the key: whoever asks for a kind only is to read along audit_tenant.
    Index("audit_entry", "tenant", "key", "kind", "seq"),
    Index("audit_tenant", "tenant", "seq"),
    Index("audit_at", "at", "seq"),
)

of_directory: Final[ColumnElement[bool]] = audit.c.revision > literal_column("0")
"""A line of a change of the directory. No parameter: the index below is of these only, and
says what is gone since a revision, and how far back that is known."""

Index(
    "audit_revision",
    audit.c.revision,
    sqlite_where=of_directory,
    postgresql_where=of_directory,
)

interaction: Final = Table(
    "interaction",
    metadata,
    Column("tenant", _TEXT, primary_key=True),
    # Its record's id when it is over.
    Column("interaction_id", _TEXT, primary_key=True),
    Column("kind", _TEXT, nullable=False),
    # Whose queue it is on: a user's or a workgroup's.
    Column("queue_kind", _TEXT, nullable=False),
    Column("queue", _TEXT, nullable=False),
    Column("direction", _TEXT, nullable=False),
    # The system that registered it, and who is at the far end.
    Column("source", _TEXT, nullable=False),
    Column("party", _TEXT, nullable=False),
    # Who answered it.
    Column("user", _TEXT, nullable=False),
    Column("account_code", _TEXT, nullable=False),
    Column("account_code_description", _TEXT, nullable=False),
    Column("code_source", _TEXT, nullable=False),
    Column("code_changes", _TEXT, nullable=False),
    Column("registered", BigInteger, nullable=False),
    Column("answered", BigInteger),
    Column("parent_record_id", _TEXT, nullable=False),
    # Its record, once it is over and until that is filed; "" while it is live.
    Column("draft", _TEXT, nullable=False),
    Index("interaction_queue", "tenant", "queue_kind", "queue", "registered"),
)

sticky: Final = Table(
    "sticky",
    metadata,
    Column("tenant", _TEXT, primary_key=True),
    # A user, or a caller's number: as policy holds it.
    Column("holder", _TEXT, primary_key=True),
    Column("code", _TEXT, nullable=False),
)

PROGRESS: Final = ("trunk", "tries", "b_call_id", "ringing", "answer")
"""The columns of an open call that change, in the order of ``cdr.ledger.Progress``."""


_KEY: Final = ("tenant", "record_id")
_AT: Final = (
    open_call.c.tenant == bindparam("at_tenant"),
    open_call.c.record_id == bindparam("at_record_id"),
)
_KEPT: Final = func.coalesce(bindparam("new_kept", type_=LargeBinary()), open_call.c.kept)
_DIALECT: Final = sqlite.dialect(paramstyle="qmark")


def _sql(statement: Insert | Update | Delete | Select[Any], *parameters: str) -> str:
    """SQLite's SQL for ``statement``, whose parameters are these, in this order."""
    columns = list(parameters) if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    if tuple(compiled.positiontup or ()) != parameters:
        raise AssertionError(f"parameters are {compiled.positiontup}, not {parameters}")
    return str(compiled)


def _open() -> str:
    columns = (*_KEY, "instance", "draft", *PROGRESS, "kept")
    new = sqlite.insert(open_call)
    changed = {name: new.excluded[name] for name in ("draft", *PROGRESS, "kept")}
    return _sql(new.on_conflict_do_update(index_elements=_KEY, set_=changed), *columns)


def _stick() -> str:
    new = sqlite.insert(sticky)
    changed = {"code": new.excluded.code}
    return _sql(
        new.on_conflict_do_update(index_elements=["tenant", "holder"], set_=changed),
        "tenant",
        "holder",
        "code",
    )


def _beat() -> str:
    new = sqlite.insert(heartbeat)
    changed = {"alive": new.excluded.alive}
    return _sql(
        new.on_conflict_do_update(index_elements=["instance"], set_=changed), "instance", "alive"
    )


# A batch may be written again when nobody knows whether it reached the disk the first time;
# the second time must change nothing. Hence the conflicts.
OPEN: Final = _open()
ADVANCE: Final = _sql(
    update(open_call)
    .where(*_AT)
    .values({**{name: bindparam("new_" + name) for name in PROGRESS}, "kept": _KEPT}),
    *("new_" + name for name in PROGRESS),
    "new_kept",
    "at_tenant",
    "at_record_id",
)
KEEP: Final = _sql(
    update(open_call).where(*_AT).values(kept=bindparam("new_kept")),
    "new_kept",
    "at_tenant",
    "at_record_id",
)
REDRAFT: Final = _sql(
    update(open_call).where(*_AT).values(draft=bindparam("new_draft")),
    "new_draft",
    "at_tenant",
    "at_record_id",
)
FINISH: Final = _sql(sqlite.insert(record).on_conflict_do_nothing(index_elements=_KEY), *COLUMNS)
FORGET: Final = _sql(delete(open_call).where(*_AT), "at_tenant", "at_record_id")
STICK: Final = _stick()
UNSTICK: Final = _sql(
    delete(sticky).where(
        sticky.c.tenant == bindparam("at_tenant"), sticky.c.holder == bindparam("at_holder")
    ),
    "at_tenant",
    "at_holder",
)
STICKY: Final = _sql(select(sticky.c.tenant, sticky.c.holder, sticky.c.code))
BEAT: Final = _beat()
LAST_BEAT: Final = _sql(
    select(heartbeat.c.alive).where(heartbeat.c.instance == bindparam("at_instance")),
    "at_instance",
)
OPEN_CALLS: Final = _sql(
    select(
        open_call.c.draft,
        *(open_call.c[name] for name in PROGRESS),
        open_call.c.kept,
        record.c.seq.is_not(None),
        open_call.c.instance,
    )
    .select_from(
        open_call.outerjoin(
            record,
            (record.c.tenant == open_call.c.tenant) & (record.c.record_id == open_call.c.record_id),
        )
    )
    .where(open_call.c.instance == bindparam("at_instance"))
    .order_by(open_call.c.record_id),
    "at_instance",
)
# What leaves for another database: closed calls only, in the order they got here.
_CLOSED: Final = ~exists().where(
    open_call.c.tenant == record.c.tenant, open_call.c.record_id == record.c.record_id
)
DELIVERABLE: Final = _sql(
    select(*(record.c[name] for name in COLUMNS)).where(_CLOSED).order_by(record.c.seq)
)
WAITING: Final = _sql(select(func.count()).select_from(record).where(_CLOSED))
DISCARD: Final = _sql(
    delete(record).where(
        record.c.tenant == bindparam("at_tenant"),
        record.c.record_id == bindparam("at_record_id"),
        _CLOSED,
    ),
    "at_tenant",
    "at_record_id",
)

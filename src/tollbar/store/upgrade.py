"""Creates the tables of a new database and brings an old one up to date.

The way up is one transaction: all of it or nothing. A SQLite file is copied beside itself
first. It must never lose a row, and never touch a database that is newer or not Tollbar's.
The version check is plain SQL, so that Alembic is loaded only where there is something to do.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from tollbar.store import schema
from tollbar.store.errors import StoreError

Query = Callable[[str], list[Any]]
"""Runs one statement and gives its rows."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"

_BY_HAND: Final = 1
"""The schema of before Alembic: nothing in the file says which revision it is."""

_TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
}
_ALEMBIC: Final = "alembic_version"


def current(query: Query, dialect: str, name: str) -> bool:
    """Whether the database is of this release; False: older, or empty. Else StoreError."""
    found = version(query, dialect, name)
    if found > schema.VERSION:
        raise StoreError(
            f"{name} was written by a newer Tollbar (schema {found}, this one knows "
            f"{schema.VERSION})"
        )
    return found == schema.VERSION


def must_be_current(query: Query, dialect: str, name: str) -> None:
    """For a reader, which changes nothing: StoreError unless the database is of this release."""
    if not current(query, dialect, name):
        raise StoreError(f"{name} is of an older release; start the gateway once to upgrade it")


def version(query: Query, dialect: str, name: str) -> int:
    """The database's schema version, 0 for an empty one."""
    tables = {row[0] for row in query(_TABLES[dialect])}
    if not tables:
        return 0
    rows = []
    if schema.meta.name in tables:
        rows = query("SELECT value FROM meta WHERE name = 'schema_version'")
    if not rows or not str(rows[0][0]).isdecimal():
        raise StoreError(f"{name} is a database, but not one of Tollbar's")
    return int(rows[0][0])


def bring_up_to_date(connection: Connection, name: str, file: Path | None = None) -> None:
    """Make the database one of schema.VERSION, or raise StoreError.

    ``connection`` is in a transaction that keeps other writers out; whoever calls commits it.
    ``file`` is the SQLite file it is open on."""
    dialect = connection.dialect.name

    def query(sql: str) -> list[Any]:
        return list(connection.exec_driver_sql(sql))

    if current(query, dialect, name):
        return  # by another process, meanwhile
    found = version(query, dialect, name)
    if found and file is not None:
        _copy(file, file.with_name(f"{file.name}.schema{found}"))
    tables = {row[0] for row in query(_TABLES[dialect])}
    run(connection, schema.VERSION, stamped=found != _BY_HAND or _ALEMBIC in tables)


def run(connection: Connection, to: int, *, stamped: bool = True) -> None:
    """Run the revisions up to number ``to``. A database that is not ``stamped`` is of before
    there was a place to write its revision down."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if not stamped:
        command.stamp(config, f"{_BY_HAND:04}")
    command.upgrade(config, f"{to:04}")


def _copy(file: Path, to: Path) -> None:
    """A copy of what is committed; a writer's open transaction is not in it."""
    try:
        to.touch(mode=0o600)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(to)) as copy,
        ):
            source.backup(copy)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot copy {file} to {to} before its upgrade: {error}") from error

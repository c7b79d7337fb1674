"""Creates the tables of a new file and brings an old one up to date.

Each step is one transaction and goes from one schema version to the next; before the first,
the file is copied beside itself. It must never lose a row, and never touch a newer file.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from tollbar.store import schema
from tollbar.store.errors import StoreError

Step = Callable[[sqlite3.Connection], None]

STEPS: Final[dict[int, Step]] = {}
"""From which version -> what makes it the next one."""


def bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Make ``connection``'s file one of schema.VERSION, or raise StoreError."""
    found = _known(connection, path)
    if found == 0:
        _transact(connection, _create, 0)
        return
    if found < schema.VERSION:
        _copy(connection, path.with_name(f"{path.name}.schema{found}"))
    for step in range(found, schema.VERSION):
        _transact(connection, STEPS[step], step)


def must_be_current(connection: sqlite3.Connection, path: Path) -> None:
    """For a reader, which changes nothing: StoreError unless the file is of this version."""
    if _known(connection, path) < schema.VERSION:
        raise StoreError(f"{path} is of an older release; start the gateway once to upgrade it")


def _known(connection: sqlite3.Connection, path: Path) -> int:
    found = version(connection, path)
    if found > schema.VERSION:
        raise StoreError(
            f"{path} was written by a newer Tollbar (schema {found}, this one knows "
            f"{schema.VERSION})"
        )
    return found


def version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version, 0 for an empty file."""
    tables = {
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    if not tables:
        return 0
    row = None
    if schema.meta.name in tables:
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    if row is None or not str(row[0]).isdecimal():
        raise StoreError(f"{path} is a database, but not one of Tollbar's")
    return int(row[0])


def _create(connection: sqlite3.Connection) -> None:
    dialect = sqlite.dialect()
    for table in schema.metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    connection.execute("INSERT INTO meta (name, value) VALUES ('schema_version', '0')")


def _transact(connection: sqlite3.Connection, step: Step, before: int) -> None:
    after = before + 1 if before else schema.VERSION
    connection.execute("BEGIN IMMEDIATE")
    try:
        step(connection)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(after),))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _copy(connection: sqlite3.Connection, to: Path) -> None:
    with sqlite3.connect(to) as copy:
        connection.backup(copy)
    copy.close()

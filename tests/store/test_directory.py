"""The directory's contract on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, Select
from sqlalchemy.dialects import postgresql, sqlite
from tests.store.directory_contract import DirectoryContract

from tollbar.store.database import Database, sqlite_url


def literal(statement: Select[Any], dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


class TestSQLite(DirectoryContract):
    INDEX = "SEARCH entry USING PRIMARY KEY (tenant=? AND kind=? AND key>? AND key<?)"
    AUDIT_INDEX = "SEARCH audit USING INDEX audit_revision (revision>?)"

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "directory.sqlite"))
        yield database
        database.close()

    def plan(self, database: Database, statement: Select[Any]) -> str:
        sql = literal(statement, sqlite.dialect())
        with database.reading() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
        return "\n".join(str(row[-1]) for row in rows)


class TestPostgreSQL(DirectoryContract):
    INDEX = "Index Scan using entry_pkey on entry"
    AUDIT_INDEX = "audit_revision"

    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        database = Database(postgres_url)
        yield database
        database.close()

    def analyse(self, database: Database) -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("ANALYZE")

    def plan(self, database: Database, statement: Select[Any]) -> str:
        sql = literal(statement, postgresql.dialect())  # type: ignore[no-untyped-call]
        with database.reading() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN {sql}").all()
        return "\n".join(str(row[0]) for row in rows)

"""The directory's contract on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from tests.store.directory_contract import DirectoryContract

from tollbar.policy import finding
from tollbar.store.database import Database, sqlite_url
from tollbar.store.directory import search


def literal(prefix: str, dialect: Dialect) -> str:
    statement = search("default", finding.CODE, prefix, 50)
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


class TestSQLite(DirectoryContract):
    INDEX = "SEARCH entry USING PRIMARY KEY (tenant=? AND kind=? AND key>? AND key<?)"

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "directory.sqlite"))
        yield database
        database.close()

    def plan(self, database: Database, prefix: str) -> str:
        sql = literal(prefix, sqlite.dialect())
        with database.reading() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
        said = "\n".join(str(row[-1]) for row in rows)
        assert "TEMP B-TREE" not in said
        return said


class TestPostgreSQL(DirectoryContract):
    INDEX = "Index Scan using entry_pkey on entry"

    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        database = Database(postgres_url)
        yield database
        database.close()

    def analyse(self, database: Database) -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("ANALYZE entry")

    def plan(self, database: Database, prefix: str) -> str:
        sql = literal(prefix, postgresql.dialect())  # type: ignore[no-untyped-call]
        with database.reading() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN {sql}").all()
        said = "\n".join(str(row[0]) for row in rows)
        assert "Sort" not in said
        return said

"""The audit's contract on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite
from tests.store.audit_contract import AuditContract

from tollbar.store.audit import search
from tollbar.store.database import Database, sqlite_url


class TestSQLite(AuditContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "directory.sqlite"))
        yield database
        database.close()


class TestPostgreSQL(AuditContract):
    @pytest.fixture
    def database(self, postgres_url: str) -> Iterator[Database]:
        database = Database(postgres_url)
        yield database
        database.close()


WANTED: list[dict[str, Any]] = [
    {},
    {"tenant": "default"},
    {"tenant": "default", "kind": "code"},
    {"tenant": "default", "key": "0214"},
    {"tenant": "default", "kind": "code", "key": "0214"},
    {"tenant": "default", "who": "anne", "action": "correct"},
    {"tenant": "default", "since": 5},
    {"who": "anne", "since": 5},
]


@pytest.mark.parametrize("wanted", WANTED)
def test_the_newest_are_found_without_sorting_all(tmp_path: Path, wanted: dict[str, Any]) -> None:
    statement = search(**wanted).limit(50)
    literal = {"literal_binds": True}
    sql = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs=literal))
    url = sqlite_url(tmp_path / "directory.sqlite")
    with closing(Database(url)) as database, database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert [row[-1] for row in rows if "TEMP B-TREE" in row[-1]] == []

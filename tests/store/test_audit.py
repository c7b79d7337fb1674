"""The audit's contract on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.audit_contract import AuditContract

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

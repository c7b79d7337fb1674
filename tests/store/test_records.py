"""Records in PostgreSQL: the contract that the local file keeps."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import insert
from tests.store.contract import Place, RecordContract

from tollbar.cdr.filters import Filters
from tollbar.cdr.ledger import Change, Finished, OpenCall
from tollbar.cdr.record import COLUMNS, Record
from tollbar.store import schema
from tollbar.store.database import Database
from tollbar.store.records import Records


class DatabasePlace:
    """A PostgreSQL database, into which nothing but records gets."""

    def __init__(self, state: Path, url: str) -> None:
        self.database = Database(url)
        self.records = Records(state, url)

    def commit(self, changes: Sequence[Change]) -> None:
        rows = [
            dict(zip(COLUMNS, change.row, strict=True))
            for change in changes
            if isinstance(change, Finished)
        ]
        for row in rows:
            row["in_report"] = int(row["in_report"])
        with self.database.writing() as connection:
            connection.execute(insert(schema.record), rows)

    def open_calls(self) -> list[OpenCall]:
        return []

    def find(
        self, filters: Filters | None = None, *, newest_first: bool = False, limit: int = 0
    ) -> Iterator[Record]:
        return self.records.find(filters, newest_first=newest_first, limit=limit)

    def count(self, filters: Filters | None = None) -> int:
        return self.records.count(filters)

    def close(self) -> None:
        self.records.close()
        self.database.close()


class TestPostgreSQL(RecordContract):
    @pytest.fixture
    def place(self, tmp_path: Path, postgres_url: str) -> Iterator[Place]:
        place = DatabasePlace(tmp_path, postgres_url)
        yield place
        place.close()

"""Reports from a SQLite file and from PostgreSQL."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.store.contract import done
from tests.store.report_contract import Office, ReportContract

from tollbar.cdr.record import COLUMNS, Record
from tollbar.store import schema
from tollbar.store.database import Database
from tollbar.store.local import LocalFile
from tollbar.store.records import Records


class LocalOffice:
    """A state directory."""

    def __init__(self, state: Path) -> None:
        self.local = LocalFile(state)
        self.records = Records(state)

    def keep(self, records: Iterable[Record]) -> None:
        self.local.commit(done(*records))

    def close(self) -> None:
        self.records.close()
        self.local.close()


class TestLocalReport(ReportContract):
    @pytest.fixture
    def office(self, tmp_path: Path) -> Iterator[Office]:
        office = LocalOffice(tmp_path)
        yield office
        office.close()


class DatabaseOffice:
    """A PostgreSQL database."""

    def __init__(self, state: Path, url: str) -> None:
        self.database = Database(url)
        self.records = Records(state, url)

    def keep(self, records: Iterable[Record]) -> None:
        rows = [dict(zip(COLUMNS, one.values(), strict=True)) for one in records]
        if rows:
            with self.database.writing() as connection:
                connection.execute(insert(schema.record), [stored(row) for row in rows])

    def close(self) -> None:
        self.records.close()
        self.database.close()


def stored(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "in_report": int(row["in_report"])}


class TestPostgreSQLReport(ReportContract):
    @pytest.fixture
    def office(self, tmp_path: Path, postgres_url: str) -> Iterator[Office]:
        office = DatabaseOffice(tmp_path, postgres_url)
        yield office
        office.close()

"""Reports from a SQLite file."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.store.contract import done
from tests.store.report_contract import Office, ReportContract

from tollbar.cdr.record import Record
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

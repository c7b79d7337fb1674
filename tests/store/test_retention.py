"""What is removed by age, and what never is."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.cdr.story import Story, call_id, record
from tests.store.contract import done

from tollbar.cdr.ledger import Ledger
from tollbar.cdr.record import COLUMNS, Record
from tollbar.store import retention, schema
from tollbar.store.databases import Databases, open_databases
from tollbar.store.local import FILE, LocalFile
from tollbar.store.retention import Retention
from tollbar.store.writer import Writer

DAY = 86400
NOW = record(0).dated / 1000 + 100 * DAY


def aged(number: int, days: float, outcome: str = "answered", tenant: str = "default") -> Record:
    at = round((NOW - days * DAY) * 1000)
    return record(number, setup=at, answer=at, outcome=outcome, tenant=tenant)


@pytest.fixture(params=["", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        text: str = request.getfixturevalue("postgres_url")
        return text
    return f"sqlite:///{tmp_path}/far.sqlite" if request.param else ""


class Shelf:
    """Records where this URL keeps them, and the retention over them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url
        self.local = LocalFile(directory)
        self.writer = Writer(self.local, lambda n: None, lambda n, error: None)
        self.writer.start()

    def open(self) -> Databases:
        return open_databases(self.directory, self.url)

    def put(self, *records: Record) -> None:
        databases = self.open()
        with databases.records.writing() as connection:
            for each in records:
                values = dict(zip(COLUMNS, each.values(), strict=True))
                connection.execute(insert(schema.record).values(values))
        databases.close()

    def left(self) -> list[str]:
        databases = self.open()
        with databases.records.reading() as connection:
            found = sorted(connection.scalars(select(schema.record.c.record_id)))
        databases.close()
        return found

    def retention(self, **terms: int) -> Retention:
        return Retention(
            {kind: days * DAY for kind, days in terms.items()},
            self.open,
            None if self.url else self.writer,
            utc=lambda: NOW,
        )

    def becomes(self, *numbers: int) -> None:
        deadline = time.monotonic() + 20
        while self.left() != sorted(map(call_id, numbers)):
            assert time.monotonic() < deadline, self.left()
            time.sleep(0.05)


@pytest.fixture
def shelf(tmp_path: Path, url: str) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "state", url)
    yield shelf
    if shelf.writer.alive:
        shelf.writer.stop()
    shelf.local.close()


def test_each_outcome_has_its_term(shelf: Shelf) -> None:
    shelf.put(
        aged(1, 31, "refused"),
        aged(2, 29, "refused"),
        aged(3, 31),
        aged(4, 61),
        aged(5, 1000, "busy"),
        aged(6, 61, tenant="blue"),
    )
    kept = shelf.retention(refused=30, answered=60)
    assert kept.apply() == {"refused": 1, "answered": 2}
    shelf.becomes(2, 3, 5)
    assert kept.removed == 3
    assert str(kept) == "refused 30d, answered 60d; 3 removed since the start"
    assert kept.apply() == {}


def test_it_goes_page_by_page(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 7)
    monkeypatch.setattr(retention, "WAIT", 0.0)
    # The same moment for many: a page may not end between them.
    shelf.put(*(aged(n, 50 + n // 10) for n in range(40)), aged(99, 1))
    assert shelf.retention(answered=30).apply() == {"answered": 40}
    shelf.becomes(99)


def test_the_audit_has_a_term_of_its_own(shelf: Shelf) -> None:
    databases = shelf.open()
    places = {databases.directory, databases.records}
    for place in places:
        with place.writing() as connection:
            for days in (31, 29):
                connection.execute(
                    insert(schema.audit).values(
                        at=round((NOW - days * DAY) * 1000),
                        tenant="default",
                        who="eve",
                        action="add",
                        kind="code",
                        key=str(days),
                        before="",
                        after="",
                        revision=1,
                    )
                )
    assert shelf.retention(audit=30).apply() == {"audit": len(places)}
    for place in places:
        with place.reading() as connection:
            assert list(connection.scalars(select(schema.audit.c.key))) == ["29"]
    databases.close()


def test_an_open_call_keeps_its_record(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "")
    story, ledger = Story(call_id(1)), Ledger()
    changes = [c for f in (story.attempted(), story.ended(1.0)) for c in ledger.fold(f)]
    shelf.writer.submit([*changes, *done(aged(2, 90))], 1)
    assert shelf.writer.stop()
    kept = Retention({"answered": 30 * DAY}, shelf.open, shelf.writer, utc=lambda: NOW)
    assert kept.apply() == {"answered": 1}
    shelf.local.close()


class Stuck:
    """A writer whose disk fails."""

    discarded = 0

    def __init__(self) -> None:
        self.keys: list[tuple[str, str]] = []

    def discard(self, key: tuple[str, str], /) -> None:
        self.keys.append(key)


def test_no_more_is_handed_to_a_writer_than_it_can_delete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FIRST", 0.0)
    monkeypatch.setattr(retention, "UNDISCARDED", 1000)
    shelf, stuck = Shelf(tmp_path, ""), Stuck()
    shelf.put(*(aged(n, 90) for n in range(1700)))
    kept = Retention({"answered": 30 * DAY}, shelf.open, stuck, utc=lambda: NOW)
    kept.start()
    deadline = time.monotonic() + 20
    while len(stuck.keys) < 1000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kept.stop()
    assert len(stuck.keys) == 1000
    shelf.writer.stop()
    shelf.local.close()


def test_what_waits_for_its_database_stays(tmp_path: Path) -> None:
    """Retention looks into the database of the URL only."""
    shelf = Shelf(tmp_path, f"sqlite:///{tmp_path}/far.sqlite")
    shelf.writer.submit(done(aged(1, 90)), 1)
    assert shelf.writer.stop()
    assert shelf.retention(answered=30).apply() == {}
    local = sqlite3.connect(tmp_path / FILE)
    assert local.execute("SELECT record_id FROM record").fetchall() == [(call_id(1),)]
    local.close()
    shelf.local.close()


def test_a_database_that_is_away_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "FIRST", 0.0)
    kept = Retention({"answered": DAY}, lambda: open_databases(tmp_path, "mysql://x/y"))
    kept.start()
    deadline = time.monotonic() + 20
    while not kept.error:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kept.stop()
    assert "old records stay where they are" in caplog.text

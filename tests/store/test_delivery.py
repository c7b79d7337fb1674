"""Records on their way from the local file to another database."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.cdr.story import Story, call_id, record
from tests.store.contract import done

from tollbar.cdr.ledger import Ledger
from tollbar.cdr.record import COLUMNS
from tollbar.store import delivery, schema
from tollbar.store.archive import Archive
from tollbar.store.database import Database, sqlite_url
from tollbar.store.delivery import PAGE, UNDISCARDED, Delivery
from tollbar.store.errors import StoreError
from tollbar.store.local import LocalFile
from tollbar.store.writer import Writer


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


class Road:
    """A local file with its writer, another database, and the delivery between them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        self.away = False
        self.answers = threading.Event()
        self.answers.set()
        self.connected = 0
        self.local = LocalFile(directory)
        self.committed = 0
        self.writer = Writer(self.local, self.on_committed, lambda n, error: None)
        self.delivery = Delivery(self.local.path, self.connect, self.writer)
        self.reader = sqlite3.connect(self.local.path, check_same_thread=False)
        self.far = Database(url)

    def on_committed(self, number: int) -> None:
        self.committed = number

    def connect(self) -> Database:
        self.connected += 1
        self.answers.wait()
        if self.away:
            raise StoreError("the database is away")
        return Database(self.url)

    def start(self) -> "Road":
        self.writer.start()
        self.delivery.start()
        return self

    def here(self) -> set[str]:
        rows = self.reader.execute("SELECT record_id FROM record").fetchall()
        return {row[0] for row in rows}

    def there(self) -> list[str]:
        with self.far.reading() as connection:
            return sorted(connection.scalars(select(schema.record.c.record_id)))

    def arrived(self, *numbers: int) -> None:
        wanted = sorted(map(call_id, numbers))
        until(lambda: self.there() == wanted, f"{wanted} in the other database")

    def close(self) -> None:
        self.answers.set()
        if self.delivery.alive:
            self.delivery.stop(0.0)
        if self.writer.alive:
            self.writer.stop()
        self.reader.close()
        self.far.close()
        self.local.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "far.sqlite")
    text: str = request.getfixturevalue("postgres_url")
    return text


@pytest.fixture
def road(tmp_path: Path, url: str) -> Iterator[Road]:
    road = Road(tmp_path / "state", url)
    yield road
    road.close()


def test_records_arrive_whole_and_leave_the_local_file(road: Road) -> None:
    sent = [record(n) for n in range(3)]
    sent[1].answer = sent[1].ringing = None
    sent[2].caller = "nul\0 and Jönes"
    road.local.commit(done(*sent))
    road.start()
    road.arrived(0, 1, 2)
    until(lambda: not road.here(), "the local file is empty")
    with road.far.reading() as connection:
        columns = [schema.record.c[name] for name in COLUMNS]
        rows = connection.execute(select(*columns).order_by(schema.record.c.record_id)).all()
    sent[2].caller = "nul\\x00 and Jönes"
    assert [tuple(row) for row in rows] == [tuple(r.values()) for r in sent]
    until(lambda: (road.delivery.backlog, road.delivery.age) == (0, 0.0), "nothing waits")


def test_a_record_stays_until_its_call_is_closed(road: Road) -> None:
    """An open call that has its record here is ended; without it it would be up again."""
    story, ledger = Story(call_id(1)), Ledger()
    changes = [
        change for fact in (story.attempted(), story.ended(1.0)) for change in ledger.fold(fact)
    ]
    road.local.commit(changes)
    road.local.commit(done(record(2)))
    road.start()
    road.arrived(2)
    assert road.here() >= {call_id(1)}
    until(lambda: road.delivery.backlog == 0, "nothing more waits")
    road.writer.submit(ledger.fold(story.closed(2.0)), 1)
    road.arrived(1, 2)
    until(lambda: not road.here(), "the local file is empty")


def test_one_that_goes_twice_arrives_once_and_a_correction_stays(road: Road) -> None:
    road.local.commit(done(record(1)))
    held = road.reader.execute("SELECT * FROM record").fetchall()
    road.start()
    road.arrived(1)
    until(lambda: not road.here(), "the local file is empty")
    with road.far.writing() as connection:
        connection.execute(update(schema.record).values(account_code="corrected"))
    # As after a crash between the two commits.
    assert road.writer.stop()
    road.reader.executemany(f"INSERT INTO record VALUES ({','.join('?' * len(held[0]))})", held)
    road.reader.commit()
    until(lambda: road.delivery.delivered == 2, "it went again")
    assert road.there() == [call_id(1)]
    with road.far.reading() as connection:
        assert list(connection.scalars(select(schema.record.c.account_code))) == ["corrected"]


def test_tenants_may_have_the_same_record_id(road: Road) -> None:
    ours, theirs = record(1), record(1)
    theirs.tenant = "other"
    road.local.commit(done(ours))
    road.local.commit(done(theirs))
    road.start()
    road.arrived(1, 1)
    until(lambda: not road.here(), "the local file is empty")


def test_records_wait_while_the_database_is_away(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    road.away = True
    many = PAGE * 2 + 10
    road.local.commit(done(*(record(n) for n in range(many))))
    road.start()
    until(lambda: road.connected >= 2, "two tries")
    assert road.delivery.backlog == many
    assert road.delivery.age > 0
    assert road.delivery.error == "the database is away"
    assert len(road.here()) == many
    road.away = False
    road.arrived(*range(many))
    until(lambda: not road.here(), "the local file is empty")
    until(lambda: not road.delivery.backlog and not road.delivery.error, "all is well")
    told = [line.getMessage() for line in caplog.records]
    assert told == [
        "records wait on this machine's disk: the database is away",
        "records reach their database again",
    ]


def test_a_database_that_comes_back_is_noticed_without_records(road: Road) -> None:
    road.away = True
    road.local.commit(done(record(1)))
    road.start()
    until(lambda: road.delivery.error, "it is away")
    road.away = False
    until(lambda: not road.delivery.error, "it is back")


def test_the_last_records_go_before_the_end(road: Road) -> None:
    road.start()
    road.writer.submit(done(*(record(n) for n in range(PAGE + 1))), 1)
    assert road.writer.stop()
    assert road.delivery.stop(10.0)
    assert len(road.there()) == PAGE + 1
    road.local.discard(road.delivery.undiscarded())
    assert road.here() == set()


def test_stopping_while_the_database_is_away_gives_up_and_says_so(road: Road) -> None:
    road.away = True
    road.local.commit(done(record(1)))
    road.start()
    until(lambda: road.delivery.error, "it is away")
    assert not road.delivery.stop(5.0)
    assert road.here() == {call_id(1)}
    assert road.delivery.undiscarded() == []


def test_a_writer_that_does_not_delete_is_not_run_over(tmp_path: Path) -> None:
    """What was delivered and is still here is bounded: it is held in memory."""
    road = Road(tmp_path / "state", sqlite_url(tmp_path / "far.sqlite"))
    try:
        many = UNDISCARDED + 2 * PAGE
        road.local.commit(done(*(record(n) for n in range(many))))
        road.delivery.start()
        until(lambda: road.delivery.delivered >= UNDISCARDED, "so many are away")
        assert road.delivery.delivered < many
        road.writer.start()
        until(lambda: road.delivery.delivered == many, "and then the rest")
        until(lambda: not road.here(), "the local file is empty")
    finally:
        road.close()


def test_a_disk_that_fails_at_the_end_keeps_what_was_delivered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the end still comes; at the next start the record goes once more."""
    local = LocalFile(tmp_path / "state")
    local.commit(done(record(1)))
    writer = Writer(local, lambda n: None, lambda n, error: None)  # deletes nothing: not started
    archive = Archive(local, writer, sqlite_url(tmp_path / "far.sqlite"), {})
    archive.start()
    found = archive.delivery
    assert found is not None
    until(lambda: found.delivered == 1, "the record in the other database")
    local.close()  # from here on it fails
    archive.stop()
    assert "stays on this machine's disk" in caplog.text


def test_an_open_call_is_never_deleted_under(tmp_path: Path) -> None:
    """Whatever is asked for: the same transaction looks whether the call is open."""
    local = LocalFile(tmp_path)
    story, ledger = Story(call_id(1)), Ledger()
    local.commit([c for f in (story.attempted(), story.ended(1.0)) for c in ledger.fold(f)])
    local.discard([("default", call_id(1))])
    (call,) = local.open_calls()
    assert call.ended
    local.close()


def test_the_local_file_is_not_delivered_to_itself(tmp_path: Path) -> None:
    """It has every record already, so that each would be deleted at once."""
    road = Road(tmp_path, sqlite_url(tmp_path / ".." / tmp_path.name / "tollbar.sqlite"))
    try:
        road.local.commit(done(record(1)))
        road.start()
        until(lambda: road.delivery.error, "it is said")
        assert "local file itself" in road.delivery.error
        assert road.writer.stop()
        assert road.here() == {call_id(1)}
    finally:
        road.close()


def test_many_deletions_wait_for_no_heartbeat(tmp_path: Path) -> None:
    local = LocalFile(tmp_path)
    local.commit(done(*(record(n) for n in range(1000))))
    commits = []
    writer = Writer(
        local,
        lambda n: None,
        lambda n, error: None,
        on_measured=lambda seconds, changes: commits.append(seconds),
    )
    writer.start()
    until(lambda: commits, "the first heartbeat")

    def some(first: int) -> None:
        for number in range(first, first + 250):
            writer.discard(("default", call_id(number)))

    threads = [threading.Thread(target=some, args=(first,)) for first in range(0, 1000, 250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: writer.discarded == 1000, "all are deleted")
    assert writer.stop()
    assert local._connection.execute("SELECT count(*) FROM record").fetchone() == (0,)
    local.close()


def test_a_database_that_says_nothing_is_told_of(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SILENT", 0.0)
    road.answers.clear()
    road.local.commit(done(record(0)))
    road.start()
    until(lambda: "has not answered for 0 s" in road.delivery.trouble, "it is told of")
    road.answers.set()
    road.arrived(0)
    until(lambda: road.delivery.trouble == "", "and is well again")


def test_trouble_is_said_once_however_often_it_is_tried(
    road: Road, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "RETRY_LAST", 0.01)
    monkeypatch.setattr(delivery, "RETRY_FIRST", 0.01)
    with road.far.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE record RENAME TO elsewhere")
    road.local.commit(done(*map(record, range(40))))
    tries = 0
    insert = road.delivery._insert

    def counted(rows: Sequence[Sequence[Any]]) -> None:
        nonlocal tries
        tries += 1
        insert(rows)

    monkeypatch.setattr(road.delivery, "_insert", counted)
    road.start()
    until(lambda: tries > 3, "it is tried again and again")
    assert [line.name for line in caplog.records] == ["tollbar"]
    assert "records wait on this machine's disk" in caplog.text

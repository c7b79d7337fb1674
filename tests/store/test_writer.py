"""The writer thread: what it says is on disk is, and a bad disk loses nothing."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.cdr.story import Story, call_id, record
from tests.store.contract import done, fold, ids

from tollbar.cdr.ledger import Ledger
from tollbar.store.errors import StoreError
from tollbar.store.local import LocalFile, connect
from tollbar.store.records import Records
from tollbar.store.writer import Writer

T = TypeVar("T")

PATIENCE = 20.0


class FaultyDisk(sqlite3.Connection):
    """Fails while ``error`` is set: before the commit, or after it (nobody knows then)."""

    error: str = ""
    after_commit = False

    def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.error:
            if self.after_commit:
                super().execute(sql)
            raise sqlite3.OperationalError(self.error)
        return super().execute(sql, *rest)  # type: ignore[arg-type]


def faulty(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=FaultyDisk)


class Desk:
    """A writer on a file, and what it called back."""

    def __init__(self, directory: Path, open_with: Callable[[Path], sqlite3.Connection]) -> None:
        self.directory = directory
        self.local = LocalFile(directory, connect=open_with)
        self.committed: list[int] = []
        self.failed: list[tuple[int, Exception]] = []
        self.measured: list[tuple[float, int]] = []
        self.news = threading.Condition()
        self.utc = 1000.0
        self.writer = self.made()

    def made(self, limit: int = 200_000) -> Writer:
        self.writer = Writer(
            self.local,
            lambda n: self._note(self.committed, n),
            lambda n, error: self._note(self.failed, (n, error)),
            on_measured=lambda seconds, changes: self.measured.append((seconds, changes)),
            limit=limit,
            utc=lambda: self.utc,
        )
        return self.writer

    def _note(self, where: list[T], what: T) -> None:
        with self.news:
            where.append(what)
            self.news.notify_all()

    def wait(self, until: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(until, PATIENCE)

    def wait_for(self, number: int) -> None:
        self.wait(lambda: self.committed[-1:] == [number])

    def on_disk(self) -> list[str]:
        reader = Records(self.directory)
        found = ids(reader.find())
        reader.close()
        return found

    def break_disk(self, error: str, after_commit: bool = False) -> None:
        connection = self.local._connection
        assert isinstance(connection, FaultyDisk)
        connection.after_commit = after_commit
        connection.error = error


def desk_of(directory: Path, open_with: Callable[[Path], sqlite3.Connection]) -> Iterator[Desk]:
    desk = Desk(directory, open_with)
    yield desk
    if desk.writer.alive:
        desk.writer.stop(flush=False)
    desk.local.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from desk_of(tmp_path, connect)


@pytest.fixture
def faulty_desk(tmp_path: Path) -> Iterator[Desk]:
    yield from desk_of(tmp_path, faulty)


def test_what_is_said_to_be_committed_is_on_disk(desk: Desk) -> None:
    desk.writer.start()
    for number in range(1, 60):
        assert desk.writer.submit(done(record(number)), number)
        if number % 20 == 0:
            desk.wait_for(number)
            assert desk.on_disk() == [call_id(i) for i in range(1, number + 1)]
    assert desk.writer.stop()
    assert desk.on_disk() == [call_id(i) for i in range(1, 60)]
    assert desk.committed == sorted(desk.committed)
    assert desk.failed == []
    assert sum(changes for _, changes in desk.measured) == 59


def test_what_waits_at_the_start_goes_in_one_batch(desk: Desk) -> None:
    for number in range(1, 6):
        desk.writer.submit(done(record(number)), number)
    assert desk.writer.backlog == 5
    desk.writer.start()
    desk.wait_for(5)
    assert desk.committed == [5]
    assert desk.writer.backlog == 0


def test_under_load_many_share_a_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    paused, go_on = threading.Event(), threading.Event()

    def pause(_writer: Writer, until: float) -> None:
        if until > time.monotonic():
            paused.set()
            assert go_on.wait(PATIENCE)

    monkeypatch.setattr(Writer, "_pause", pause)
    monkeypatch.setattr("tollbar.store.writer.PACE", 1000.0)
    desk.writer.start()
    assert paused.wait(PATIENCE)  # after its first heartbeat
    desk.writer.submit(done(record(1)), 1)
    desk.writer.submit(done(record(2)), 2)
    go_on.set()
    desk.wait_for(2)
    assert desk.committed == [0, 2]


def test_what_nobody_waits_for_is_on_disk_with_the_next_beat(desk: Desk) -> None:
    story, ledger = Story(), Ledger()
    desk.writer.start()
    desk.writer.submit(fold(story.attempted(), story.tried(), ledger=ledger), 2)
    desk.wait_for(2)
    desk.writer.submit(fold(story.rang(1.0), ledger=ledger), 3)
    desk.wait_for(3)
    assert desk.writer.stop()
    (call,) = desk.local.open_calls()
    assert call.record.ringing is not None


def test_what_nobody_waits_for_is_no_work_for_a_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollbar.store.writer.BEAT", 1000.0)
    one, two, ledger = Story(call_id(1)), Story(call_id(2)), Ledger()
    desk.writer.start()
    desk.writer.submit(fold(one.attempted(), ledger=ledger), 1)
    desk.wait_for(1)
    desk.writer.submit(fold(one.ended(1.0), ledger=ledger), 2)
    desk.wait_for(2)
    desk.writer.submit(fold(one.closed(1.0), ledger=ledger), 3)
    desk.writer.submit(fold(two.attempted(), ledger=ledger), 4)
    desk.wait_for(4)
    assert [call.ended for call in desk.local.open_calls()] == [True, False]
    assert desk.writer.backlog == 1
    assert desk.writer.stop()
    assert [call.record.record_id for call in desk.local.open_calls()] == [two.call]


def test_an_idle_writer_beats(desk: Desk) -> None:
    desk.writer.start()
    desk.wait(lambda: len(desk.committed) >= 1)
    desk.utc = 1001.5
    beats = len(desk.committed)
    desk.wait(lambda: len(desk.committed) >= beats + 2)
    assert desk.writer.stop()
    assert desk.local.last_beat() == 1001.5


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_failing_disk_loses_nothing_and_doubles_nothing(
    faulty_desk: Desk, after_commit: bool
) -> None:
    desk = faulty_desk
    stories = [Story(call_id(i)) for i in range(5)]
    ledger = Ledger()
    desk.writer.start()
    desk.writer.submit(fold(*(s.attempted(0.0, b"a") for s in stories), ledger=ledger), 5)
    desk.wait_for(5)
    desk.break_disk("database or disk is full", after_commit)
    desk.writer.submit(fold(*(s.ended(1.0) for s in stories[:3]), ledger=ledger), 8)
    desk.wait(lambda: desk.failed[-1:] != [] and desk.failed[-1][0] == 8)
    assert isinstance(desk.failed[-1][1], StoreError)
    assert "disk is full" in str(desk.failed[-1][1])
    assert desk.writer.failing
    desk.writer.submit(fold(stories[0].closed(2.0), stories[3].ended(2.0), ledger=ledger), 10)
    desk.wait(lambda: desk.failed[-1][0] == 10)
    assert desk.committed[-1] == 5
    assert desk.writer.backlog > 0
    desk.break_disk("")
    desk.wait_for(10)
    assert desk.writer.stop()
    assert not desk.writer.failing
    assert desk.on_disk() == [call_id(i) for i in range(4)]
    left = [(c.record.record_id, c.ended) for c in desk.local.open_calls()]
    assert left == [(call_id(1), True), (call_id(2), True), (call_id(3), True), (call_id(4), False)]


def test_a_call_opened_and_closed_while_nobody_knows_leaves_no_open_row(faulty_desk: Desk) -> None:
    desk, story, ledger = faulty_desk, Story(), Ledger()
    desk.break_disk("disk I/O error", after_commit=True)
    desk.writer.submit(fold(story.attempted(), ledger=ledger), 1)
    desk.writer.start()
    desk.wait(lambda: len(desk.failed) > 0)
    desk.writer.submit(fold(story.ended(1.0, "refused"), story.closed(1.0), ledger=ledger), 3)
    desk.break_disk("")
    desk.wait_for(3)
    assert desk.writer.stop()
    assert desk.local.open_calls() == []
    assert desk.on_disk() == [story.call]


def test_what_waits_is_bounded_and_running_calls_keep_their_records(faulty_desk: Desk) -> None:
    desk = faulty_desk
    writer = desk.made(limit=10)
    running, ledger = [Story(call_id(i)) for i in range(5)], Ledger()
    writer.start()
    assert writer.submit(fold(*(s.attempted() for s in running), ledger=ledger), 5)
    desk.wait_for(5)
    desk.break_disk("database or disk is full")
    turned_away = []
    for number in range(100, 140):
        story = Story(call_id(number))
        facts = story.attempted(), story.ended(0.0, "refused"), story.closed(0.0)
        if not writer.submit(fold(*facts), number):
            turned_away.append(story.call)
    assert turned_away
    assert writer.refused == len(turned_away)
    assert writer.backlog <= 10
    assert writer.submit(fold(*(s.ended(9.0) for s in running), ledger=ledger), 200)
    desk.break_disk("")
    desk.wait_for(200)
    assert writer.submit(done(record(300)), 300)
    assert writer.stop()
    found = set(desk.on_disk())
    assert found.isdisjoint(turned_away)
    assert found >= {s.call for s in running} | {call_id(300)}
    assert len(found) == 5 + 40 - len(turned_away) + 1


def test_stopping_on_a_broken_disk_gives_up_and_says_so(faulty_desk: Desk) -> None:
    desk = faulty_desk
    desk.writer.start()
    desk.break_disk("disk I/O error")
    desk.writer.submit(done(record(1)), 1)
    assert not desk.writer.stop(timeout=0.3)
    assert not desk.writer.alive
    assert desk.writer.backlog == 1


def test_stopping_writes_what_nobody_waited_for(desk: Desk) -> None:
    story, ledger = Story(), Ledger()
    desk.writer.start()
    desk.writer.submit(fold(story.attempted(), story.ended(1.0), ledger=ledger), 2)
    desk.writer.submit(fold(story.closed(2.0), ledger=ledger), 3)
    assert desk.writer.stop()
    assert desk.local.open_calls() == []


def test_calls_turned_away_are_recorded_while_there_is_room_and_counted_beyond(
    faulty_desk: Desk,
) -> None:
    desk = faulty_desk
    writer = desk.made(limit=40)
    writer.start()
    desk.break_disk("database or disk is full")
    stories = [Story(call_id(number)) for number in range(30)]
    for number, story in enumerate(stories, 1):
        # Nobody was turned away for want of disk: these have their answer already.
        assert writer.submit(fold(story.turned_away(0.0, reason="limit")), number)
    assert writer.overflowed == 20
    assert writer.backlog <= 10
    last = Story(call_id(99))
    assert writer.submit(fold(last.attempted(), last.ended(0.0), last.closed(0.0)), 31)
    desk.break_disk("")
    desk.wait_for(31)
    assert set(desk.on_disk()) == {story.call for story in stories[:10]} | {last.call}

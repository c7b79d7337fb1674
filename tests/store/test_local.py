"""The local file: the contract, the lock, the schema, what is on disk."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete
from sqlalchemy.dialects import sqlite
from tests.cdr.story import Story, call_id, record
from tests.store.contract import Place, StoreContract, done, fold, ids

from tollbar.cdr.filters import Filters
from tollbar.cdr.ledger import Change, Ledger, OpenCall
from tollbar.cdr.record import Record
from tollbar.cdr.report import BY_CODE, BY_WORKGROUP
from tollbar.cdr.zone import offsets
from tollbar.store import query, schema
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE, LocalFile, connect
from tollbar.store.records import Records
from tollbar.store.report import Report
from tollbar.store.soundness import findings


class LocalPlace:
    """A LocalFile and a reader beside it, both open."""

    def __init__(self, directory: Path) -> None:
        self.local = LocalFile(directory)
        self.records = Records(directory)

    def commit(self, changes: Sequence[Change]) -> None:
        self.local.commit(changes)

    def open_calls(self) -> list[OpenCall]:
        return self.local.open_calls()

    def find(
        self, filters: Filters | None = None, *, newest_first: bool = False, limit: int = 0
    ) -> Iterator[Record]:
        return self.records.find(filters, newest_first=newest_first, limit=limit)

    def count(self, filters: Filters | None = None) -> int:
        return self.records.count(filters)

    def close(self) -> None:
        self.records.close()
        self.local.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalFile]:
    file = LocalFile(tmp_path)
    yield file
    file.close()


class TestLocalFile(StoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        place = LocalPlace(tmp_path)
        yield place
        place.close()


def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    first = LocalFile(tmp_path)
    first.commit([*fold(Story().attempted(0.0, b"kept")), *done(record(2))])
    first.beat(1234.5)
    first.close()
    second = LocalFile(tmp_path)
    assert [c.kept for c in second.open_calls()] == [b"kept"]
    assert second.last_beat() == 1234.5
    assert findings(tmp_path / FILE) == []
    second.close()
    second.close()


def test_the_heartbeat_is_the_instances_own(tmp_path: Path) -> None:
    one = LocalFile(tmp_path, "one")
    assert one.last_beat() == 0.0
    one.commit([], beat=5.0)
    one.beat(6.25)
    one.close()
    two = LocalFile(tmp_path, "two")
    assert two.last_beat() == 0.0
    two.close()


def test_open_calls_of_another_instance_stay_its_own(tmp_path: Path) -> None:
    one = LocalFile(tmp_path, "one")
    one.commit(fold(Story().attempted()))
    one.close()
    two = LocalFile(tmp_path, "two")
    assert two.open_calls() == []
    two.close()


def test_a_commit_waits_for_the_disk(local: LocalFile) -> None:
    connection = local._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_batch_is_written_whole_or_not_at_all(local: LocalFile) -> None:
    broken = record(2)
    broken.tries = 2**70
    with pytest.raises(StoreError):
        local.commit([*fold(Story().attempted()), *done(broken)])
    assert local.open_calls() == []
    local.commit(fold(Story().attempted()))
    assert len(local.open_calls()) == 1


def test_a_file_that_could_only_be_read_at_the_start_is_written_once_it_may_be(
    tmp_path: Path,
) -> None:
    """SQLite would read for good what it could not open for writing."""
    LocalFile(tmp_path).close()

    opened = 0

    def at_first_read_only(path: Path) -> sqlite3.Connection:
        nonlocal opened
        opened += 1
        if opened > 2:
            return connect(path)
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)

    local = LocalFile(tmp_path, connect=at_first_read_only)
    for _ in range(2):
        with pytest.raises(StoreError, match="readonly"):
            local.commit(done(record(1)))
    local.commit(done(record(1)))
    local.close()
    with closing(Records(tmp_path)) as records:
        assert ids(records.find()) == [call_id(1)]


def test_nobody_else_may_read_what_is_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    local = LocalFile(tmp_path)
    local.beat(1.0)
    try:
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        local.close()
    assert FILE in modes
    assert set(modes.values()) == {0o600}


def test_a_second_process_is_told_who_holds_the_directory(local: LocalFile) -> None:
    code = (
        "import sys, pathlib\n"
        "from tollbar.store.local import LocalFile\n"
        "from tollbar.store.errors import StoreError\n"
        "try: LocalFile(pathlib.Path(sys.argv[1]))\n"
        "except StoreError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(local.path.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"in use by another process (pid {os.getpid()})" in said.stdout


def test_the_directory_is_free_again_after_closing(tmp_path: Path) -> None:
    LocalFile(tmp_path).close()
    LocalFile(tmp_path).close()


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make state directory"):
        LocalFile(tmp_path / "file" / "state")


def test_a_new_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    LocalFile(tmp_path / "a" / "state").close()
    assert stat.S_IMODE((tmp_path / "a" / "state").stat().st_mode) == 0o700


def test_a_file_that_is_no_database_is_refused_and_let_go(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"these are not the bytes of a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"):
            LocalFile(tmp_path)


def test_damage_is_found_before_anything_is_written(tmp_path: Path) -> None:
    local = LocalFile(tmp_path)
    local.commit(done(*(record(i) for i in range(200))))
    local.close()
    path = tmp_path / FILE
    with path.open("r+b") as file:
        file.seek(8192 * 5)
        file.write(b"\xa5" * 8192)
    held = path.read_bytes()
    with pytest.raises(StoreError, match="is damaged"):
        LocalFile(tmp_path)
    assert path.read_bytes() == held


def commit_for_ever(directory: Path, sent: int) -> None:
    """Commit one opened and one finished call at a time, then say so on ``sent``."""
    local = LocalFile(directory)
    number = 0
    while True:
        number += 1
        opened = fold(Story(call_id(number)).attempted(0.0, b"k" * 1500))
        local.commit([*opened, *done(record(1_000_000 + number))])
        os.write(sent, number.to_bytes(4, "big"))


@pytest.mark.parametrize("after", [1, 40, 333])
def test_what_was_reported_committed_survives_a_kill(tmp_path: Path, after: int) -> None:
    heard, sent = os.pipe()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=commit_for_ever, args=(tmp_path, sent))
    child.start()
    os.close(sent)
    reported = 0
    while reported < after:
        reported = int.from_bytes(os.read(heard, 4), "big")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    while rest := os.read(heard, 4):
        reported = int.from_bytes(rest, "big")
    child.join()
    os.close(heard)

    local = LocalFile(tmp_path)
    opened = [c.record.record_id for c in local.open_calls()]
    local.close()
    with closing(Records(tmp_path)) as reader:
        finished = ids(reader.find())
    # The one under way when the kill came may be there too, but only whole.
    assert opened[:reported] == [call_id(i + 1) for i in range(reported)]
    assert len(opened) - reported in (0, 1)
    assert len(finished) == len(opened)


def test_a_reader_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no records"):
        Records(tmp_path)


def test_a_reader_needs_no_gateway(tmp_path: Path) -> None:
    local = LocalFile(tmp_path)
    local.commit(done(record(1)))
    local.close()
    reader = Records(tmp_path)
    assert ids(reader.find()) == [call_id(1)]
    reader.close()
    reader.close()


def test_a_reader_cannot_write(local: LocalFile) -> None:
    reader = Records(local.path.parent)
    with pytest.raises(StoreError, match="readonly"), reader.database.writing() as connection:
        connection.execute(delete(schema.record))
    reader.close()


def test_a_reader_half_way_holds_neither_the_writer_nor_the_log(local: LocalFile) -> None:
    local.commit(done(*(record(i) for i in range(1200))))
    reader = Records(local.path.parent)
    stream = reader.find()
    first = [next(stream) for _ in range(3)]
    local.commit(done(*(record(i) for i in range(2000, 2400))))
    blocked, log, moved = local._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (blocked, log, moved) == (0, 0, 0)
    rest = ids(stream)
    assert len(set(ids(first) + rest)) == 1600
    reader.close()


@pytest.mark.parametrize("by", [BY_CODE, BY_WORKGROUP])
def test_a_report_half_way_holds_neither_the_writer_nor_the_log(
    local: LocalFile, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollbar.store.report.FIRST", 100)
    local.commit(done(*(record(i, account_code=f"{i % 700}") for i in range(1200))))
    reader = Records(local.path.parent)
    report = Report(reader, "default", Filters(in_report=True))
    for stream in (iter(report.detail(by)), iter(report.groups(by))):
        next(stream)
        local.commit(done(*(record(i) for i in range(2000, 2400))))
        log = local._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert log == (0, 0, 0)
        assert len(list(stream)) >= 699
    reader.close()


@pytest.mark.parametrize("hours", [None, (0, 1)])
@pytest.mark.parametrize("index", ["record_report", "record_untagged"])
def test_what_a_report_sums_up_is_read_from_the_index_alone(
    local: LocalFile, index: str, hours: tuple[int, int] | None
) -> None:
    reader = Records(local.path.parent)
    filters = Filters(since=5, until=9, codes=("1",), users=("a",), hours=hours)
    if index == "record_report":
        filters.in_report = True
    else:
        filters.untagged = True
    conditions = reader.conditions("default", filters)
    zone = offsets(ZoneInfo("Europe/Berlin"), 0, 10**12)
    for statement in (
        query.places("default", conditions, ("user",)),
        query.groups("default", conditions, ("user", "date"), zone),
        query.nth("default", conditions, "user", 10),
    ):
        sql = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        plan = local._connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        assert f"USING COVERING INDEX {index}" in " ".join(row[-1] for row in plan)
    reader.close()


def test_a_page_of_records_is_read_from_the_index(local: LocalFile) -> None:
    plan = local._connection.execute(
        "EXPLAIN QUERY PLAN SELECT seq FROM record WHERE tenant = 'default' AND "
        "coalesce(answer, setup) >= 5 ORDER BY coalesce(answer, setup), seq LIMIT 5"
    ).fetchall()
    said = " ".join(row[-1] for row in plan)
    assert "record_dated" in said
    assert "TEMP B-TREE" not in said


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
def test_the_file_opens_with_stock_tools(local: LocalFile) -> None:
    local.commit(done(record(1, account_code="0214")))
    said = subprocess.run(
        ["sqlite3", str(local.path), "SELECT account_code FROM record"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "0214\n"


def test_sticky_codes_outlive_the_process(tmp_path: Path) -> None:
    story, ledger = Story(), Ledger()
    alice, bob = ("default", "alice"), ("other", "alice")
    local = LocalFile(tmp_path)
    local.commit(fold(story.remembered(0.0, alice, "001"), ledger=ledger))
    local.commit(fold(story.remembered(0.0, bob, "01"), ledger=ledger))
    local.commit(fold(story.remembered(0.0, alice, "1"), ledger=ledger))
    local.close()
    local = LocalFile(tmp_path)
    assert sorted(local.sticky()) == [(alice, "1"), (bob, "01")]
    local.commit(fold(story.remembered(0.0, alice, ""), ledger=ledger))
    assert local.sticky() == [(bob, "01")]
    local.close()


def test_a_code_assigned_to_an_open_call_outlives_the_process(tmp_path: Path) -> None:
    story, ledger = Story(), Ledger()
    local = LocalFile(tmp_path)
    local.commit(fold(story.attempted(0.0, b"kept"), story.tried(0.0), ledger=ledger))
    local.commit(fold(story.answered(1.0), ledger=ledger))
    local.commit(fold(story.assigned(2.0, "001"), ledger=ledger))
    (call,) = local.open_calls()
    assert (call.record.account_code, call.kept) == ("001", b"kept")
    assert call.record.answer is not None
    local.close()

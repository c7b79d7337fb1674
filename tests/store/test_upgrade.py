"""The way up: from every released schema, no row lost; a failure leaves what was there."""

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from tests.cdr.story import call_id, record
from tests.store.contract import IN_STRING_ORDER, done, ids
from tests.store.released import FIRST, IN_FIRST, leave, objects, revision, rows

from tollbar.store import schema, upgrade
from tollbar.store.database import Database, sqlite_url
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE, LocalFile
from tollbar.store.records import Records


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that release 0.1.0 left."""
    leave(FIRST, tmp_path / FILE)
    return tmp_path / FILE


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def numbered(file: Path, number: int) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(number),)
        )
        connection.commit()


def test_the_newest_revision_has_the_number_that_the_schema_says() -> None:
    scripts = ScriptDirectory(str(upgrade.MIGRATIONS))
    assert scripts.get_heads() == [f"{schema.VERSION:04}"]


def shape(database: Database) -> dict[str, object]:
    """Columns, keys and indexes of every table."""
    with database.reading() as connection:

        def ask(sql: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

        made: dict[str, object] = {}
        for table in sorted(schema.metadata.tables):
            made[table] = ask(f"PRAGMA table_xinfo({table})")
            for _, index, unique, _, partial in ask(f"PRAGMA index_list({table})"):
                columns = ask(f"PRAGMA index_xinfo({index})")
                sql = ask(f"SELECT sql FROM sqlite_schema WHERE name = '{index}'")
                made[f"{table} {index}"] = (unique, partial, columns, sql)
        return made


def test_what_the_revisions_make_is_the_schema(tmp_path: Path) -> None:
    revised = Database(sqlite_url(tmp_path / "revised"))
    whole = Database(sqlite_url(tmp_path / "whole"))
    with whole.writing() as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    assert shape(revised) == shape(whole)
    assert len(shape(whole)) > 15
    revised.close()
    whole.close()


def test_nothing_of_an_old_file_is_lost(old: Path) -> None:
    before = {table: rows(old, table) for table in IN_FIRST}
    assert {table: len(found) for table, found in before.items()} == IN_FIRST
    local = LocalFile(old.parent)
    calls = {call.record.record_id: call for call in local.open_calls()}
    assert [calls[call_id(i)].kept for i in (0x10, 0x11, 0x12)] == [
        b"\x00\xfftried",
        b"answered",
        b"bye",
    ]
    assert [call.ended for call in calls.values()] == [False, False, True]
    assert {call.record.kind for call in calls.values()} == {"call"}
    assert local.last_beat() == 1_700_000_010.5
    local.close()
    after = {table: rows(old, table) for table in IN_FIRST}
    assert [row[:-1] for row in after["record"]] == before["record"]
    assert {row[-1] for row in after["record"]} == {"call"}
    assert after["open_call"] == before["open_call"]
    with closing(Records(old.parent)) as records:
        found = [r.account_code for r in records.find() if r.record_id < call_id(0x10)]
    assert sorted(found) == IN_STRING_ORDER


def test_the_old_file_is_copied_first(old: Path) -> None:
    before = {table: rows(old, table) for table in (*IN_FIRST, "meta")}
    LocalFile(old.parent).close()
    copy = old.with_name(f"{FILE}.schema1")
    assert {table: rows(copy, table) for table in before} == before
    assert "entry" not in objects(copy)
    assert copy.stat().st_mode & 0o077 == 0


def test_without_a_copy_there_is_no_upgrade(old: Path) -> None:
    old.with_name(f"{FILE}.schema1").mkdir()
    before = rows(old, "record")
    with pytest.raises(StoreError, match=r"cannot copy .* before its upgrade"):
        LocalFile(old.parent)
    assert rows(old, "record") == before
    assert "entry" not in objects(old)


def test_it_opens_as_a_database_just_as_well(old: Path) -> None:
    Database(sqlite_url(old)).close()
    assert len(rows(old, "record")) == IN_FIRST["record"]
    assert old.with_name(f"{FILE}.schema1").exists()


def test_a_second_start_migrates_nothing(old: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from tollbar.store.local import LocalFile\n"
        "LocalFile(pathlib.Path(sys.argv[1])).close()\n"
        "print('alembic' in sys.modules)\n"
    )

    def start() -> str:
        command = [sys.executable, "-c", code, str(old.parent)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert start() == "True"
    copy = old.with_name(f"{FILE}.schema1")
    copy.unlink()
    assert start() == "False"
    assert not copy.exists()


def test_a_new_file_has_no_copy(tmp_path: Path) -> None:
    LocalFile(tmp_path).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", FILE]


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    LocalFile(tmp_path).close()
    file = tmp_path / FILE
    numbered(file, schema.VERSION + 1)
    before = digest(file)
    for opened in (
        lambda: LocalFile(tmp_path),
        lambda: Records(tmp_path),
        lambda: Database(sqlite_url(file)),
        lambda: Database(sqlite_url(file), readonly=True),
    ):
        with pytest.raises(StoreError, match="newer Tollbar"):
            opened()
    assert digest(file) == before


def test_somebody_elses_database_is_refused_untouched(tmp_path: Path) -> None:
    file = tmp_path / FILE
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute("CREATE TABLE theirs (a)")
    before = digest(file)
    for opened in (lambda: LocalFile(tmp_path), lambda: Database(sqlite_url(file))):
        with pytest.raises(StoreError, match="not one of Tollbar's"):
            opened()
    assert digest(file) == before


def test_a_reader_of_an_old_file_says_so_and_changes_nothing(old: Path) -> None:
    before = digest(old)
    for opened in (
        lambda: Records(old.parent),
        lambda: Database(sqlite_url(old), readonly=True),
    ):
        with pytest.raises(StoreError, match="older release"):
            opened()
    assert digest(old) == before


def test_one_release_after_another(old: Path, next_release: Path) -> None:
    next_release.write_text(revision("CREATE TABLE later (a INTEGER)"))
    LocalFile(old.parent).close()
    assert rows(old, "later") == []
    assert len(rows(old, "record")) == IN_FIRST["record"]
    assert rows(old, "meta") == [("schema_version", str(schema.VERSION))]


def test_a_revision_that_fails_leaves_the_file_as_it_was(old: Path, next_release: Path) -> None:
    """Also what the revisions before it did."""
    next_release.write_text(revision("DROP TABLE record", "no such statement"))
    before = {table: rows(old, table) for table in (*IN_FIRST, "meta")}
    names = objects(old)
    for _ in range(2):
        with pytest.raises(StoreError, match="syntax error"):
            LocalFile(old.parent)
    assert objects(old) == names
    assert {table: rows(old, table) for table in before} == before
    next_release.write_text(revision("CREATE TABLE later (a INTEGER)"))
    local = LocalFile(old.parent)
    local.commit(done(record(0x100)))
    local.close()
    with closing(Records(old.parent)) as records:
        assert call_id(0x100) in ids(records.find())

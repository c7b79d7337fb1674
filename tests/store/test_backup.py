"""Backups of files in use, and the way back."""

import json
import os
import sqlite3
import stat
import tarfile
import threading
from io import BytesIO
from pathlib import Path

import pytest
from tests.cdr.story import record
from tests.store.contract import done

from tollbar.store import schema
from tollbar.store.backup import back_up, restore
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE, LocalFile


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with two records and a directory database, nobody in it."""
    state = tmp_path / "state"
    local = LocalFile(state)
    local.commit(done(record(1), record(2)))
    local.close()
    Database(sqlite_url(state / DIRECTORY_FILE)).close()
    return state


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT count(*) FROM record").fetchone()
    connection.close()
    return int(found)


def test_it_comes_back_as_it_was_and_nothing_is_lost(state: Path, tmp_path: Path) -> None:
    made = back_up(state, tmp_path / "kept.tar")
    assert made.names == [FILE, DIRECTORY_FILE]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    local = LocalFile(state)
    local.commit(done(record(3)))
    local.close()
    aside = restore(made.path, state)
    assert aside is not None
    assert (count(state / FILE), count(aside / FILE)) == (2, 3)
    local = LocalFile(state)  # it is a good file, and goes on
    local.commit(done(record(4)))
    local.close()
    assert set(os.listdir(aside)) >= {DIRECTORY_FILE, FILE}
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []
    assert [name for name in os.listdir(state) if name.startswith(".")] == []


def test_a_backup_under_load_is_one_moment(state: Path, tmp_path: Path) -> None:
    """Every commit adds two records: a backup between them would have an odd number."""
    local, stop, written = LocalFile(state), threading.Event(), threading.Event()

    def write() -> None:
        number = 10
        while not stop.is_set():
            number += 2
            local.commit(done(record(number), record(number + 1)))
            if number > 100:
                written.set()

    thread = threading.Thread(target=write)
    thread.start()
    counts = []
    try:
        assert written.wait(20)
        for number in range(5):
            made = back_up(state, tmp_path / f"{number}.tar")
            restore(made.path, tmp_path / f"look{number}")
            counts.append(count(tmp_path / f"look{number}" / FILE))
    finally:
        stop.set()
        thread.join()
        local.close()
    assert [n % 2 for n in counts] == [0] * 5
    assert counts == sorted(counts)
    assert counts[0] > 90


def test_into_a_directory_it_is_named_by_the_time(state: Path, tmp_path: Path) -> None:
    made = back_up(state, tmp_path)
    assert made.path.parent == tmp_path
    assert made.path.name.startswith("tollbar-2")


def test_it_overwrites_nothing(state: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        back_up(state, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


def test_nothing_to_back_up_and_nowhere_to_put_it(state: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing to back up"):
        back_up(tmp_path / "elsewhere", tmp_path / "kept.tar")
    with pytest.raises(StoreError, match="No such file"):
        back_up(state, tmp_path / "missing" / "kept.tar")


def test_damage_is_not_backed_up(state: Path, tmp_path: Path) -> None:
    with (state / FILE).open("r+b") as file:
        file.seek(8192 * 3)
        file.write(b"\xa5" * 8192 * 4)
    with pytest.raises(StoreError, match="damaged"):
        back_up(state, tmp_path / "kept.tar")
    assert not (tmp_path / "kept.tar").exists()


def test_it_refuses_while_a_gateway_runs(state: Path, tmp_path: Path) -> None:
    made = back_up(state, tmp_path / "kept.tar")
    local = LocalFile(state)
    try:
        with pytest.raises(StoreError, match="in use by another process"):
            restore(made.path, state)
    finally:
        local.close()
    assert count(state / FILE) == 2


@pytest.mark.parametrize("damage", ["cut", "changed", "text", "newer", "strange"])
def test_a_bad_backup_changes_nothing(state: Path, tmp_path: Path, damage: str) -> None:
    made = back_up(state, tmp_path / "kept.tar")
    data = made.path.read_bytes()
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "changed":
        place = data.index(b"SQLite format 3") + 20_000
        data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    elif damage == "text":
        data = b"no backup at all\n"
    elif damage == "newer":
        now, later = (f'"schema": {v},'.encode() for v in (schema.VERSION, schema.VERSION + 7))
        data = data.replace(now, later)
    else:
        data = archive({"../evil": b"x"})
    made.path.write_bytes(data)
    before = {path.name: path.read_bytes() for path in state.iterdir()}
    with pytest.raises(StoreError, match=r"^[^\n]*kept\.tar[^\n]*$"):
        restore(made.path, state)
    assert {path.name: path.read_bytes() for path in state.iterdir() if path.name != "lock"} == {
        name: held for name, held in before.items() if name != "lock"
    }
    assert not (tmp_path / "evil").exists()


def archive(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    head = {"format": 1, "schema": 1, "files": dict.fromkeys(files, "")}
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, held in {"manifest.json": json.dumps(head).encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(held)
            tar.addfile(member, BytesIO(held))
    return out.getvalue()


def test_a_backup_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*none\.tar: No such file"):
        restore(tmp_path / "none.tar", tmp_path / "state")
    with pytest.raises(StoreError, match=r"cannot read .*: Is a directory"):
        restore(tmp_path, tmp_path / "state")

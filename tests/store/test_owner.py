"""What root makes in the state directory belongs to whom the directory belongs to."""

import os
from pathlib import Path

import pytest

from tollbar.store import last_good
from tollbar.store.backup import back_up, restore
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.last_good import LastGood
from tollbar.store.local import FILE, LocalFile

NOBODY = 65534


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory; another user's, if it is root who runs the tests."""
    state = tmp_path / "state"
    state.mkdir()
    if os.geteuid() == 0:
        os.chown(state, NOBODY, NOBODY)
    return state


def others(state: Path) -> list[str]:
    """The files of anybody else."""
    owner = state.stat().st_uid
    return [str(p.relative_to(state)) for p in state.rglob("*") if p.stat().st_uid != owner]


def test_every_file_of_the_state_directory_is_its_owners(state: Path, tmp_path: Path) -> None:
    LocalFile(state).close()
    Database(sqlite_url(state / DIRECTORY_FILE)).close()
    last_good.keep(state / last_good.FILE, LastGood(1, []))
    assert {FILE, DIRECTORY_FILE, last_good.FILE, "lock"} <= set(os.listdir(state))
    assert others(state) == []

    made = back_up(state, tmp_path / "kept.tar")
    assert restore(made.path, state) is not None
    assert others(state) == []


def test_who_is_not_root_keeps_what_he_makes(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getuid()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    LocalFile(state).close()
    assert (state / FILE).stat().st_uid == me

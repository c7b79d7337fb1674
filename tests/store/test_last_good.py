"""The last good directory on disk."""

import os
import stat
from pathlib import Path

import pytest

from tollbar.directory.entry import Entry
from tollbar.store.errors import StoreError
from tollbar.store.last_good import LastGood, keep, last

ENTRIES = [
    Entry("default", "code", "0214", 0, '{"description":"Smith,\\nJönes \u2028"}', 3),
    Entry("default", "default_user", "", 0, "{}", 1),
    Entry("blue", "dial_object", "911", 1024, '{"pattern":"911"}', 1),
]


def test_what_is_kept_is_what_is_found(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    keep(path, LastGood(7, ENTRIES))
    found = last(path)
    assert found is not None
    assert (found.revision, found.entries) == (7, ENTRIES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keep(path, LastGood(8, []))
    again = last(path)
    assert again is not None
    assert (again.revision, again.entries) == (8, [])
    assert os.listdir(tmp_path) == ["kept"]


def test_nothing_was_kept(tmp_path: Path) -> None:
    assert last(tmp_path / "kept") is None


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_damage_is_said_and_nothing_made_of_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "kept"
    keep(path, LastGood(7, ENTRIES))
    data = path.read_bytes()
    damaged = {
        "cut": data[:-4],
        "changed": data.replace(b"0214", b"0215"),
        "empty": b"",
        "other": b'{"format": 99, "revision": 1, "sha256": ""}\n',
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="is damaged"):
        last(path)


def test_a_keep_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    keep(path, LastGood(7, ENTRIES))

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        keep(path, LastGood(8, []))
    found = last(path)
    assert found is not None
    assert found.revision == 7
    assert os.listdir(tmp_path) == ["kept"]

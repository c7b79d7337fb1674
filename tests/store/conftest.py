"""A release of Tollbar that is not there yet."""

import shutil
from pathlib import Path

import pytest

from tollbar.store import schema, upgrade


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A revision after the newest, empty; its ``upgrade`` is to be written by the test."""
    migrations = tmp_path / "migrations"
    shutil.copytree(upgrade.MIGRATIONS, migrations)
    monkeypatch.setattr(upgrade, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    return migrations / "versions" / "revision_next.py"

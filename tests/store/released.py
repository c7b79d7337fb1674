"""Databases as released versions of Tollbar left them, and revisions that are not there yet."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tollbar.store import schema

RELEASES = Path(__file__).parent / "releases"

FIRST = "0.1.0"
IN_FIRST = {"record": 8, "open_call": 3, "heartbeat": 1}
"""Its rows."""


def leave(release: str, file: Path) -> None:
    """Make ``file`` what ``release`` left."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((RELEASES / f"{release}.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")


def rows(file: Path, table: str) -> list[tuple[object, ...]]:
    """All rows, by a connection of its own."""
    with closing(sqlite3.connect(file)) as connection:
        return sorted(connection.execute(f"SELECT * FROM {table}"))


def objects(file: Path) -> set[str]:
    """The names of all tables and indexes."""
    with closing(sqlite3.connect(file)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}


def revision(*statements: str) -> str:
    """The source of a revision that executes ``statements``."""
    number = schema.VERSION
    lines = [f"    op.execute({statement!r})" for statement in statements]
    return "\n".join(
        [
            "from alembic import op",
            f"revision, down_revision = '{number:04}', '{number - 1:04}'",
            "def upgrade():",
            *lines,
        ]
    )

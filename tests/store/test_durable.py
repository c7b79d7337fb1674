"""A PostgreSQL that says "committed" too early is told not to, by whoever writes to it."""

from sqlalchemy import text

from tollbar.store.database import Database


def test_a_server_that_commits_before_its_disk_is_asked_to_wait(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        with database.writing() as connection:
            name = connection.scalar(text("SELECT current_database()"))
            connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    finally:
        database.close()
    database = Database(postgres_url)
    try:
        with database.writing() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        with database.reading() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    finally:
        database.close()

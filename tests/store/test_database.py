"""Databases by URL: what is understood, what is said when one fails, transactions."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.postgres import PostgreSQL

from tollbar.store import schema
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE, open_databases
from tollbar.store.errors import StoreError
from tollbar.store.local import FILE, LocalFile


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "any.sqlite")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def put(database: Database, name: str) -> None:
    with database.writing() as connection:
        connection.execute(insert(schema.head).values(name=name, value=""))


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(select(schema.head.c.name).order_by(schema.head.c.name)))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "tollbar.sqlite",
        "mysql://u:secret@host/name",
        "postgresql+asyncpg://u:secret@host/name",
        "postgresql://u:secret@host:port/name",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_what_is_no_database_of_ours_is_said_in_one_line(url: str) -> None:
    with pytest.raises(StoreError) as error:
        Database(url)
    said = str(error.value)
    assert "postgresql://user@host/name" in said
    assert "\n" not in said
    assert "secret" not in said


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreError) as error:
        Database("postgresql://u:secret@127.0.0.1:1/name?application_name=secret")
    said = str(error.value)
    assert said.startswith("cannot use PostgreSQL database name at 127.0.0.1:1: ")
    assert "refused" in said
    assert "\n" not in said
    assert "secret" not in said


def test_a_password_in_what_the_driver_says_is_not_repeated(postgres: PostgreSQL) -> None:
    url = postgres.url("secret-name").replace("postgres@", "postgres:secret@")
    with pytest.raises(StoreError, match=r': .* "\*\*\*-name" does not exist'):
        Database(url)


def test_parameters_of_the_driver_may_follow(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="does not support SSL"):
        Database(f"{postgres_url}?sslmode=require")
    with closing(Database(f"{postgres_url}?application_name=books")) as database:
        with database.reading() as connection:
            name = connection.exec_driver_sql("SHOW application_name").scalar()
        assert name == "books"


def test_a_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "new.sqlite"
    with closing(Database(sqlite_url(file))) as database:
        put(database, "a")
        for path in file.parent.iterdir():
            assert path.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a b?c=d#e", "100%", "ñ"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with closing(Database(sqlite_url(tmp_path / name))) as database:
            assert names(database) == ["directory"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot open"):
        Database(sqlite_url(tmp_path / "file" / "x.sqlite"))


def test_a_reader_of_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no"):
        Database(sqlite_url(tmp_path / "x.sqlite"), readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_reads_and_cannot_write(url: str, database: Database) -> None:
    put(database, "a")
    with closing(Database(url, readonly=True)) as reader:
        assert names(reader) == ["a", "directory"]
        with pytest.raises(StoreError, match=r"read-?only"):
            put(reader, "b")


def test_what_raises_is_undone(database: Database) -> None:
    def broken() -> None:
        with database.writing() as connection:
            connection.execute(insert(schema.head).values(name="a", value=""))
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        broken()
    assert names(database) == ["directory"]


def test_a_reading_sees_one_state(url: str, database: Database) -> None:
    wanted = select(schema.head.c.name)
    with database.reading() as connection:
        before = connection.scalars(wanted).all()
        put(database, "a")
        assert connection.scalars(wanted).all() == before
    assert names(database) == ["a", "directory"]


def test_the_same_twice_is_an_error_of_one_line(database: Database) -> None:
    put(database, "a")
    with pytest.raises(StoreError) as error:
        put(database, "a")
    assert "\n" not in str(error.value)


def test_many_rows_come_back_as_they_went(database: Database) -> None:
    texts = ["", "\\N", "\t\n\r\\", '"', "\x7f", "ñ🙂", "NULL", "a,b"]
    with database.writing() as connection:
        database.write(connection, schema.head, ("name", "value"), [(t, t) for t in texts])
    with database.reading() as connection:
        rows = database.rows(connection, select(schema.head.c.name, schema.head.c.value))
    assert sorted(rows) == sorted([*((t, t) for t in texts), ("directory", "0")])
    with database.writing() as connection:
        database.delete(connection, schema.head, ("name", "value"), [(t, t) for t in texts])
    assert names(database) == ["directory"]


def test_what_a_database_cannot_hold_is_said(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with pytest.raises(StoreError, match="NUL"), database.writing() as connection:
            database.write(connection, schema.head, ("name", "value"), [("a\0", "")])
        assert names(database) == ["directory"]


def test_a_server_that_comes_back_is_used_again(postgres: PostgreSQL, postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        put(database, "a")
        postgres.stop()
        try:
            with pytest.raises(StoreError, match="refused"):
                names(database)
        finally:
            postgres.start()
        assert names(database) == ["a", "directory"]


def test_a_server_that_goes_in_the_middle_is_said(postgres: PostgreSQL, postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:

        def interrupted() -> None:
            with database.writing() as connection:
                connection.execute(insert(schema.head).values(name="a", value=""))
                postgres.stop()
                connection.execute(insert(schema.head).values(name="b", value=""))

        try:
            with pytest.raises(StoreError, match="cannot use"):
                interrupted()
        finally:
            postgres.start()
        assert names(database) == ["directory"]


def test_without_a_url_there_are_two_files(tmp_path: Path) -> None:
    with closing(open_databases(tmp_path)) as both:
        assert both.directory.file == tmp_path / DIRECTORY_FILE
        assert both.records.file == tmp_path / FILE
        put(both.directory, "a")
        assert names(both.records) == ["directory"]
    local = LocalFile(tmp_path)
    assert local.open_calls() == []
    local.close()


def test_of_two_files_both_must_be_ours(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"these are not the bytes of a database" * 100)
    with pytest.raises(StoreError, match=rf"{FILE}: file is not a database"):
        open_databases(tmp_path)


def test_with_a_url_there_is_one_database(url: str, tmp_path: Path) -> None:
    with closing(open_databases(tmp_path / "state", url)) as both:
        assert both.directory is both.records
    assert not (tmp_path / "state").exists()


def test_a_writer_of_the_directory_does_not_hold_up_the_calls(tmp_path: Path) -> None:
    with (
        closing(open_databases(tmp_path)) as both,
        closing(LocalFile(tmp_path)) as local,
        both.directory.writing() as connection,
    ):
        connection.execute(insert(schema.head).values(name="a", value=""))
        local.beat(5.0)
        assert local.last_beat() == 5.0

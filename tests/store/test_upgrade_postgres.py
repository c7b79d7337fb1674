"""The way up on PostgreSQL: the same revisions, one transaction, nothing lost."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert
from tests.postgres import PostgreSQL
from tests.store import released
from tests.store.released import FIRST, IN_FIRST, leave, revision

from tollbar.store import schema, upgrade
from tollbar.store.database import Database
from tollbar.store.errors import StoreError

Rows = Sequence[tuple[object, ...]]


@pytest.fixture
def empty(postgres: PostgreSQL) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def engine(empty: str) -> Iterator[Engine]:
    engine = create_engine(empty.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


@pytest.fixture
def old(engine: Engine, tmp_path: Path) -> dict[str, Rows]:
    """The database at the first revision, with the rows that release 0.1.0 left."""
    file = tmp_path / "old"
    leave(FIRST, file)
    with engine.begin() as connection:
        upgrade.run(connection, 1)
        for table in IN_FIRST:
            columns = [c.name for c in schema.metadata.tables[table].columns if c.name != "kind"]
            connection.execute(
                insert(schema.metadata.tables[table]),
                [dict(zip(columns, row, strict=True)) for row in released.rows(file, table)],
            )
    return contents(engine)


def ask(engine: Engine, sql: str) -> Rows:
    with engine.begin() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def tables(engine: Engine) -> list[str]:
    found = ask(engine, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [str(row[0]) for row in found]


def contents(engine: Engine) -> dict[str, Rows]:
    return {table: sorted(ask(engine, f"SELECT * FROM {table}")) for table in tables(engine)}


def shape(engine: Engine) -> Rows:
    """Columns with their types, order and collation, keys and indexes, of every table."""
    columns = ask(
        engine,
        "SELECT table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,"
        " column_default FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name <> 'alembic_version' ORDER BY 1, 2",
    )
    indexes = ask(
        engine,
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version' ORDER BY 1",
    )
    return [*columns, *indexes]


def test_what_the_revisions_make_is_the_schema(empty: str, engine: Engine) -> None:
    Database(empty).close()
    revised = shape(engine)
    schema.metadata.drop_all(engine)
    assert shape(engine) == []
    schema.metadata.create_all(engine)
    assert shape(engine) == revised
    assert len(revised) > 80


def test_every_text_is_compared_by_code_point(empty: str, engine: Engine) -> None:
    Database(empty).close()
    (row,) = ask(engine, "SELECT 'B' < 'a'")
    assert row == (False,)  # this server's own way
    others = ask(
        engine,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
        " 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
    )
    assert others == []


def test_nothing_of_an_old_database_is_lost(
    empty: str, engine: Engine, old: dict[str, Rows]
) -> None:
    assert {table: len(old[table]) for table in IN_FIRST} == IN_FIRST
    Database(empty).close()
    new = contents(engine)
    assert [row[:-1] for row in new["record"]] == old["record"]
    assert {row[-1] for row in new["record"]} == {"call"}
    assert new["open_call"] == old["open_call"]
    assert new["heartbeat"] == old["heartbeat"]
    assert new["meta"] == [("schema_version", str(schema.VERSION))]


def test_a_second_start_migrates_nothing(
    empty: str, old: dict[str, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(empty).close()
    monkeypatch.delattr(upgrade, "run")
    Database(empty).close()


def test_a_newer_database_is_refused_untouched(empty: str, engine: Engine) -> None:
    Database(empty).close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '77'")
    before = contents(engine)
    for readonly in (False, True):
        with pytest.raises(StoreError, match=r"newer Tollbar \(schema 77"):
            Database(empty, readonly=readonly)
    assert contents(engine) == before


def test_somebody_elses_database_is_refused_untouched(empty: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (a int)")
    with pytest.raises(StoreError, match="not one of Tollbar's"):
        Database(empty)
    assert tables(engine) == ["theirs"]


def test_a_reader_of_an_old_database_says_so_and_changes_nothing(
    empty: str, engine: Engine, old: dict[str, Rows]
) -> None:
    with pytest.raises(StoreError, match="older release"):
        Database(empty, readonly=True)
    assert contents(engine) == old


def test_a_revision_that_fails_leaves_the_database_as_it_was(
    empty: str, engine: Engine, old: dict[str, Rows], next_release: Path
) -> None:
    """Also what the revisions before it did."""
    next_release.write_text(revision("DROP TABLE record", "no such statement"))
    for _ in range(2):
        with pytest.raises(StoreError, match="syntax error"):
            Database(empty)
    assert contents(engine) == old
    next_release.write_text(revision("CREATE TABLE later (a INTEGER)"))
    Database(empty).close()
    assert len(contents(engine)["record"]) == IN_FIRST["record"]
    assert "later" in tables(engine)


def test_two_gateways_may_start_at_once(empty: str, engine: Engine) -> None:
    start = threading.Barrier(2)
    opened: list[Database] = []

    def gateway() -> None:
        start.wait()
        opened.append(Database(empty))

    threads = [threading.Thread(target=gateway) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(opened) == 2
    for database in opened:
        with closing(database), database.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM head").scalar() == 1

"""A database that holds the directory, its audit, interactions or records, behind one URL.

SQLite or PostgreSQL by SQLAlchemy Core, migrated when opened; everything in which the two
differ is here or in ``schema``. Connections are short-lived: nothing holds one between two
questions. Whatever fails is a StoreError of one line, which must never show a password.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, Select, Table, create_engine, event, exc, make_url
from sqlalchemy.dialects import postgresql, sqlite

from tollbar.store import upgrade
from tollbar.store.errors import StoreError
from tollbar.store.owner import hand_over
from tollbar.store.pragmas import PAGE_SIZE, PRAGMAS, WAL

# Of what fails it warns as well, at every try; the error says it.
logging.getLogger("psycopg").setLevel(logging.ERROR)

Insert = sqlite.Insert | postgresql.Insert

_BUSY: Final = 10.0  # seconds to wait for another writer of a SQLite file
_BEGIN: Final = "tollbar_begin"
# A server that is gone is noticed by whoever asks it, in seconds.
_POSTGRESQL: Final[Mapping[str, Any]] = {
    "application_name": "tollbar",
    "connect_timeout": "3",
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "options": "-c lock_timeout=10s",
}
# A server may be told to say "committed" before it is on its disk, and forget it in a crash.
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
# Two gateways may start at once on an empty database.
_UPGRADE_LOCK: Final = "SELECT pg_advisory_xact_lock(8004711)"


class Database:
    """One database, opened. Threads may share it."""

    def __init__(self, url: str, *, readonly: bool = False) -> None:
        """Open ``url`` (``postgresql://...``, ``sqlite:///path``) and bring it up to date.

        With ``readonly`` nothing is created, changed or migrated. Raises StoreError: no such
        kind of database, cannot be reached, not one of Tollbar's, of a newer release.
        """
        self._url = _understood(url)
        self.readonly = readonly
        self.file = Path(self._url.database or "") if self.sqlite else None
        self.name = str(self.file) if self.file else _server(self._url)
        self.engine = self._sqlite() if self.sqlite else self._postgresql()
        # What is written many rows at once goes to the driver itself.
        self._errors = (
            exc.SQLAlchemyError,
            self.engine.dialect.loaded_dbapi.Error,
            UnicodeEncodeError,
            OverflowError,
        )
        try:
            self._open()
        except BaseException:
            self.engine.dispose()
            raise

    @property
    def sqlite(self) -> bool:
        """SQLite, else PostgreSQL."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see one state of the database."""
        with self._transaction(self._readers) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction that is committed at the end, or undone by an error."""
        with self._transaction(self._writers) as connection:
            yield connection

    def insert(self, table: Table) -> Insert:
        """An INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    def write(
        self,
        connection: Connection,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Insert ``rows``, many at once, as the driver likes it best."""
        if not rows:
            return
        cursor = connection.connection.cursor()
        names = ", ".join(f'"{name}"' for name in columns)
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
            return
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def delete(
        self,
        connection: Connection,
        table: Table,
        key: Sequence[str],
        rows: Sequence[tuple[str, ...]],
    ) -> None:
        """Delete the rows whose columns ``key``, all texts, have one of these values."""
        if not rows:
            return
        cursor = connection.connection.cursor()
        if self.sqlite:
            same = " AND ".join(f'"{name}" = ?' for name in key)
            cursor.executemany(f"DELETE FROM {table.name} WHERE {same}", rows)
            return
        arrays = ", ".join(["%s::text[]"] * len(key))
        names = ", ".join(f'"{name}"' for name in key)
        same = " AND ".join(f'{table.name}."{name}" = gone."{name}"' for name in key)
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(
            f"DELETE FROM {table.name} USING unnest({arrays}) AS gone({names}) WHERE {same}",
            columns,
        )

    def rows(self, connection: Connection, statement: Select[Any]) -> Sequence[tuple[Any, ...]]:
        """All rows as plain tuples, for many."""
        return connection.execute(statement).cursor.fetchall()

    def close(self) -> None:
        """Close all connections. Twice is fine."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except self._errors as error:
            raise StoreError(f"cannot use {self.name}: {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        original = getattr(error, "orig", None) or error
        lines = str(original).strip().splitlines() or [type(original).__name__]
        password = self._url.password
        return lines[0].replace(str(password), "***") if password else lines[0]

    def _open(self) -> None:
        def query(sql: str) -> list[Any]:
            with self.reading() as connection:
                return list(connection.exec_driver_sql(sql))

        dialect = self.engine.dialect.name
        if self.readonly:
            upgrade.must_be_current(query, dialect, self.name)
            return
        current = upgrade.current(query, dialect, self.name)
        if self.sqlite:
            self._wal()
        if not current:
            with self.writing() as connection:
                if not self.sqlite:
                    connection.exec_driver_sql(_UPGRADE_LOCK)
                upgrade.bring_up_to_date(connection, self.name, self.file)

    def _wal(self) -> None:
        try:
            with closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute(WAL)
        except self._errors as error:
            raise StoreError(f"cannot use {self.name}: {self._reason(error)}") from error

    def _sqlite(self) -> Engine:
        file = self.file
        assert file is not None
        if self.readonly and not file.exists():
            raise StoreError(f"there is no {file}")
        if not self.readonly:
            _make(file)
        mode = "ro" if self.readonly else "rw"
        pragmas = () if self.readonly else (PAGE_SIZE, *PRAGMAS)

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=_BUSY,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for pragma in pragmas:
                    connection.execute(pragma)
            except sqlite3.Error:
                connection.close()
                raise
            return connection

        engine = create_engine(self._url, creator=connect)

        # The driver's own idea of transactions leaves out DDL and reads.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

        self._readers = engine.execution_options(**{_BEGIN: "BEGIN"})
        self._writers = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        return engine

    def _postgresql(self) -> Engine:
        arguments = {k: v for k, v in _POSTGRESQL.items() if k not in self._url.query}
        engine = create_engine(
            self._url,
            connect_args=arguments,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=4,
            pool_timeout=10.0,
        )

        @event.listens_for(engine, "connect")
        def be_durable(connection: Any, _record: object) -> None:
            connection.execute(_DURABLE)
            connection.commit()

        self._readers = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writers = engine.execution_options(
            isolation_level="READ COMMITTED", postgresql_readonly=self.readonly
        )
        return engine


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def _understood(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise StoreError("database is not a URL such as postgresql://user@host/name") from error
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise StoreError(
        f"database {parsed.drivername}: is of a kind that is not known here; there are "
        "postgresql://user@host/name and sqlite:///path"
    )


def _server(url: URL) -> str:
    """The database as people are told of it."""
    where = url.query.get("host") or url.host or "localhost"
    return (
        f"PostgreSQL database {url.database or ''} at {where}{f':{url.port}' if url.port else ''}"
    )


def _make(file: Path) -> None:
    """An empty file that only its owner may read, which is what its log becomes as well."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            file.touch(mode=0o600)
            hand_over(file, file.parent)
    except OSError as error:
        raise StoreError(f"cannot open {file}: {error}") from error

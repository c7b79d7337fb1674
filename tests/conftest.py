"""What more than one room's tests need."""

from collections.abc import Iterator

import pytest
from tests.postgres import PostgreSQL

from tollbar.store.database import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A server for the session; whoever stops it starts it again."""
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="session")
def migrated(postgres: PostgreSQL) -> str:
    """The name of an empty database of this release, to copy from."""
    name = postgres.create()
    Database(postgres.url(name)).close()
    return name


@pytest.fixture
def postgres_url(postgres: PostgreSQL, migrated: str) -> Iterator[str]:
    """A database of this release, the test's own."""
    name = postgres.create(template=migrated)
    yield postgres.url(name)
    postgres.drop(name)

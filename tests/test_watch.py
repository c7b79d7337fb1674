"""The directory followed in its database, through changes, outages and restores."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest
from tests.postgres import PostgreSQL
from tests.test_administration import CONFIG, named, with_code

from tollbar import administration, watch
from tollbar.administration import Administration
from tollbar.config import load
from tollbar.directory.difference import Change
from tollbar.directory.entry import entries
from tollbar.gateway import Gateway
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.settings import Tenant
from tollbar.standing import Standing
from tollbar.store import last_good
from tollbar.store.directory import DirectoryStore, Held
from tollbar.store.errors import StoreError
from tollbar.watch import Watch


class Followed:
    """A watch, and every revision that came into force; changes are made by ``opened``."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.standing = administration.start(gateway, lambda line: None)
        self.taken: SimpleQueue[int] = SimpleQueue()
        self.watch = Watch(self.standing, lambda: self.taken.put(self.standing.revision), poll=0.01)
        self.opened = Administration(gateway, "ann")

    def change(self, make: administration.Make) -> int:
        return self.opened.change(make).revision

    def codes(self) -> set[str]:
        return set(self.standing.snapshot.tenants["default"].codes.by_code)

    def close(self) -> None:
        self.watch.stop()
        self.opened.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    shutil.copytree(CONFIG, tmp_path / "config")
    return load(tmp_path / "config" / "gateway.yaml", {})


@pytest.fixture
def followed(gateway: Gateway) -> Iterator[Followed]:
    followed = Followed(gateway)
    yield followed
    followed.close()


def until(true: Callable[[], object]) -> None:
    """Wait for another thread."""
    pause = Event()
    for _try in range(2000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def test_each_change_comes_into_force(followed: Followed) -> None:
    followed.watch.start()
    assert followed.change(with_code("4712")) == 2
    assert followed.taken.get(timeout=20) == 2
    assert "4712" in followed.codes()
    users = followed.standing.snapshot.tenants["default"].users
    plan = followed.standing.snapshot.tenants["default"].plan
    followed.change(with_code("4713"))
    assert followed.taken.get(timeout=20) == 3
    assert {"4712", "4713"} <= followed.codes()
    assert followed.standing.snapshot.tenants["default"].plan is plan
    assert followed.standing.snapshot.tenants["default"].users is users


def test_an_outage_is_said_once_and_what_changed_meanwhile_is_taken(
    followed: Followed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = True
    asked = 0

    class Leaving(DirectoryStore):
        def revision(self) -> int:
            nonlocal asked
            asked += 1
            if away:
                raise StoreError("cannot use the database: it is away")
            return super().revision()

    monkeypatch.setattr(watch, "DirectoryStore", Leaving)
    followed.watch.start()
    until(lambda: asked > 5)
    assert followed.watch.error == "cannot use the database: it is away"
    followed.change(with_code("4712"))
    away = False
    assert followed.taken.get(timeout=20) == 2
    assert "4712" in followed.codes()
    until(lambda: not followed.watch.error)
    said = [record.message for record in caplog.records if "followed" in record.message]
    assert said == [
        "the directory cannot be followed: cannot use the database: it is away",
        "the directory is followed again",
    ]


def test_a_database_that_was_restored_is_loaded_whole(followed: Followed) -> None:
    followed.change(with_code("4712"))
    older = followed.opened.store.load()
    followed.standing.take_all(Held(9, older.entries))
    followed.watch.start()
    assert followed.taken.get(timeout=20) == 2


def test_a_directory_that_cannot_be_used_is_said_without_a_code(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    followed.watch.start()
    before = followed.standing.snapshot
    store = followed.opened.store
    for body in ('{"access":["987654"]}', '{"acess":[]}'):
        held = store.load()
        bob = next(entry for entry in held.entries if entry.key == "bob")
        change = Change("default", finding.USER, "bob", bob.body, body, 0, bob.version)
        revision = store.commit([change], "by hand", held.revision)
        said = f"revision {revision} cannot be used"
        until(lambda said=said: said in caplog.text)  # type: ignore[misc]
        assert followed.standing.snapshot is before
    assert "987654" not in caplog.text
    assert caplog.text.count("cannot be used") == 2
    mended = followed.opened.apply(followed.gateway.directory)
    assert followed.taken.get(timeout=20) == mended.revision
    assert followed.standing.snapshot is not before


def test_a_new_gateway_yaml_meets_the_directory_that_stands(followed: Followed) -> None:
    followed.watch.start()
    followed.change(with_code("4712"))
    assert followed.taken.get(timeout=20) == 2
    fresh = replace(followed.gateway, shadow=True)
    followed.standing.take_gateway(fresh)
    assert followed.standing.in_force == (fresh, followed.standing.snapshot)
    assert followed.standing.snapshot.settings.shadow
    assert "4712" in followed.codes()
    followed.change(named(followed.opened, "bob", "Bob B"))
    assert followed.taken.get(timeout=20) == 3
    assert followed.standing.snapshot.settings.shadow


def test_the_last_good_directory_is_kept_when_it_rests(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "QUIET", 0.0)
    gateway.database = f"sqlite:///{tmp_path}/other.sqlite"
    followed = Followed(gateway)
    try:
        followed.watch.start()
        followed.change(with_code("4712"))
        assert followed.taken.get(timeout=20) == 2
        kept = gateway.state_directory / last_good.FILE

        def revision() -> int:
            found = last_good.last(kept)
            return found.revision if found else 0

        until(lambda: revision() == 2)
    finally:
        followed.close()


def test_a_tenant_that_a_peer_names_must_be_there(gateway: Gateway) -> None:
    held = Held(1, entries("other", Tenant(codes=(Code("1"),))))
    with pytest.raises(ValueError, match="no tenant 'default'"):
        Standing(gateway, held)


def test_a_postgresql_that_stops_and_starts_again(
    gateway: Gateway,
    postgres: PostgreSQL,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway.database = postgres_url
    followed = Followed(gateway)
    try:
        followed.watch.start()
        assert followed.change(with_code("4712")) == 2
        assert followed.taken.get(timeout=20) == 2
        postgres.stop()
        until(lambda: followed.watch.error)
        with pytest.raises(StoreError) as refused:
            followed.change(with_code("4713"))
        assert "\n" not in str(refused.value)
        assert "4713" not in str(refused.value)
        said: list[str] = []
        assert administration.start(gateway, said.append).revision in (1, 2)
        assert "going on with the directory" in said[0]
        postgres.start()
        assert followed.change(with_code("4713")) == 3
        assert followed.taken.get(timeout=20) == 3
        assert {"4712", "4713"} <= followed.codes()
    finally:
        followed.close()
    assert caplog.text.count("cannot be followed") == 1

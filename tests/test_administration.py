"""The directory changed: all or nothing, by one at a time, told to whoever came too late."""

import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.directory.made import directories

from tollbar import administration
from tollbar.administration import Administration
from tollbar.config import load
from tollbar.directory.alteration import AFTER, BEFORE, LAST, Alteration
from tollbar.directory.assembly import tenants
from tollbar.directory.assignment import Assignment
from tollbar.directory.difference import difference
from tollbar.directory.entry import Entry, entries
from tollbar.directory.writing import write_directory
from tollbar.document import Wrong
from tollbar.finding import Rejected
from tollbar.gateway import Gateway
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.rights import User
from tollbar.policy.settings import Tenant
from tollbar.store.directory import DirectoryStore, Held
from tollbar.store.errors import Conflict, StoreError

CONFIG = Path(__file__).parents[1] / "config"


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    shutil.copytree(CONFIG, tmp_path / "config")
    return load(tmp_path / "config" / "gateway.yaml", {})


@pytest.fixture
def opened(gateway: Gateway) -> Iterator[Administration]:
    with Administration(gateway, "ann") as opened:
        opened.apply(gateway.directory)
        yield opened


def with_code(code: str, **words: str) -> administration.Make:
    def make(before: list[Entry]) -> list[Entry]:
        found = Alteration(before, "default", finding.CODE)
        found.add(code, [Assignment(name, "=", text) for name, text in words.items()])
        return found.entries

    return make


def named(opened: Administration, user: str, name: str) -> administration.Make:
    def make(before: list[Entry]) -> list[Entry]:
        found = Alteration(before, "default", finding.USER)
        found.set(user, [Assignment("name", "=", name)])
        return found.entries

    return make


# -- apply


def test_a_file_applied_twice_changes_nothing(opened: Administration) -> None:
    path = opened.gateway.directory
    assert opened.store.revision() == 1
    outcome = opened.apply(path)
    assert (outcome.changes, outcome.revision) == ([], 1)


def test_a_dry_run_tells_and_does_nothing(opened: Administration, tmp_path: Path) -> None:
    path = tmp_path / "less.yaml"
    path.write_text("codes: {1: a}\n")
    outcome = opened.apply(path, dry_run=True)
    assert {change.after for change in outcome.changes if change.key != "1"} == {None}
    assert opened.store.revision() == 1
    assert opened.apply(path).changes == outcome.changes
    assert opened.store.revision() == 2


def test_what_does_not_fit_gateway_yaml_is_refused_whole(
    opened: Administration, tmp_path: Path
) -> None:
    path = tmp_path / "broken.yaml"
    text = opened.gateway.directory.read_text()
    path.write_text(text.replace("dial_groups: [pbx]", "dial_groups: [pbxx]").replace("Pro", "Con"))
    with pytest.raises(Rejected, match="pbxx"):
        opened.apply(path)
    assert opened.store.revision() == 1
    assert opened.apply(opened.gateway.directory).changes == []


def test_one_tenant_of_a_file(opened: Administration, tmp_path: Path) -> None:
    alone = tmp_path / "alone.yaml"
    alone.write_text("codes: {4711: another}\n")
    before = opened.store.load().entries
    outcome = opened.apply(alone, "acme")
    assert {change.tenant for change in outcome.changes} == {"acme"}
    assert [e for e in opened.store.load().entries if e.tenant == "default"] == [
        e for e in before if e.tenant == "default"
    ]
    both = tmp_path / "both.yaml"
    both.write_text("tenants: {acme: {}, default: {}}\n")
    changes = opened.apply(both, "acme").changes
    assert [(change.tenant, change.key, change.after) for change in changes] == [
        ("acme", "4711", None)
    ]
    with pytest.raises(Rejected, match='holds no tenant "other"'):
        opened.apply(both, "other")


@given(directories)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_exported_and_applied_again_changes_nothing(
    gateway: Gateway, tmp_path: Path, directory: dict[str, Tenant]
) -> None:
    """Written past the compiler: a generated plan is rarely one that can be used."""
    held = [entry for name, tenant in directory.items() for entry in entries(name, tenant)]
    with Administration(gateway, "ann") as opened:
        now = opened.store.load()
        opened.store.commit(difference(now.entries, held), "ann", now.revision)
        path = tmp_path / "exported.yaml"
        exported = tenants(opened.store.load().entries)
        path.write_text("".join(f"{line}\n" for line in write_directory(exported)))
        assert opened.apply(path, dry_run=True).changes == []


# -- others


def test_a_change_elsewhere_costs_another_round(opened: Administration) -> None:
    rounds = 0

    def make(before: list[Entry]) -> list[Entry]:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            with Administration(opened.gateway, "bob") as other:
                other.change(with_code("4712"))
        return with_code("4713")(before)

    outcome = opened.change(make)
    assert (rounds, outcome.revision, len(outcome.changes)) == (2, 3, 1)


def test_who_changes_the_same_entry_too_late_is_told_by_whom(opened: Administration) -> None:
    def make(before: list[Entry]) -> list[Entry]:
        with Administration(opened.gateway, "bob") as other:
            other.change(named(other, "alice", "Alice B"))
        return named(opened, "alice", "Alice C")(before)

    with pytest.raises(Conflict, match=r"user alice of tenant default was changed by bob at 20"):
        opened.change(make)
    (entry,) = opened.store.find("default", finding.USER, "alice")
    assert "Alice B" in entry.body


def test_it_gives_up_where_others_never_rest(opened: Administration) -> None:
    codes = iter(range(5000, 6000))

    def make(before: list[Entry]) -> list[Entry]:
        with Administration(opened.gateway, "bob") as other:
            other.change(with_code(str(next(codes))))
        return with_code("4713")(before)

    with pytest.raises(StoreError, match="try again"):
        opened.change(make)
    assert next(codes) == 5000 + administration.ROUNDS


def rename(gateway: Gateway, who: str, ready: Connection) -> None:
    """In a process of its own: loads, waits for the other to have loaded, then commits."""
    with Administration(gateway, who) as opened:

        def make(before: list[Entry]) -> list[Entry]:
            ready.send("loaded")
            assert ready.recv() == "go"
            return named(opened, "alice", f"Alice of {who}")(before)

        try:
            ready.send(str(opened.change(make).revision))
        except Conflict as conflict:
            ready.send(str(conflict))


@pytest.mark.parametrize("on", ["files", "postgresql"])
def test_of_two_processes_at_once_one_wins_and_the_other_is_told(
    gateway: Gateway, on: str, request: pytest.FixtureRequest
) -> None:
    if on == "postgresql":
        gateway.database = request.getfixturevalue("postgres_url")
    with Administration(gateway, "ann") as opened:
        opened.apply(gateway.directory)
        race(opened)


def race(opened: Administration) -> None:
    context = multiprocessing.get_context("spawn")
    ends = []
    for who in ("bob", "carol"):
        here, there = context.Pipe()
        process = context.Process(target=rename, args=(opened.gateway, who, there))
        process.start()
        ends.append((who, here, process))
    for _who, here, _process in ends:
        assert here.poll(60)
        assert here.recv() == "loaded"
    for _who, here, _process in ends:
        here.send("go")
    told = {}
    for who, here, process in ends:
        assert here.poll(60)
        told[who] = here.recv()
        process.join(60)
    (winner,) = (who for who, text in told.items() if text == "2")
    (loser,) = set(told) - {winner}
    assert f"user alice of tenant default was changed by {winner} at" in told[loser]
    (entry,) = opened.store.find("default", finding.USER, "alice")
    assert f"Alice of {winner}" in entry.body


# -- start


def test_a_first_start_reads_the_file_and_the_next_the_database(gateway: Gateway) -> None:
    said: list[str] = []
    standing = administration.start(gateway, said.append)
    assert standing.revision == 1
    assert len(said) == 1
    assert "directory.yaml read into the database: 53 entries" in said[0]
    said.clear()
    assert administration.start(gateway, said.append).revision == 1
    assert said == []
    gateway.directory.write_text(gateway.directory.read_text() + "# more\n")
    assert administration.start(gateway, said.append).revision == 1
    assert said == [
        f"{gateway.directory} differs from what was last applied: tollbar apply {gateway.directory}"
    ]
    gateway.directory.unlink()
    said.clear()
    assert administration.start(gateway, said.append).revision == 1
    assert said == []


def test_of_two_first_starts_one_reads_the_file(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_all = DirectoryStore.load
    others: list[int] = []

    def load_late(store: DirectoryStore) -> Held:
        held = load_all(store)
        if not others:
            others.append(0)
            others.append(administration.start(gateway, lambda line: None).revision)
        return held

    monkeypatch.setattr(DirectoryStore, "load", load_late)
    said: list[str] = []
    assert administration.start(gateway, said.append).revision == 1
    assert (others, said) == ([0, 1], [])


def test_a_broken_file_stops_a_first_start_and_leaves_nothing(gateway: Gateway) -> None:
    whole = gateway.directory.read_text()
    gateway.directory.write_text(whole.replace("dial_groups: [pbx]", "dial_groups: [pbxx]"))
    with pytest.raises(Rejected, match="pbxx"):
        administration.start(gateway, print)
    assert administration.standing(gateway) is None
    gateway.directory.write_text(whole)
    assert administration.start(gateway, lambda line: None).revision == 1


def test_the_last_good_directory_serves_while_its_database_is_away(
    gateway: Gateway, tmp_path: Path
) -> None:
    place = tmp_path / "elsewhere"
    gateway.database = f"sqlite:///{place}/tollbar.sqlite"
    administration.start(gateway, lambda line: None)
    shutil.rmtree(place)
    place.write_text("no directory any more")
    said: list[str] = []
    standing = administration.start(gateway, said.append)
    assert standing.revision == 1
    assert "4711" in standing.snapshot.tenants["default"].codes.by_code
    assert "going on with the directory of revision 1" in said[0]
    (gateway.state_directory / "directory.last.json").unlink()
    with pytest.raises(StoreError):
        administration.start(gateway, said.append)


# -- alterations


TENANT = Tenant(
    codes=(Code("1", "one"),),
    users=(User("ann", extensions=("1001",)),),
    dial_plan=(DialObject("1XX", "local"), DialObject("2XX", "local"), DialObject("3XX", "local")),
)


def plan(found: Alteration) -> list[str]:
    mine = [entry for entry in found.entries if entry.kind == finding.DIAL_OBJECT]
    return [entry.key for entry in sorted(mine, key=lambda entry: entry.place)]


def altered(kind: str) -> Alteration:
    return Alteration(entries("default", TENANT), "default", kind)


LOCAL = [Assignment("classification", "=", "local")]


def test_a_dial_object_is_put_where_it_is_wanted() -> None:
    found = altered(finding.DIAL_OBJECT)
    found.add("0", LOCAL, BEFORE, "1XX")
    found.add("15X", LOCAL, AFTER, "1XX")
    found.add("[2-9]", LOCAL, LAST)
    assert plan(found) == ["0", "1XX", "15X", "2XX", "3XX", "[2-9]"]
    found.move("3XX", BEFORE, "0")
    found.set("2XX", [Assignment("pattern", "=", "22X")])
    found.retire("15X")
    assert plan(found) == ["3XX", "0", "1XX", "22X", "[2-9]"]
    with pytest.raises(Wrong, match="there is no dial object 7"):
        found.add("4", LOCAL, AFTER, "7")
    with pytest.raises(Wrong, match="there is a dial object 0 already"):
        found.add("0", LOCAL)


def test_lists_grow_and_shrink_and_values_go() -> None:
    found = altered(finding.USER)
    found.set(
        "ann",
        [
            Assignment("extensions", "+=", "1002, 1001"),
            Assignment("access", "=", "1"),
            Assignment("account_code_verification", "=", "no"),
            Assignment("default_code", "=", "1"),
        ],
    )
    (entry,) = (entry for entry in found.entries if entry.key == "ann")
    assert entry.body == (
        '{"access":["1"],"default_code":"1","extensions":["1001","1002"],'
        '"rights":{"account_code_verification":false}}'
    )
    found.set("ann", [Assignment("extensions", "-=", "1001"), Assignment("default_code", "=", "")])
    (entry,) = (entry for entry in found.entries if entry.key == "ann")
    assert "default_code" not in entry.body
    assert '"extensions":["1002"]' in entry.body
    with pytest.raises(Wrong, match='access has no "7"'):
        found.set("ann", [Assignment("access", "-=", "7")])
    with pytest.raises(Wrong, match="name is no list"):
        found.set("ann", [Assignment("name", "+=", "x")])
    with pytest.raises(Rejected, match=r'^user ann: access\[2\]: there is no code "01"'):
        found.set("ann", [Assignment("access", "+=", "01")])


def test_the_last_classification_taken_away_allows_none() -> None:
    found = altered(finding.USER)
    found.set("ann", [Assignment("classifications", "=", "local")])
    found.set("ann", [Assignment("classifications", "-=", "local")])
    (entry,) = (entry for entry in found.entries if entry.key == "ann")
    assert '"classifications":[]' in entry.body


def test_a_retired_code_is_inactive_and_others_are_gone() -> None:
    codes, users = altered(finding.CODE), altered(finding.USER)
    codes.retire("1")
    users.retire("ann")
    (entry,) = (entry for entry in codes.entries if entry.kind == finding.CODE)
    assert entry.body == '{"active":false,"description":"one"}'
    assert all(entry.kind != finding.USER for entry in users.entries)
    with pytest.raises(Wrong, match="there is no user bob"):
        users.retire("bob")


def test_the_first_entry_makes_the_tenant() -> None:
    found = Alteration(entries("default", TENANT), "acme", finding.CODE)
    found.add("7", [])
    assert tenants(found.entries) == {"acme": Tenant(codes=(Code("7"),)), "default": TENANT}


def test_versions_are_kept() -> None:
    held = [replace(entry, version=3) for entry in entries("default", TENANT)]
    found = Alteration(held, "default", finding.USER)
    found.set("ann", [Assignment("name", "=", "Ann")])
    (change,) = difference(held, found.entries)
    assert (change.key, change.version) == ("ann", 3)

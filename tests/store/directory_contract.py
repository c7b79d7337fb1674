"""What a directory in any database must do; a test class per database derives from it.

Derived classes give the fixture ``database``. Nothing here knows which one it is.
"""

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, delete
from tests.store.contract import IN_STRING_ORDER

from tollbar.directory.difference import Change
from tollbar.directory.entry import Entry
from tollbar.policy import finding
from tollbar.store import schema
from tollbar.store.database import Database
from tollbar.store.directory import Delta, DirectoryStore, Held, gone, search
from tollbar.store.errors import Conflict, Moved, StoreError

TENANT = "default"

# One database for all examples, one contract for every database.
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


def body(**words: Any) -> str:
    return json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def added(key: str, text: str = "{}", *, kind: str = finding.CODE, tenant: str = TENANT) -> Change:
    return Change(tenant, kind, key, None, text, 0, 0)


def changed(found: Entry, text: str, place: int | None = None) -> Change:
    place = found.place if place is None else place
    return Change(found.tenant, found.kind, found.key, found.body, text, place, found.version)


def removed(found: Entry) -> Change:
    return Change(found.tenant, found.kind, found.key, found.body, None, 0, found.version)


def keys(entries: Sequence[Entry]) -> list[str]:
    return [entry.key for entry in entries]


def edit(
    store: DirectoryStore,
    held: Held,
    who: str,
    start: threading.Barrier,
    outcome: dict[str, int | StoreError],
) -> None:
    """Change the first entry of ``held`` at ``start``."""
    change = changed(held.entries[0], f'["{who}"]')
    start.wait()
    try:
        outcome[who] = store.commit([change], who, held.revision)
    except StoreError as error:
        outcome[who] = error


class Clock:
    """UTC as the test says."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class DirectoryContract:
    """The contract."""

    @pytest.fixture
    def database(self) -> Database:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def store(self, database: Database, clock: Clock) -> DirectoryStore:
        return DirectoryStore(database, clock)

    def entry(self, store: DirectoryStore, key: str) -> Entry:
        (found,) = [entry for entry in store.load().entries if entry.key == key]
        return found

    # -- reading and writing

    def test_an_empty_directory_is_at_revision_0(self, store: DirectoryStore) -> None:
        assert store.revision() == 0
        assert store.load().entries == []
        assert store.applied() == ""

    def test_what_was_committed_is_there(self, store: DirectoryStore) -> None:
        text = body(description="Smith, vs. Jönes ✓ 日本 🙂", client='"; DROP TABLE entry; --')
        plan = Change(TENANT, finding.DIAL_OBJECT, "9X|lists|ñ", None, "[1]", 2048, 0)
        assert store.commit([added("0214", text), plan], "anne", 0, "sha") == 1
        held = store.load()
        assert held.revision == store.revision() == 1
        assert held.entries == [
            Entry(TENANT, finding.CODE, "0214", 0, text, 1),
            Entry(TENANT, finding.DIAL_OBJECT, "9X|lists|ñ", 2048, "[1]", 1),
        ]
        assert store.applied() == "sha"

    def test_codes_order_as_strings(self, store: DirectoryStore) -> None:
        store.commit([added(code) for code in sorted(IN_STRING_ORDER, key=int)], "anne", 0)
        assert keys(store.load().entries) == IN_STRING_ORDER
        assert keys(store.find(TENANT, finding.CODE)) == IN_STRING_ORDER

    def test_keys_order_by_code_point(self, store: DirectoryStore) -> None:
        names = ["a", "B", "b", "A", "_", "ä", "z", "Ω", "🙂", "ﬀ", "a b", "ab", "a-b", ""]
        store.commit([added(name, kind=finding.USER) for name in names], "anne", 0)
        assert keys(store.load().entries) == sorted(names)
        assert keys(store.find(TENANT, finding.USER)) == sorted(names)

    def test_two_tenants_may_have_the_same_code(self, store: DirectoryStore) -> None:
        both = [added("4711", f'"{tenant}"', tenant=tenant) for tenant in ("blue", TENANT)]
        store.commit(both, "anne", 0)
        (blue,) = store.find("blue", finding.CODE)
        (ours,) = store.find(TENANT, finding.CODE)
        assert (blue.body, ours.body) == ('"blue"', '"default"')
        store.commit([removed(blue)], "anne", 1)
        assert store.find("blue", finding.CODE) == []
        assert store.find(TENANT, finding.CODE) == [ours]
        assert store.since(1).removed == [("blue", finding.CODE, "4711")]

    def test_kinds_keep_apart_even_with_one_key(self, store: DirectoryStore) -> None:
        kinds = finding.ROLE, finding.USER, finding.WORKGROUP
        store.commit([added("litigation", f'"{kind}"', kind=kind) for kind in kinds], "anne", 0)
        assert [entry.body for entry in store.load().entries] == [f'"{kind}"' for kind in kinds]

    # -- prefix search

    def test_a_prefix_finds_what_begins_so(self, store: DirectoryStore) -> None:
        codes = ["46", "47", "470", "4711", "479", "48", "4", "047"]
        store.commit([added(code) for code in codes], "anne", 0)
        assert keys(store.find(TENANT, finding.CODE, "47")) == ["47", "470", "4711", "479"]
        assert keys(store.find(TENANT, finding.CODE, "47", limit=2)) == ["47", "470"]
        assert store.find(TENANT, finding.USER, "47") == []
        assert store.find("blue", finding.CODE, "47") == []

    NAMES = st.text(st.sampled_from("01aÄ_%\ud7ff\ue000\U0010ffff"), max_size=3)

    @settings(max_examples=40, deadline=None, suppress_health_check=SHARED)
    @given(prefix=NAMES)
    def test_a_prefix_finds_neither_more_nor_less(self, store: DirectoryStore, prefix: str) -> None:
        letters = "01aÄ_%\ud7ff\ue000\U0010ffff"
        names = [a + b for a in letters for b in ["", *letters]]
        if not store.revision():
            store.commit([added(name) for name in names], "anne", 0)
        found = keys(store.find(TENANT, finding.CODE, prefix, limit=1000))
        assert found == sorted(name for name in names if name.startswith(prefix))

    # -- versions

    def test_a_change_counts_the_entrys_own_version(self, store: DirectoryStore) -> None:
        store.commit([added("1"), added("2")], "anne", 0)
        for number in range(2, 5):
            store.commit([changed(self.entry(store, "1"), f"[{number}]", 7)], "anne", number - 1)
            now = self.entry(store, "1")
            assert (now.version, now.body, now.place) == (number, f"[{number}]", 7)
        assert self.entry(store, "2").version == 1
        assert store.revision() == 4

    def test_an_entry_that_comes_back_starts_again(self, store: DirectoryStore) -> None:
        store.commit([added("1", "[1]")], "anne", 0)
        store.commit([removed(self.entry(store, "1"))], "anne", 1)
        assert store.load().entries == []
        store.commit([added("1", "[2]")], "anne", 2)
        assert self.entry(store, "1").version == 1

    def test_nothing_to_change_is_no_new_revision(self, store: DirectoryStore) -> None:
        store.commit([added("1")], "anne", 0)
        assert store.commit([], "anne", 1, "other sha") == 1
        assert (store.revision(), store.applied()) == (1, "other sha")

    def test_who_was_not_touched_gets_moved(self, store: DirectoryStore) -> None:
        store.commit([added("1"), added("2")], "anne", 0)
        held = store.load()
        store.commit([changed(held.entries[0], "[1]")], "anne", held.revision)
        with pytest.raises(Moved) as error:
            store.commit([changed(held.entries[1], "[2]")], "bob", held.revision)
        assert error.value.revision == 2
        store.commit([changed(held.entries[1], "[2]")], "bob", 2)
        assert [entry.body for entry in store.load().entries] == ["[1]", "[2]"]

    def test_who_was_touched_gets_a_conflict(self, store: DirectoryStore, clock: Clock) -> None:
        store.commit([added("1"), added("2")], "anne", 0)
        held = store.load()
        mine = changed(held.entries[0], "[2]")
        clock.now += 60.5
        store.commit([changed(held.entries[0], "[1]")], "bob", held.revision)
        clock.now += 60
        for base in (held.revision, held.revision + 1):
            with pytest.raises(Conflict, match=r"code 1 of tenant default .* by bob at 2023-") as e:
                store.commit([added("3"), mine], "anne", base)
            assert (e.value.who, e.value.at) == ("bob", 1_700_000_060_500)
            assert e.value.change is mine
        assert keys(store.load().entries) == ["1", "2"]
        assert store.revision() == 2

    def test_an_entry_removed_or_added_meanwhile_is_a_conflict(self, store: DirectoryStore) -> None:
        store.commit([added("1")], "anne", 0)
        held = store.load()
        store.commit([removed(held.entries[0]), added("2")], "bob", 1)
        for change in (
            changed(held.entries[0], "[1]"),
            removed(held.entries[0]),
            added("2"),
        ):
            with pytest.raises(Conflict, match="by bob"):
                store.commit([change], "anne", 1)

    def test_one_that_went_and_came_back_alike_is_a_conflict(self, store: DirectoryStore) -> None:
        store.commit([added("1", "[0]")], "anne", 0)
        held = store.load()
        store.commit([removed(held.entries[0])], "bob", 1)
        store.commit([added("1", "[0]")], "bob", 2)
        assert store.load().entries == held.entries
        with pytest.raises(Conflict):
            store.commit([changed(held.entries[0], "[1]")], "anne", held.revision)

    def test_of_two_at_once_one_wins_and_the_other_is_told(self, store: DirectoryStore) -> None:
        store.commit([added("1", "[]")], "anne", 0)
        for _ in range(25):
            held = store.load()
            start = threading.Barrier(2)
            outcome: dict[str, int | StoreError] = {}
            threads = [
                threading.Thread(target=edit, args=(store, held, who, start, outcome))
                for who in ("anne", "bob")
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            (winner,) = [who for who, said in outcome.items() if said == held.revision + 1]
            (told,) = [said for said in outcome.values() if isinstance(said, Conflict)]
            assert told.who == winner
            assert self.entry(store, "1").body == f'["{winner}"]'

    def test_of_two_at_once_on_different_entries_none_is_lost(self, store: DirectoryStore) -> None:
        rounds = 20

        def write(who: str) -> None:
            for number in range(rounds):
                while True:
                    try:
                        store.commit([added(f"{who}{number}")], who, store.revision())
                    except Moved:
                        continue
                    break

        threads = [threading.Thread(target=write, args=(who,)) for who in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert store.revision() == len(store.load().entries) == 2 * rounds

    def test_what_fails_changes_nothing(self, store: DirectoryStore) -> None:
        store.commit([added("1")], "anne", 0)
        broken = added("3", "\ud800")
        with pytest.raises(StoreError, match="cannot use"):
            store.commit([changed(self.entry(store, "1"), "[1]"), added("2"), broken], "anne", 1)
        assert store.revision() == 1
        assert store.load().entries == [Entry(TENANT, finding.CODE, "1", 0, "{}", 1)]
        assert len(list(store.audit.lines())) == 1

    # -- the difference since

    def test_since_tells_adds_changes_moves_and_removals(self, store: DirectoryStore) -> None:
        store.commit([added(code) for code in ("1", "2", "3", "4", "5")], "anne", 0)
        one, two, three, four, _ = store.load().entries
        store.commit([changed(one, "[1]"), removed(two)], "anne", 1)
        store.commit([added("6"), changed(three, "{}", 9), removed(four)], "anne", 2)
        store.commit([added("2", "[2]")], "anne", 3)
        delta = store.since(1)
        assert delta.revision == 4
        assert [(e.key, e.body, e.place, e.version) for e in delta.entries] == [
            ("1", "[1]", 0, 2),
            ("2", "[2]", 0, 1),
            ("3", "{}", 9, 2),
            ("6", "{}", 0, 1),
        ]
        assert delta.removed == [(TENANT, finding.CODE, "4")]
        assert keys(store.since(2).entries) == ["2", "3", "6"]
        assert store.since(4) == Delta(4, [], [])

    def test_since_what_the_audit_forgot_cannot_be_told(self, store: DirectoryStore) -> None:
        store.commit([added("1"), added("2")], "anne", 0)
        store.commit([removed(self.entry(store, "1"))], "anne", 1)
        store.commit([added("3")], "anne", 2)
        audit = schema.audit
        with store.database.writing() as connection:
            connection.execute(delete(audit).where(audit.c.revision < 3))
        assert keys(store.since(2).entries) == ["3"]
        for revision in (0, 1):
            with pytest.raises(Moved) as error:
                store.since(revision)
            assert error.value.revision == 3
        with store.database.writing() as connection:
            connection.execute(delete(audit))
        assert store.since(3) == Delta(3, [], [])
        with pytest.raises(Moved):
            store.since(2)
        with pytest.raises(Conflict, match=r"by somebody else$"):
            store.commit([added("2")], "anne", 3)

    def test_since_what_is_yet_to_come_cannot_be_told(self, store: DirectoryStore) -> None:
        store.commit([added("1")], "anne", 0)
        with pytest.raises(Moved):
            store.since(7)

    STEPS = st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2))), max_size=6)

    @settings(max_examples=15, deadline=None, suppress_health_check=SHARED)
    @given(steps=STEPS, start=st.integers(0, 6))
    def test_what_was_held_and_the_delta_make_what_is_held(
        self, store: DirectoryStore, steps: list[list[tuple[str, int]]], start: int
    ) -> None:
        begin = store.load()
        for number, step in enumerate(steps):
            if number == start:
                begin = store.load()
            now = store.load()
            there = {entry.key: entry for entry in now.entries}
            changes = {
                key: (changed(there[key], f"[{value}]") if value else removed(there[key]))
                if key in there
                else added(key, f"[{value}]")
                for key, value in step
            }
            store.commit(list(changes.values()), "anne", now.revision)
        delta = store.since(begin.revision)
        merged = {entry.key: entry for entry in begin.entries}
        for _, _, key in delta.removed:
            merged.pop(key, None)
        merged |= {entry.key: entry for entry in delta.entries}
        held = store.load()
        assert delta.revision == held.revision
        assert sorted(merged.values(), key=lambda e: e.key) == held.entries

    # -- the audit of it

    def test_every_change_is_audited(self, store: DirectoryStore, clock: Clock) -> None:
        store.commit([added("1", "[1]")], "anne", 0)
        clock.now += 1
        store.commit([changed(self.entry(store, "1"), "[2]")], "bob", 1)
        store.commit([changed(self.entry(store, "1"), "[2]", 5)], "bob", 2)
        store.commit([removed(self.entry(store, "1")), added("2")], "carl", 3)
        lines = list(store.history(TENANT, finding.CODE, "1"))
        assert [(a.who, a.action, a.before, a.after, a.revision) for a in lines] == [
            ("carl", "remove", "[2]", "", 4),
            ("bob", "move", "[2]", "[2]", 3),
            ("bob", "change", "[1]", "[2]", 2),
            ("anne", "add", "", "[1]", 1),
        ]
        assert [line.at for line in lines] == [1_700_000_001_000] * 3 + [1_700_000_000_000]

    # -- many

    def test_a_hundred_thousand_codes_in_one_go(self, store: DirectoryStore) -> None:
        many = 100_000
        store.commit([added(f"{number:06}") for number in range(many)], "anne", 0)
        held = store.load()
        assert keys(held.entries) == [f"{number:06}" for number in range(many)]
        assert keys(store.find(TENANT, finding.CODE, "0471", limit=3)) == [
            "047100",
            "047101",
            "047102",
        ]
        self.analyse(store.database)
        plan = self.plan(store.database, search(TENANT, finding.CODE, "0471", 50))
        assert self.INDEX in plan, plan
        assert "sort" not in plan.lower(), plan
        assert "TEMP B-TREE" not in plan, plan
        plan = self.plan(store.database, gone(1))
        assert self.AUDIT_INDEX in plan, plan
        some = held.entries[: many // 20]
        again = [changed(entry, "[1]") for entry in some[1::2]]
        store.commit([*again, *map(removed, some[::2])], "anne", 1)
        assert len(store.load().entries) == many - len(some) // 2
        delta = store.since(1)
        assert (len(delta.entries), len(delta.removed)) == (len(some) // 2, len(some) // 2)

    INDEX = ""
    """What the database's plan of a search from the primary key says."""
    AUDIT_INDEX = ""
    """The same for what is gone since a revision."""

    def analyse(self, database: Database) -> None:
        """Let the planner know what is there, as its own routine would in time."""

    def plan(self, database: Database, statement: Select[Any]) -> str:
        """How the database answers."""
        raise NotImplementedError

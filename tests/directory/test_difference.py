"""Differences: applied they give what was wanted, and of an order they move little."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.directory.made import directories
from tests.directory.test_entry import all_entries

from tollbar.directory.assembly import tenants
from tollbar.directory.difference import KINDS, Change, difference
from tollbar.directory.entry import GAP, Entry, entries
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.settings import Tenant


def changed(before: list[Entry], changes: list[Change]) -> list[Entry]:
    """What a database holds after the changes; each says truly what was there."""
    held = {(entry.tenant, entry.kind, entry.key): entry for entry in before}
    for change in changes:
        key = (change.tenant, change.kind, change.key)
        old = held.pop(key, None)
        assert change.before == (old.body if old else None)
        assert change.version == (old.version if old else 0)
        if change.after is not None:
            held[key] = Entry(*key, change.place, change.after, change.version + 1)
    return list(held.values())


def order(found: list[Entry]) -> list[str]:
    return [entry.key for entry in sorted(found, key=lambda entry: (entry.place, entry.key))]


def plan(keys: str) -> list[Entry]:
    return [
        Entry("t", finding.DIAL_OBJECT, key, number * GAP, f'"{key}"', 1)
        for number, key in enumerate(keys, 1)
    ]


@given(directories, directories)
@settings(max_examples=200, deadline=None)
def test_a_difference_makes_the_one_the_other(
    before: dict[str, Tenant], after: dict[str, Tenant]
) -> None:
    old, new = all_entries(before), all_entries(after)
    assert difference(old, old) == []
    made = changed(old, difference(old, new))
    assert tenants(made) == after
    assert difference(made, new) == []


orders = st.lists(st.sampled_from("abcdefghijklmnop"), unique=True).map("".join)


@given(orders, st.lists(orders, min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_orders_one_after_the_other(first: str, following: list[str]) -> None:
    held = plan(first)
    for keys in following:
        held = changed(held, difference(held, plan(keys)))
        assert order(held) == list(keys)
        assert len({entry.place for entry in held}) == len(held)


@given(orders, orders)
def test_no_more_rows_move_than_must(before: str, after: str) -> None:
    staying = 0
    common = [key for key in after if key in before]
    longest: list[int] = []
    for number, key in enumerate(common):
        rises = [longest[n] for n in range(number) if before.index(common[n]) < before.index(key)]
        longest.append(1 + max(rises, default=0))
    staying = max(longest, default=0)
    moved = [c for c in difference(plan(before), plan(after)) if None not in (c.before, c.after)]
    assert len(moved) == len(common) - staying


def test_one_put_in_writes_one_row_also_hundreds_of_times_in_one_place() -> None:
    held = plan("az")
    rows = []
    for number in range(300):
        key = f"n{number}"
        keys = [*order(held)[:1], key, *order(held)[1:]]
        wanted = [Entry("t", finding.DIAL_OBJECT, k, n * GAP, f'"{k}"') for n, k in enumerate(keys)]
        changes = difference(held, wanted)
        rows.append(len(changes))
        held = changed(held, changes)
        assert order(held) == keys
    assert sorted(rows)[len(rows) // 2] == 1
    assert sum(rows) < 1200


def test_places_are_given_at_both_ends_and_between() -> None:
    changes = difference(plan("abc"), plan("xaybzc"))
    assert [(c.key, c.place) for c in changes] == [
        ("x", 0),
        ("y", GAP + GAP // 2),
        ("z", 2 * GAP + GAP // 2),
    ]
    assert [(c.key, c.place) for c in difference(plan("abc"), plan("abcd"))] == [("d", 4 * GAP)]
    assert [(c.key, c.place) for c in difference(plan("abc"), plan("xyabc"))] == [
        ("x", -GAP),
        ("y", 0),
    ]


def test_one_that_moves_is_a_change_of_its_place_only() -> None:
    (change,) = difference(plan("abcd"), plan("acdb"))
    assert change == Change("t", finding.DIAL_OBJECT, "b", '"b"', '"b"', 5 * GAP, 1)


def test_equal_places_are_no_difference() -> None:
    held = [replace(entry, place=GAP) for entry in plan("abc")]
    assert difference(held, held) == []
    assert order(changed(held, difference(held, plan("axbc")))) == list("axbc")


def test_what_is_referred_to_comes_first() -> None:
    before = Tenant(codes=(Code("1"), Code("3"), Code("4")), dial_plan=(DialObject("X", "local"),))
    after = Tenant(
        codes=(Code("4"), Code("2"), Code("3", "three")), dial_plan=(DialObject("Y", "local"),)
    )
    found = difference(entries("t", before), entries("t", after))
    assert [(c.kind, c.key) for c in found] == [
        (finding.CODE, "1"),
        (finding.CODE, "2"),
        (finding.CODE, "3"),
        (finding.DIAL_OBJECT, "X"),
        (finding.DIAL_OBJECT, "Y"),
    ]


def test_every_kind_has_its_turn() -> None:
    kinds = {entry.kind for entry in entries("t", Tenant())}
    assert kinds <= set(KINDS)
    assert len(set(KINDS)) == len(KINDS) == 9

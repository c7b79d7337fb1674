"""A tenant as entries, and entries as a tenant; what is broken is named."""

import json

import pytest
from hypothesis import given, settings
from tests.directory.made import directories, tenants

from tollbar.directory.assembly import Assembly
from tollbar.directory.assembly import tenants as assembled
from tollbar.directory.entry import Entry, entries
from tollbar.finding import Rejected
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.rights import Rights, User
from tollbar.policy.settings import Tenant


def all_entries(directory: dict[str, Tenant]) -> list[Entry]:
    return [entry for name, tenant in directory.items() for entry in entries(name, tenant)]


@given(directories)
@settings(max_examples=200, deadline=None)
def test_entries_make_the_same_directory_again(directory: dict[str, Tenant]) -> None:
    found = all_entries(directory)
    assert assembled(reversed(found)) == directory
    keys = [(entry.tenant, entry.kind, entry.key) for entry in found]
    assert len(set(keys)) == len(keys)
    for entry in found:
        again = json.dumps(
            json.loads(entry.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        assert again == entry.body


@given(tenants, tenants)
@settings(max_examples=100, deadline=None)
def test_an_order_is_kept_and_the_same_order_gives_the_same_entries(
    tenant: Tenant, other: Tenant
) -> None:
    assert (entries("t", tenant) == entries("t", other)) == (
        tenant == other and list(tenant.far_end) == list(other.far_end)
    )
    assert list(assembled(entries("t", tenant))["t"].far_end) == list(tenant.far_end)


def test_a_body_says_what_directory_yaml_says_and_no_more() -> None:
    bodies = {
        (entry.kind, entry.key): entry.body
        for entry in entries(
            "default",
            Tenant(
                codes=(Code("0214", "Archer", active=False), Code("1")),
                users=(User("ann", rights=Rights(verification=False, codes=frozenset("*"))),),
                dial_plan=(DialObject("XX", "local", location="berlin"),),
                far_end={"+49Z": "1"},
            ),
        )
    }
    assert bodies == {
        (finding.DEFAULT_USER, ""): "{}",
        (finding.CODE, "0214"): '{"active":false,"description":"Archer"}',
        (finding.CODE, "1"): "{}",
        (finding.USER, "ann"): '{"access":"*","rights":{"account_code_verification":false}}',
        (
            finding.DIAL_OBJECT,
            "XX at berlin",
        ): '{"classification":"local","location":"berlin","pattern":"XX"}',
        (finding.FAR_END, "+49Z"): '"1"',
    }


BROKEN = [
    (finding.CODE, "1", "{", "its body is not JSON"),
    (finding.CODE, "1", "[" * 100_000, "its body is not JSON"),
    (finding.CODE, "1", "[]", "is not a mapping"),
    (finding.CODE, "1", '{"descripton":"x"}', 'has a key "descripton"'),
    (finding.CODE, "1", '{"description":7}', '"description" is not a text'),
    (finding.CODE, "1", '{"active":"no"}', '"active" is neither true nor false'),
    (finding.CODE, "1", '{"valid_from":"2026-02-30"}', '"valid_from" is not a day'),
    (finding.CODE, "1", '{"attributes":{"a":1}}', '"attributes" is not a mapping to texts'),
    (finding.USER, "ann", '{"roles":[1]}', '"roles" is not a list of texts'),
    (finding.USER, "ann", '{"rights":{"fly":true}}', 'has a key "fly"'),
    (finding.ROLE, "r", '{"access":{}}', '"access" is not a list of texts'),
    (finding.LIST, "l", '"800"', "is not a list of texts"),
    (finding.FAR_END, "+49Z", "4711", "is not a text"),
    (finding.DIAL_OBJECT, "X", '{"pattern":"Y"}', 'says that it is "Y"'),
    (finding.DIAL_OBJECT, "X", '{"pattern":"X","dial_groups":"a"}', '"dial_groups" is not a list'),
    (finding.DIAL_OBJECT, "X", '{"pattern":"X","dial_groups":[1]}', "is not a mapping"),
    ("colour", "X", "{}", '"colour" is not a kind of entry'),
]


@pytest.mark.parametrize(("kind", "key", "body", "what"), BROKEN)
def test_a_body_broken_by_hand_is_named(kind: str, key: str, body: str, what: str) -> None:
    sound = Entry("acme", finding.CODE, "2", 0, "{}")
    with pytest.raises(Rejected) as caught:
        assembled([sound, Entry("acme", kind, key, 0, body)])
    assert str(caught.value) == (
        f'directory: tenant acme: {kind} "{key}": {what} (it was changed by hand)'
    )


def test_what_did_not_change_stays_the_same_object() -> None:
    plan = (DialObject("X", "local"), DialObject("XX", "local"))
    tenant = Tenant(codes=(Code("1"), Code("2")), users=(User("ann"),), dial_plan=plan)
    assembly = Assembly([*entries("a", tenant), *entries("b", tenant)])
    before = dict(assembly.tenants)
    assembly.change(
        [Entry("a", finding.CODE, "2", 0, '{"active":false}')], [("a", finding.CODE, "1")]
    )
    after = assembly.tenants
    assert after["a"] == Tenant(
        codes=(Code("2", active=False),), users=(User("ann"),), dial_plan=plan
    )
    assert after["a"].dial_plan is before["a"].dial_plan
    assert after["a"].users is before["a"].users
    assert after["b"] is before["b"]
    assert before["a"].codes == tenant.codes


def test_a_broken_change_leaves_everything_as_it_was() -> None:
    assembly = Assembly(entries("a", Tenant(codes=(Code("1"),))))
    before = dict(assembly.tenants)
    with pytest.raises(Rejected):
        assembly.change(
            [Entry("a", finding.CODE, "2", 0, "{}"), Entry("a", finding.CODE, "3", 0, "")],
            [("a", finding.CODE, "1")],
        )
    assembly.change([], [])
    assert assembly.tenants == before
    assert assembly.tenants["a"] is before["a"]


def test_a_tenant_without_entries_is_gone() -> None:
    assembly = Assembly([*entries("a", Tenant()), *entries("b", Tenant())])
    assert assembly.tenants == {"a": Tenant(), "b": Tenant()}
    assembly.change([], [("a", finding.DEFAULT_USER, "")])
    assert assembly.tenants == {"b": Tenant()}


@given(tenants, tenants)
@settings(max_examples=100, deadline=None)
def test_changes_give_what_a_fresh_start_gives(before: Tenant, after: Tenant) -> None:
    old = {(entry.kind, entry.key): entry for entry in entries("t", before)}
    new = {(entry.kind, entry.key): entry for entry in entries("t", after)}
    assembly = Assembly(old.values())
    gone = [("t", kind, key) for kind, key in old.keys() - new.keys()]
    assembly.change([entry for key, entry in new.items() if old.get(key) != entry], gone)
    assert assembly.tenants == assembled(new.values())
    assert list(assembly.tenants["t"].far_end) == list(after.far_end)


def test_a_few_among_many_stand_in_their_order() -> None:
    codes = tuple(Code(f"{number:05}") for number in range(0, 4000, 2))
    assembly = Assembly(entries("t", Tenant(codes=codes)))
    assembly.change([Entry("t", finding.CODE, key, 0, "{}") for key in ("00101", "9", "0")], [])
    found = [code.code for code in assembly.tenants["t"].codes]
    assert len(found) == 2003
    assert found == sorted(found)

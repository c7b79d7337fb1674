"""Effective rights: the union, and where each comes from."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.office import OFFICE, build, findings

from tollbar.policy.rights import ALL, Grant, Holders, Rights, Role, User, Workgroup

CODES = ["1", "2", "3"]
CLASSES = ["local", "toll_free", "mobile", "premium"]
EXPAND = {"local": frozenset({"local", "mobile"})}

RIGHTS = st.builds(
    Rights,
    verification=st.sampled_from([True, None]),
    view_codes=st.booleans(),
    modify_queue=st.frozensets(st.sampled_from(["bob", "sales", ALL]), max_size=2),
    correct_records=st.booleans(),
    view_reports=st.sampled_from(["", "", "viewable", "all"]),
    administer=st.frozensets(st.sampled_from(["codes", "users", ALL]), max_size=2),
    codes=st.frozensets(st.sampled_from([*CODES, ALL]), max_size=2),
    classifications=st.none() | st.frozensets(st.sampled_from(CLASSES), max_size=2),
)
NAMES = st.lists(st.sampled_from(["a", "b"]), unique=True)


@given(
    RIGHTS,
    st.tuples(RIGHTS, RIGHTS),
    st.tuples(RIGHTS, RIGHTS),
    st.tuples(NAMES, NAMES),
    RIGHTS,
    NAMES,
    NAMES,
    st.booleans(),
)
def test_a_user_has_the_union_and_its_provenance_tells_all(
    default: Rights,
    roles: tuple[Rights, Rights],
    workgroups: tuple[Rights, Rights],
    passed_on: tuple[list[str], list[str]],
    own: Rights,
    user_roles: list[str],
    user_groups: list[str],
    switched_off: bool,
) -> None:
    if switched_off:
        own = replace(own, verification=False)
    user = User("u", rights=own, roles=user_roles, workgroups=user_groups)
    by_role = dict(zip("ab", roles, strict=True))
    by_group = dict(zip("ab", zip(workgroups, passed_on, strict=True), strict=True))
    holders = Holders(
        default,
        [Role(name, rights) for name, rights in by_role.items()],
        [Workgroup(name, rights, passed) for name, (rights, passed) in by_group.items()],
        EXPAND,
    )
    granted = [default, own, *(by_role[name] for name in user_roles)]
    for name in user_groups:
        rights, passed = by_group[name]
        granted += [rights, *(by_role[role] for role in passed)]

    effective = holders.effective(user)
    assert effective.verification == (
        not switched_off and any(rights.verification for rights in granted)
    )
    for code in CODES:
        assert effective.may_use(code) == any({code, ALL} & rights.codes for rights in granted)
    stated = [r.classifications for r in granted if r.classifications is not None]
    for name in CLASSES:
        allowed = any(name in s or (name == "mobile" and "local" in s) for s in stated)
        assert effective.may_call(name) == (not stated or allowed)

    for queue in ("bob", "sales", "alice"):
        assert effective.may_modify(queue) == any({queue, ALL} & r.modify_queue for r in granted)
    assert effective.view_codes == any(rights.view_codes for rights in granted)
    assert effective.correct_records == any(rights.correct_records for rights in granted)
    most = max(["", "viewable", "all"].index(rights.view_reports) for rights in granted)
    assert effective.view_reports == ["", "viewable", "all"][most]
    named = {code for rights in granted for code in rights.codes}
    assert effective.named_codes() == (None if ALL in named else named)

    grants = holders.grants(user)
    for right in ("modify_queue", "administer"):
        told = {grant.value for grant in grants if grant.right == right}
        assert told == {name for rights in granted for name in getattr(rights, right)}
    assert {g.value for g in grants if g.right == "codes"} == {c for r in granted for c in r.codes}
    verification = [g.value for g in grants if g.right == "verification"]
    assert verification.count("off") == switched_off
    assert ("on" in verification) == effective.verification


def test_each_right_knows_where_it_comes_from() -> None:
    tenant = build().tenants["default"]
    alice = tenant.users["alice"].user
    assert tenant.holders.grants(alice) == [
        Grant("verification", "on", "role timekeeper of workgroup litigation"),
        Grant("codes", ALL, "role partner"),
    ]
    assert tenant.holders.grants(None) == []


def test_the_other_rights_are_told_with_what_they_are_for() -> None:
    own = Rights(
        view_codes=True,
        correct_records=True,
        view_reports="viewable",
        modify_queue=frozenset({"bob"}),
        administer=frozenset({"codes"}),
        classifications=frozenset({"local"}),
    )
    grants = Holders(Rights(), [], [], {}).grants(User("alice", rights=own))
    assert [(g.right, g.value) for g in grants] == [
        ("view_codes", "on"),
        ("correct_records", "on"),
        ("view_reports", "viewable"),
        ("modify_queue", "bob"),
        ("administer", "codes"),
        ("classifications", "local"),
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "key", "told"),
    [
        ({"default_user": Rights(verification=False)}, "default_user", "default user", "only a"),
        ({"roles": (*OFFICE.roles, Role("x", Rights(codes=frozenset({"77"}))))}, "role", "x", "77"),
        ({"roles": (*OFFICE.roles, OFFICE.roles[0])}, "role", "timekeeper", "is there twice"),
        (
            {"workgroups": (*OFFICE.workgroups, Workgroup("w", roles=("none",)))},
            "workgroup",
            "w",
            "no role 'none'",
        ),
        ({"users": (*OFFICE.users, User("u", roles=("none",)))}, "user", "u", "no role 'none'"),
        ({"users": (User("u", workgroups=("w",)),)}, "user", "u", "no workgroup 'w'"),
        ({"users": (User("bob"), User("bob"))}, "user", "bob", "is there twice"),
        ({"users": (User("u", extensions=("-",)),)}, "user", "u", "'-' is not a number"),
        (
            {"users": (User("u", rights=Rights(classifications=frozenset({"x"}))),)},
            "user",
            "u",
            "no classification 'x'",
        ),
        (
            {"users": (User("u", rights=Rights(modify_queue=frozenset({"x"}))),)},
            "user",
            "u",
            "no user or workgroup 'x'",
        ),
        ({"users": (User("u", rights=Rights(view_reports="x")),)}, "user", "u", "no such reports"),
        (
            {"users": (User("u", extensions=("1",)), User("v", numbers=("(1)",)))},
            "user",
            "v",
            "(1) already belongs to u",
        ),
    ],
)
def test_what_is_wrong_with_a_holder_names_it(
    changes: dict[str, object], kind: str, key: str, told: str
) -> None:
    (found,) = findings(replace(OFFICE, **changes))  # type: ignore[arg-type]
    assert (found.kind, found.key, found.tenant) == (kind, key, "default")
    assert told in found.text
    assert key in found.text


def test_a_workgroup_with_a_dangling_role_is_said_once_for_all_its_members() -> None:
    workgroups = (Workgroup("litigation", roles=("none",)), OFFICE.workgroups[1])
    (found,) = findings(replace(OFFICE, workgroups=workgroups))
    assert found.key == "litigation"

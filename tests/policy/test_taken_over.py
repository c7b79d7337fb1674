"""What a snapshot takes over from the one before, and when it must not."""

from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import CODES, GROUPS, OFFICE, PEERS, PLAN, VERIFIES, call

from tollbar.policy.account import Code
from tollbar.policy.finding import PlanError
from tollbar.policy.rights import Rights, User
from tollbar.policy.settings import Settings, Tenant
from tollbar.policy.snapshot import Snapshot, compile_snapshot
from tollbar.policy.trunk import DialGroup, PeerRules


def build(tenant: Tenant = OFFICE, previous: Snapshot | None = None, **settings: Any) -> Snapshot:
    peers, groups = settings.pop("peers", PEERS), settings.pop("groups", GROUPS)
    return compile_snapshot({"default": tenant}, peers, groups, Settings(**settings), previous)


def same(one: Snapshot, other: Snapshot) -> set[str]:
    first, second = one.tenants["default"], other.tenants["default"]
    return {
        name
        for name in ("codes", "plan", "users", "by_standardized")
        if getattr(first, name) is getattr(second, name)
    }


BEFORE = build()
EVERYTHING = {"codes", "plan", "users", "by_standardized"}


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, EVERYTHING),
        ({"codes": (*CODES, Code("7"))}, EVERYTHING - {"codes"}),
        ({"codes": (*CODES[:-1], Code("2020"))}, EVERYTHING - {"codes"}),
        ({"dial_plan": list(PLAN)}, {"codes", "users"}),
        ({"lists": dict(OFFICE.lists)}, {"codes", "users"}),
        ({"classifications": {"mobile": "local"}}, {"codes"}),
        ({"users": (*OFFICE.users, User("erin"))}, {"codes", "plan"}),
        ({"roles": list(OFFICE.roles)}, {"codes", "plan"}),
        ({"workgroups": list(OFFICE.workgroups)}, {"codes", "plan"}),
        ({"default_user": VERIFIES}, {"codes", "plan"}),
        ({"far_end": {"1": "4711"}}, EVERYTHING),
    ],
)
def test_only_what_came_of_the_very_same_objects_is_taken_over(
    changes: dict[str, Any], kept: set[str]
) -> None:
    assert same(BEFORE, build(replace(OFFICE, **changes), BEFORE)) == kept


@pytest.mark.parametrize(
    "settings",
    [
        {"timezone": "Europe/Berlin"},
        {"unmatched": "as_entered"},
        {"groups": (*GROUPS, DialGroup("more", ("carrier",)))},
        {"groups": (DialGroup("carriers", ("backup", "carrier")), GROUPS[1])},
        {"peers": (*PEERS, PeerRules("pbx2", "pbx"))},
        {"peers": (replace(PEERS[0], role="trunk", incoming=""), *PEERS[1:])},
    ],
)
def test_other_peers_groups_or_zone_compile_everything_again(settings: dict[str, Any]) -> None:
    try:
        after = build(previous=BEFORE, **settings)
    except PlanError:
        return
    assert same(BEFORE, after) == set()


def test_settings_of_no_consequence_compile_nothing_again() -> None:
    after = build(previous=BEFORE, templates=["*61*CODE#NUMBER"], unknown_callers="refuse")
    assert same(BEFORE, after) == EVERYTHING
    assert call(after, "*61*4711#9195551234").account_code == "4711"


def test_the_change_itself_is_in_force() -> None:
    retired = [replace(code, active=code.code != "4711") for code in CODES]
    after = build(replace(OFFICE, codes=retired), BEFORE)
    assert call(after, "9195551234", code="4711").reason == "retired"
    assert call(BEFORE, "9195551234", code="4711").reason == ""
    limited = replace(OFFICE, default_user=Rights(classifications=frozenset({"local"})))
    assert call(build(limited, BEFORE), "9195551234").reason == "classification"


def test_far_ends_are_taken_over_with_the_plan_and_no_code_gone() -> None:
    tenant = replace(OFFICE, far_end={"+1919Z": "3"})
    before = build(tenant)
    far_end = before.tenants["default"].far_end
    added = build(replace(tenant, codes=(*CODES, Code("7"))), before)
    assert added.tenants["default"].far_end is far_end
    for changes in ({"dial_plan": list(PLAN)}, {"far_end": dict(tenant.far_end)}):
        other = build(replace(tenant, **changes), before)
        assert other.tenants["default"].far_end is not far_end
    gone = tuple(code for code in CODES if code.code != "3")
    with pytest.raises(PlanError, match="far end \\+1919Z: no account code '3'"):
        build(replace(tenant, codes=gone), before)


def test_what_is_wrong_is_found_all_the_same() -> None:
    gone = tuple(code for code in CODES if code.code != "4711")
    with pytest.raises(PlanError, match="workgroup front_desk: no account code '4711'"):
        build(replace(OFFICE, codes=gone), BEFORE)
    twice = (*CODES, CODES[0])
    with pytest.raises(PlanError, match="is there twice"):
        build(replace(OFFICE, codes=twice), BEFORE)
    with pytest.raises(PlanError, match="a code is 1 to 50 digits"):
        build(replace(OFFICE, codes=(*CODES, Code("x"))), BEFORE)


def test_warnings_of_what_was_taken_over_are_said_again() -> None:
    silent = replace(OFFICE, dial_plan=PLAN[2:])
    before = build(silent)
    assert [warning.text for warning in before.warnings] == [
        "dial plan: no object is classified emergency"
    ]
    after = build(replace(silent, codes=(*CODES, Code("7"))), before)
    assert same(before, after) == EVERYTHING - {"codes"}
    assert after.warnings == before.warnings

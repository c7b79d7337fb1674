"""What all tenants share: settings, peers, dial groups."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import GROUPS, OFFICE, PEERS, build, findings, peer

from tollbar.policy.finding import PlanError
from tollbar.policy.trunk import DialGroup


@pytest.mark.parametrize(
    ("settings", "key", "told"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone", "no time zone 'Mars/Olympus'"),
        ({"timezone": "../etc/passwd"}, "timezone", "no time zone"),
        ({"unknown_callers": "x"}, "unknown_callers", "neither default nor refuse"),
        ({"unmatched": "x"}, "unmatched", "neither refuse nor as_entered"),
        ({"unmatched": "as_entered", "unmatched_group": "x"}, "unmatched", "needs a dial group"),
        ({"statuses": {"x": 403}}, "statuses", "no reason 'x'"),
        ({"statuses": {"required": 401}}, "statuses", "cannot be answered with 401"),
        ({"statuses": {"required": 200}}, "statuses", "cannot be answered with 200"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], key: str, told: str) -> None:
    (found,) = findings(**settings)
    assert (found.kind, found.key) == ("settings", key)
    assert told in found.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"role": "router"}, "no role 'router'"),
        ({"tenant": "x"}, "no tenant 'x'"),
        ({"incoming": "backup"}, "'backup', it is no pbx"),
        ({"incoming_numbers": {"1X": "x"}}, "'x', it is no pbx"),
        ({"incoming_numbers": {"1{": "pbx"}}, "'{' has no meaning"),
        ({"rewrite": [("1X", "XX")]}, "has 2 wildcards"),
    ],
)
def test_a_wrong_peer_is_named(changes: dict[str, Any], told: str) -> None:
    found = findings(peers=peer("carrier", **changes))
    assert [(one.kind, one.key, one.index) for one in found] == [("peer", "carrier", 1)]
    assert told in found[0].text


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ([DialGroup("x", [])], "has no members"),
        ([DialGroup("x", ["y"])], "no peer 'y'"),
        ([DialGroup("x", ["pbx"], "random")], "no hunting rule 'random'"),
        ([DialGroup("x", ["pbx"]), DialGroup("x", ["pbx"])], "is there twice"),
    ],
)
def test_a_wrong_dial_group_is_named(groups: Sequence[DialGroup], told: str) -> None:
    (found,) = findings(groups=[*GROUPS, *groups])
    assert (found.kind, found.key) == ("dial_group", "x")
    assert told in found.text


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"classifications": {"x": "y"}}, "classification", "no category 'y'"),
        ({"classifications": {"local": "premium"}}, "classification", "cannot be made another"),
        ({"lists": {**OFFICE.lists, "x": ["8a"]}}, "number_list", "'8a' is not digits"),
    ],
)
def test_a_wrong_name_is_named(changes: dict[str, Any], kind: str, told: str) -> None:
    (found,) = findings(replace(OFFICE, **changes))
    assert found.kind == kind
    assert told in found.text


def test_the_error_says_everything() -> None:
    with pytest.raises(PlanError) as caught:
        build(replace(OFFICE, dial_plan=()), timezone="x", groups=[DialGroup("g", [])])
    texts = str(caught.value)
    assert "no time zone" in texts
    assert "dial group g" in texts


def test_the_snapshot_of_the_office_has_everything() -> None:
    snapshot = build()
    assert set(snapshot.peers) == {rules.name for rules in PEERS}
    assert set(snapshot.tenants) == {"default"}
    assert set(snapshot.tenants["default"].users) == {user.name for user in OFFICE.users}

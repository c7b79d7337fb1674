"""Two tenants who share codes, extensions and a trunk, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import CARRIERS, NOON, call

from tollbar.policy.account import Code
from tollbar.policy.attempt import FORWARD, IN, OUT
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.finding import Finding, PlanError
from tollbar.policy.guess import Guess
from tollbar.policy.rights import ALL, Rights, User, Workgroup
from tollbar.policy.settings import Settings, Tenant
from tollbar.policy.snapshot import Snapshot, compile_snapshot
from tollbar.policy.trunk import DialGroup, PeerRules

EVERYTHING = Rights(verification=True, codes=frozenset({ALL}))


def firm(name: str, asks: bool, *codes: str) -> Tenant:
    return Tenant(
        codes=[Code(code, f"{name} {code}") for code in codes],
        users=[
            User(f"{name}1", extensions=("1001",), rights=EVERYTHING, workgroups=("sales",)),
            User(f"{name}2", extensions=("1002",), numbers=(f"317555{len(name):04}",)),
        ],
        workgroups=[Workgroup("sales", prefix="*7*")],
        dial_plan=[
            DialObject("911", "emergency", groups=CARRIERS),
            DialObject(
                "NXXNXXXXXX",
                "local",
                standardized="+1NXXNXXXXXX",
                verification=asks,
                groups=CARRIERS,
            ),
            DialObject("XXXX", "intercom", groups=(GroupUse(f"{name}_pbx"),)),
        ],
        far_end={"+1919Z": codes[0]},
    )


TENANTS = {"red": firm("red", True, "4711", "1"), "blue": firm("blue", False, "4711", "2")}
PEERS = [
    PeerRules("red", "pbx", tenant="red", trust_code=True),
    PeerRules("blue", "pbx", tenant="blue", trust_code=True),
    PeerRules(
        "carrier",
        "trunk",
        tenant="red",
        incoming="red",
        incoming_numbers={"3175550004": "blue", "3175559XXX": "blue", "1001": "blue"},
        trust_code=True,
    ),
]
GROUPS = [
    DialGroup("carriers", ("carrier",)),
    DialGroup("red_pbx", ("red",)),
    DialGroup("blue_pbx", ("blue",)),
]


def build(
    tenants: dict[str, Tenant] = TENANTS,
    peers: list[PeerRules] = PEERS,
    groups: list[DialGroup] = GROUPS,
    **settings: Any,
) -> Snapshot:
    return compile_snapshot(tenants, peers, groups, Settings(**settings))


def findings(**more: Any) -> list[Finding]:
    try:
        build(**more)
    except PlanError as error:
        return error.findings
    return []


# Calls out


def test_each_has_its_own_codes_users_and_plan_for_the_same_digits() -> None:
    snapshot = build()
    red = call(snapshot, "3175551234", "1001", "4711", via="red")
    blue = call(snapshot, "3175551234", "1001", "4711", via="blue")
    assert [d.tenant for d in (red, blue)] == ["red", "blue"]
    assert [d.user for d in (red, blue)] == ["red1", "blue1"]
    assert [d.account_code_description for d in (red, blue)] == ["red 4711", "blue 4711"]
    assert [d.matrix_row for d in (red, blue)] == [8, 7]
    assert [d.routes[0].peer for d in (red, blue)] == ["carrier", "carrier"]
    assert call(snapshot, "3175551234", "1001", "2", via="red").reason == "unknown"
    assert call(snapshot, "3175551234", "1001", "1", via="blue").reason == "unknown"


def test_an_extension_is_called_on_ones_own_pbx() -> None:
    snapshot = build()
    for name in ("red", "blue"):
        assert [r.peer for r in call(snapshot, "1002", "1001", via=name).routes] == [name]


def test_sticky_codes_guesses_and_workgroups_are_each_tenants_own() -> None:
    snapshot = build()
    situation = {
        "sticky": {("red", "red1"): "1"},
        "guesses": {("red", "red1"): Guess(9, (), 1, NOON + 9)},
    }
    red = call(snapshot, "3175551234", "1001", via="red", situation=situation)
    blue = call(snapshot, "3175551234", "1001", via="blue", situation=situation)
    assert (red.account_code, blue.account_code) == ("1", "")
    assert call(snapshot, "3175551234", "1001", "4711", via="red", situation=situation).reason
    coded = call(snapshot, "3175551234", "1001", "4711", via="blue", situation=situation)
    assert coded.action == FORWARD
    assert call(snapshot, "*7*3175551234", "1001", "4711", via="blue").workgroup == "sales"
    assert call(snapshot, "*7*3175551234", "1002", "4711", via="blue").reason == "workgroup"


# Calls in


@pytest.mark.parametrize(
    ("dialled", "tenant", "user", "pbx"),
    [
        ("1002", "red", "red2", "red"),
        ("1001", "blue", "blue1", "blue"),
        ("3175550004", "blue", "blue2", "blue"),
        ("3175550003", "red", "red2", "red"),
        ("3175559000", "blue", "", "blue"),
    ],
)
def test_a_call_on_a_shared_trunk_belongs_to_the_tenant_of_the_pbx_it_goes_to(
    dialled: str, tenant: str, user: str, pbx: str
) -> None:
    decision = call(build(), dialled, "9195551234", via="carrier")
    assert (decision.direction, decision.tenant, decision.user) == (IN, tenant, user)
    assert [route.peer for route in decision.routes] == [pbx]


def test_codes_of_an_incoming_call_are_those_of_the_pbxs_tenant() -> None:
    snapshot = build()
    blue = call(snapshot, "1001", "317", "2", via="carrier")
    assert (blue.account_code, blue.account_code_description) == ("2", "blue 2")
    assert call(snapshot, "1001", "317", "1", via="carrier").account_code == ""
    far = call(snapshot, "1001", "9195551234", via="carrier")
    assert (far.account_code_description, far.code_source) == ("blue 4711", "far_end")


def test_a_transit_call_belongs_to_the_trunks_own_tenant() -> None:
    other = replace(PEERS[2], name="other", incoming="", incoming_numbers={}, transit=True)
    through = replace(PEERS[2], transit=True)
    snapshot = build(peers=[*PEERS[:2], through, other])
    decision = call(snapshot, "3175551234", "77", via="other")
    assert (decision.direction, decision.tenant) == (OUT, "red")
    assert [route.peer for route in decision.routes] == ["carrier"]
    listed = call(snapshot, "3175559000", "77", via="carrier")
    assert (listed.direction, listed.tenant) == (IN, "blue")


# What stops the load


def test_a_dial_group_that_leads_to_anothers_pbx_is_refused() -> None:
    red = TENANTS["red"]
    plan = [*red.dial_plan, DialObject("8XXX", "intercom", groups=(GroupUse("blue_pbx"),))]
    (found,) = findings(tenants={**TENANTS, "red": replace(red, dial_plan=plan)})
    assert (found.tenant, found.kind, found.key) == ("red", "dial_object", "8XXX")
    assert found.text == (
        "dial-plan object 8XXX: dial group blue_pbx leads to blue, a PBX of another tenant"
    )


def test_it_is_refused_among_trunks_and_for_emergency_too() -> None:
    groups = [DialGroup("carriers", ("carrier", "blue")), *GROUPS[1:]]
    found = findings(groups=groups)
    assert {one.tenant for one in found} == {"red"}
    assert {one.key for one in found} == {"911", "NXXNXXXXXX"}


def test_numbers_dialled_as_entered_never_reach_anothers_pbx() -> None:
    groups = [DialGroup("mixed", ("carrier", "blue")), *GROUPS]
    snapshot = build(groups=groups, unmatched="as_entered")
    assert call(snapshot, "00", "1001", "4711", via="red").routes[0].dial_group == "carriers"
    assert call(snapshot, "00", "1001", "4711", via="blue").routes[0].dial_group == "mixed"

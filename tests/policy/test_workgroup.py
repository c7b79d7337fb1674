"""On whose behalf a call is made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import CARRIERS, OFFICE, PLAN, build, call, findings, peer

from tollbar.policy.attempt import FORWARD, Decision
from tollbar.policy.dialplan import DialObject
from tollbar.policy.rights import Workgroup
from tollbar.policy.snapshot import Snapshot

TEMPLATE = "*61*CODE#NUMBER"
TRUSTED = peer(trust_workgroup=True)


def office(plan: Sequence[DialObject] = PLAN, **settings: Any) -> Snapshot:
    groups = (
        replace(OFFICE.workgroups[0], prefix="*71*"),
        replace(OFFICE.workgroups[1], prefix="*72*"),
        Workgroup("other", prefix="85"),
    )
    users = [
        replace(user, workgroups=("litigation", "front_desk")) if user.name == "alice" else user
        for user in OFFICE.users
    ]
    tenant = replace(OFFICE, workgroups=groups, users=users, dial_plan=plan)
    return build(tenant, **{"peers": TRUSTED, "templates": [TEMPLATE], **settings})


def made(dialled: str, *named: str, caller: str = "1001", **more: Any) -> Decision:
    return call(office(), dialled, caller, workgroups=named, **more)


@pytest.mark.parametrize(
    ("dialled", "named", "workgroup", "code"),
    [
        ("3175551234", (), "", ""),
        ("3175551234", ("litigation",), "litigation", ""),
        ("3175551234", (" litigation\t", "litigation"), "litigation", ""),
        ("3175551234", ("", " "), "", ""),
        ("*71*3175551234", (), "litigation", ""),
        ("*72*(317) 555-1234", (), "front_desk", ""),
        ("*71*3175551234", ("litigation",), "litigation", ""),
        ("*71**61*4711#3175551234", (), "litigation", "4711"),
        ("*61*4711#*71*3175551234", (), "litigation", "4711"),
        ("*71**61*4711#*71*3175551234", (), "litigation", "4711"),
    ],
)
def test_a_workgroup_is_named_by_header_or_prefix(
    dialled: str, named: Sequence[str], workgroup: str, code: str
) -> None:
    decision = made(dialled, *named)
    assert (decision.action, decision.workgroup, decision.account_code) == (
        FORWARD,
        workgroup,
        code,
    )
    assert decision.dialled == "3175551234"
    assert decision.standardized == "+13175551234"


@pytest.mark.parametrize(
    ("dialled", "named", "caller", "said"),
    [
        ("3175551234", ("nobody",), "1001", "there is none of this name"),
        ("3175551234", ("Litigation",), "1001", "there is none of this name"),
        ("3175551234", ("litigation",), "1002", "the caller is no member"),
        ("3175551234", ("litigation",), "77", "the caller is no member"),
        ("*71*3175551234", (), "1002", "the caller is no member"),
        ("3175551234", ("litigation", "front_desk"), "1001", "more than one is named"),
        ("*71*3175551234", ("front_desk",), "1001", "more than one is named"),
        ("*71**61*4711#*72*3175551234", (), "1001", "more than one is named"),
    ],
)
def test_one_that_is_unknown_not_the_callers_or_not_the_only_one_is_refused(
    dialled: str, named: Sequence[str], caller: str, said: str
) -> None:
    decision = made(dialled, *named, caller=caller)
    assert (decision.reason, decision.status, decision.q850) == ("workgroup", 403, 21)
    assert (decision.workgroup, decision.text) == ("", "Workgroup Not Permitted")
    assert ("workgroup", said) in decision.steps


def test_a_peer_that_is_not_trusted_names_none_but_a_prefix_counts() -> None:
    snapshot = office(peers=peer())
    decision = call(snapshot, "3175551234", workgroups=["nobody"])
    assert (decision.action, decision.workgroup) == (FORWARD, "")
    assert ("workgroup ignored", "the peer is not trusted for it") in decision.steps
    assert call(snapshot, "*71*3175551234", workgroups=["nobody"]).workgroup == "litigation"


def test_who_redials_a_prefix_behind_another_dials_no_code_to_the_trunk() -> None:
    rest = DialObject("Z", "local", groups=CARRIERS, allow_bypass="the last")
    groups = [replace(OFFICE.workgroups[n], prefix=f"*7{n + 1}*") for n in (0, 1)]
    tenant = replace(OFFICE, workgroups=groups, dial_plan=(*PLAN, rest))
    snapshot = build(tenant, templates=["CODE**NUMBER"])
    decision = call(snapshot, "*71**71*4711**3175551234")
    assert (decision.workgroup, decision.account_code) == ("litigation", "4711")
    assert decision.routes[0].dial_string == "13175551234"
    assert call(snapshot, "*71**72*3175551234").reason == "workgroup"
    assert call(snapshot, "*71**71**71*911").emergency
    assert call(snapshot, "*71*" * 9 + "3175551234").reason == "no_match"


def test_behind_a_prefix_digits_are_the_number_whatever_they_begin_with() -> None:
    groups = (replace(OFFICE.workgroups[0], prefix="8"),)
    tenant = replace(OFFICE, workgroups=groups, users=OFFICE.users[:1])
    assert call(build(tenant), "88005551234").dialled == "8005551234"


def test_an_outside_caller_names_none() -> None:
    snapshot = office(peers=peer("carrier", trust_workgroup=True))
    decision = call(snapshot, "1001", via="carrier", workgroups=["litigation"])
    assert (decision.action, decision.workgroup) == (FORWARD, "")
    assert ("workgroup ignored", "outside callers are in none") in decision.steps


@pytest.mark.parametrize(
    "dialled", ["911", "*71*911", "*71*9911", "*71**61*8#911", "*61*8#*71*911", "*72*911", "85911"]
)
@pytest.mark.parametrize("caller", ["1001", "1002", "77"])
@pytest.mark.parametrize("named", [(), ("nobody",), ("litigation", "front_desk")])
def test_emergency_comes_first_before_and_behind_prefixes(
    dialled: str, caller: str, named: Sequence[str]
) -> None:
    decision = made(dialled, *named, caller=caller)
    assert (decision.action, decision.emergency, decision.reason) == (FORWARD, True, "")
    assert decision.routes[0].dial_string == "911"


def test_an_emergency_call_keeps_the_workgroup_that_is_right() -> None:
    assert made("911", "litigation").workgroup == "litigation"
    assert made("911", "nobody").workgroup == ""


def test_an_emergency_number_that_begins_as_a_prefix_is_one() -> None:
    star = DialObject("*71*112", "emergency", dial_string='"112"', groups=CARRIERS)
    assert call(office((*PLAN, star)), "*71*112").emergency


@pytest.mark.parametrize("dialled", ["*71*", "*7", "*71", "8", "*71**61*4711"])
def test_a_prefix_alone_is_incomplete(dialled: str) -> None:
    assert made(dialled).reason == "incomplete"


def test_the_code_behind_an_unfinished_template_and_a_prefix_goes_nowhere() -> None:
    everything = DialObject("Z", "local", groups=CARRIERS)
    decision = call(office((PLAN[0], everything)), "*71**61*4711")
    assert decision.reason == "incomplete"
    assert "4711" not in repr(decision)


@pytest.mark.parametrize(
    ("prefixes", "more", "told"),
    [
        (["7x"], {}, "workgroup g0: prefix 7x: is no prefix; 1 to 16 digits, * and #"),
        (["*" * 17], {}, "is no prefix"),
        (["*7", "*71"], {}, "workgroup g1: prefix *71: that of workgroup g0 begins so too"),
        (["*71", "*7"], {}, "workgroup g0: prefix *71: that of workgroup g1 begins so too"),
        (["*71", "*71"], {}, "workgroup g1: prefix *71: that of workgroup g0 begins so too"),
        (["*6"], {"templates": [TEMPLATE]}, f"template {TEMPLATE} can match the same digits"),
        (["81"], {"templates": ["CODE**NUMBER"]}, "template CODE**NUMBER can match"),
        (["*62*4"], {"sticky_set": "*62*CODE#"}, "sticky code *62*CODE# can match"),
        (["*6"], {"sticky_set": "*72*CODE#", "sticky_clear": "*63#"}, "sticky code *63# can"),
    ],
)
def test_a_prefix_that_could_be_something_else_stops_the_load(
    prefixes: Sequence[str], more: dict[str, Any], told: str
) -> None:
    groups = [Workgroup(f"g{n}", prefix=prefix) for n, prefix in enumerate(prefixes)]
    tenant = replace(OFFICE, workgroups=(*OFFICE.workgroups, *groups))
    (found,) = findings(tenant, **more)
    assert found.kind == "workgroup"
    assert told in found.text


def test_an_object_that_a_prefix_hides_is_warned_of() -> None:
    hidden = DialObject("85XX5", "local", groups=CARRIERS)
    warnings = office((*PLAN, hidden)).warnings
    assert [warning.text for warning in warnings] == [
        "dial-plan object 85XX5: is never reached, prefix 85 comes before it"
    ]

"""Emergency calls are always placed."""

import json
import re
from dataclasses import replace

import pytest
from tests.policy.office import CARRIERS, OFFICE, PLAN, build, call, peer

from tollbar.policy import explain
from tollbar.policy.attempt import FORWARD
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.rights import Rights

BAD = ["x", "8", "99", "2020"]


@pytest.mark.parametrize("dialled", ["911", "9911", "9-1-1", "urn:service:sos", "sip:911@pbx"])
@pytest.mark.parametrize("caller", ["1001", "1002", "1003", "1004", "5550000", ""])
@pytest.mark.parametrize("code", [None, *BAD])
def test_a_bad_code_is_dropped_and_the_call_is_placed(
    dialled: str, caller: str, code: str | None
) -> None:
    decision = call(build(unknown_callers="refuse"), dialled, caller, code)
    assert decision.action == FORWARD
    assert decision.emergency
    assert (decision.account_code, decision.in_report, decision.matrix_row) == ("", False, 0)
    assert [route.dial_string for route in decision.routes] == ["911", "911"]
    assert (decision.status, decision.reason) == (0, "")


def test_rows_3_and_9_do_not_hold_for_emergency() -> None:
    for caller in ("1004", "1003"):
        assert call(build(), "3175551234", caller, "8").matrix_row in (3, 9)
        assert call(build(), "911", caller, "8").action == FORWARD
        assert call(build(), "911", caller, "4711").account_code == ""


def test_who_makes_one_is_called_back_at_his_number() -> None:
    decision = call(build(), "911", "1001")
    assert decision.callback == "+13175550101"
    assert explain.as_dict(decision)["callback"] == "+13175550101"
    assert json.loads(explain.as_json(decision))["callback"] == "+13175550101"
    assert re.search(r"called back at +\+13175550101\n", explain.as_text(decision))
    assert call(build(), "911", "5550000").callback == "5550000"
    assert call(build(), "3175551234", "1001").callback == ""


def test_a_good_code_stays_with_an_emergency_call() -> None:
    decision = call(build(), "911", "1001", "4711")
    assert (decision.account_code, decision.in_report) == ("4711", True)


def test_conflicting_codes_are_dropped() -> None:
    decision = call(build(), "911", codes=[("header", "1"), ("header", "3")])
    assert (decision.action, decision.account_code, decision.code_check) == (
        FORWARD,
        "",
        "conflict",
    )
    assert ("code dropped", "conflict") in decision.steps


def test_class_limits_do_not_hold_for_emergency() -> None:
    limited = replace(OFFICE, default_user=Rights(classifications=frozenset({"local"})))
    assert call(build(limited), "911").action == FORWARD


@pytest.mark.parametrize(
    "dialled", ["*61*8#911", "*61*8#9911", "*61*#911", "*61*8%23911", "*61*abc#911"]
)
def test_emergency_is_recognised_behind_a_template(dialled: str) -> None:
    decision = call(build(templates=["*61*CODE#NUMBER"]), dialled)
    assert (decision.action, decision.emergency, decision.dialled[-3:]) == (FORWARD, True, "911")


def test_emergency_is_recognised_before_a_template() -> None:
    star = DialObject("*61*112#Z", "emergency", dial_string='"112"Z', groups=CARRIERS)
    tenant = replace(OFFICE, dial_plan=(*PLAN, star))
    decision = call(build(tenant, templates=["*61*CODE#NUMBER"]), "*61*112#5")
    assert decision.emergency
    assert decision.dial_object == "*61*112#Z"


@pytest.mark.parametrize("urn", ["urn:service:sos", "URN:SERVICE:SOS", "urn:service:sos.fire"])
def test_an_urn_is_sent_as_the_first_plain_emergency_number(urn: str) -> None:
    wild = DialObject("11X", "emergency", dial_string="11X", groups=CARRIERS)
    tenant = replace(OFFICE, dial_plan=(wild, *PLAN))
    decision = call(build(tenant), urn)
    assert decision.emergency
    assert decision.dialled == urn.lower()
    assert decision.routes[0].dial_string == "911"
    only = replace(OFFICE, dial_plan=(wild, PLAN[-1]))
    assert call(build(only), urn).routes[0].dial_string == "110"


def test_an_urn_can_be_sent_as_a_number_of_a_list() -> None:
    listed = DialObject("1$$", "emergency", list_name="help", dial_string="1$$", groups=CARRIERS)
    tenant = replace(OFFICE, dial_plan=(listed,), lists={"help": ["12", "18"]})
    assert call(build(tenant), "urn:service:sos").routes[0].dial_string == "112"


@pytest.mark.parametrize(
    ("outputs", "sent"),
    [
        ({"dial_string": "911"}, "911"),
        ({"standardized": "112"}, "112"),
        ({"standardized": "112", "dial_string": r"0\1"}, "0112"),
    ],
)
def test_an_urn_can_be_sent_where_emergency_is_a_regular_expression(
    outputs: dict[str, str], sent: str
) -> None:
    regular = DialObject("re:9?(911|112)", "emergency", groups=CARRIERS)
    for field, text in outputs.items():
        setattr(regular, field, text)
    snapshot = build(replace(OFFICE, dial_plan=(regular,)))
    decision = call(snapshot, "urn:service:sos")
    assert (decision.emergency, decision.routes[0].dial_string) == (True, sent)
    assert not [found for found in snapshot.warnings if "urn:" in found.text]


def test_an_urn_that_stands_for_no_number_is_warned_of() -> None:
    regular = DialObject("re:9?(911|112)", "emergency", dial_string=r"\1", groups=CARRIERS)
    snapshot = build(replace(OFFICE, dial_plan=(regular,)))
    assert ["urn:service:sos" in found.text for found in snapshot.warnings] == [True]
    assert call(snapshot, "urn:service:sos").reason == "no_match"
    behind = build(replace(OFFICE, dial_plan=(regular, PLAN[0])))
    assert call(behind, "urn:service:sos").routes[0].dial_string == "911"


@pytest.mark.parametrize("verification", [False, True])
@pytest.mark.parametrize("classification", ["long_distance", "blocked"])
def test_an_urn_is_not_taken_by_an_object_that_matches_everything(
    classification: str, verification: bool
) -> None:
    rest = DialObject("Z", classification, verification=verification, groups=CARRIERS)
    decision = call(build(replace(OFFICE, dial_plan=(rest, *PLAN))), "urn:service:sos.police")
    assert (decision.emergency, decision.routes[0].dial_string) == (True, "911")
    assert decision.dialled == "urn:service:sos.police"


def test_an_urn_with_an_emergency_object_of_its_own_is_sent_by_that() -> None:
    fire = DialObject('"urn:service:sos.fire"', "emergency", dial_string="110", groups=CARRIERS)
    decision = call(build(replace(OFFICE, dial_plan=(*PLAN, fire))), "urn:service:sos.fire")
    assert (decision.emergency, decision.routes[0].dial_string) == (True, "110")


@pytest.mark.parametrize("incoming", ["", "pbx"])
def test_an_urn_of_a_trunk_in_transit_goes_the_way_of_an_emergency_number(incoming: str) -> None:
    snapshot = build(peers=peer("carrier", transit=True, incoming=incoming))
    decision = call(snapshot, "urn:service:sos", via="carrier")
    assert decision.emergency
    assert [route.peer for route in decision.routes] == ["backup", "carrier"]


@pytest.mark.parametrize("urn", ["urn:service:sosx", "urn:service:so", "urn:x:sos"])
def test_another_urn_is_no_emergency(urn: str) -> None:
    assert not call(build(), urn).emergency


def test_an_urn_without_an_emergency_object_matches_nothing() -> None:
    tenant = replace(OFFICE, dial_plan=PLAN[2:])
    assert call(build(tenant), "urn:service:sos").reason == "no_match"


def test_trunks_that_are_down_are_tried_last() -> None:
    snapshot = build()
    decision = call(snapshot, "911", down=frozenset({"carrier"}))
    assert [route.peer for route in decision.routes] == ["backup", "carrier"]
    decision = call(snapshot, "911", down=frozenset({"carrier", "backup"}))
    assert [route.peer for route in decision.routes] == ["carrier", "backup"]


def test_a_dial_group_of_another_place_is_better_than_none() -> None:
    uses = (GroupUse("pbx", location="berlin"), GroupUse("carriers", location="rome"))
    tenant = replace(OFFICE, dial_plan=(DialObject("911", "emergency", groups=uses),))
    assert call(build(tenant), "911").action == FORWARD
    decision = call(build(tenant, peers=peer(location="rome")), "911")
    assert [route.peer for route in decision.routes] == ["carrier", "backup", "pbx"]


def test_the_place_of_the_caller_is_told() -> None:
    assert call(build(peers=peer(location="rome")), "911").location == "rome"

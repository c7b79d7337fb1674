"""Codes that nobody gives with the call: sticky, of the far end, the user's own default."""

from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import CODES, NOON, OFFICE, PLAN, build, call, findings, peer

from tollbar.policy import explain
from tollbar.policy.attempt import ANSWER, FORWARD, INTERNAL, REJECT, Decision
from tollbar.policy.guess import number_holder
from tollbar.policy.rights import ALL, Rights
from tollbar.policy.settings import Tenant

SET, CLEAR = "*62*CODE#", "*63#"
ALICE = ("default", "alice")
BOB = ("default", "bob")


def office(default: str = "", far_end: dict[str, str] | None = None, who: str = "alice") -> Tenant:
    users = [
        replace(user, default_code=default) if user.name == who else user for user in OFFICE.users
    ]
    return replace(OFFICE, users=users, far_end=far_end or {})


def sticky(code: str, holder: tuple[str, str] = ALICE) -> dict[str, Any]:
    return {"sticky": {holder: code}}


def taken(decision: Decision) -> tuple[str, str, int]:
    return decision.account_code, decision.code_source, decision.matrix_row


# Which one counts


@pytest.mark.parametrize(
    ("explicit", "stuck", "far", "default", "expected"),
    [
        ("4711", "1", "3", "20", ("4711", "header", 8)),
        (None, "1", "3", "20", ("1", "sticky", 8)),
        (None, "", "3", "20", ("3", "far_end", 8)),
        (None, "", "", "20", ("20", "default", 8)),
        (None, "", "", "", ("", "", 11)),
        ("8", "1", "3", "20", ("", "header", 10)),  # an explicit one that is wrong is refused
        (None, "99", "3", "20", ("3", "far_end", 8)),  # an implicit one counts as none
        (None, "8", "2020", "20", ("20", "default", 8)),
        (None, "8", "2020", "99", ("", "", 11)),
    ],
)
def test_implicit_codes_count_in_their_order_and_only_without_an_explicit_one(
    explicit: str | None, stuck: str, far: str, default: str, expected: tuple[str, str, int]
) -> None:
    tenant = office(default, {"+1919Z": far} if far in {c.code for c in CODES} else {})
    decision = call(build(tenant), "9195551234", code=explicit, situation=sticky(stuck))
    assert taken(decision) == expected
    assert not decision.guessed or explicit == "8"


def test_the_record_says_why_an_implicit_code_was_not_used() -> None:
    decision = call(build(office("99", {"+1919Z": "2020"})), "9195551234", situation=sticky("8"))
    assert decision.reason == "required"
    assert [step for step in decision.steps if "not used" in step[0]] == [
        ("sticky code not used", "unknown"),
        ("far_end code not used", "expired"),
        ("default code not used", "retired"),
    ]
    assert decision.code_check == "none"


def test_an_implicit_code_takes_access() -> None:
    decision = call(build(office("20", who="bob")), "3175551234", "1002")
    assert taken(decision) == ("", "", 5)
    assert ("default code not used", "not_permitted") in decision.steps
    assert taken(call(build(office("4711", who="bob")), "3175551234", "1002"))[0] == "4711"


def test_where_no_code_is_asked_an_implicit_one_is_in_the_report() -> None:
    decision = call(build(office("20")), "3175551234")
    assert (decision.matrix_row, decision.in_report, decision.account_code_description) == (
        7,
        True,
        "",
    )


def test_a_header_that_does_not_count_leaves_the_implicit_one() -> None:
    snapshot = build(office("20"), peers=peer(trust_code=False))
    assert taken(call(snapshot, "9195551234", code="8"))[:2] == ("20", "default")


def test_emergency_transit_and_switched_off_know_no_implicit_code() -> None:
    tenant = office("20", {"Z": "3"})
    assert call(build(tenant), "911", situation=sticky("1")).account_code == ""
    off = build(tenant, account_codes=False)
    assert call(off, "9195551234", situation=sticky("1")).account_code == ""
    transit = build(tenant, peers=peer("carrier", transit=True))
    assert call(transit, "9195551234", "77", via="carrier").account_code == ""


def test_another_callers_sticky_code_is_not_mine() -> None:
    assert call(build(), "9195551234", situation=sticky("1", BOB)).reason == "required"
    other = ("other", "alice")
    assert call(build(), "9195551234", situation=sticky("1", other)).reason == "required"


def test_a_number_that_looks_like_a_users_name_is_not_that_user() -> None:
    assert call(build(), "9195551234", "alice").holder == ("default", number_holder("alice"))
    assert call(build(), "9195551234", "1001").holder == ALICE


# Far end


@pytest.mark.parametrize("pattern", ["+19195551234", "919-555-1234", "919195551234", "+1919Z"])
@pytest.mark.parametrize(
    "dialled", ["9195551234", "19195551234", "+19195551234", "9+1 (919) 555-1234", "919195551234"]
)
def test_every_spelling_of_the_far_end_finds_its_code(pattern: str, dialled: str) -> None:
    decision = call(build(office(far_end={pattern: "3", "Z": "20"})), dialled)
    assert taken(decision) == ("3", "far_end", 8)
    assert call(build(office(far_end={pattern: "3"})), "3175551234").account_code == ""


@pytest.mark.parametrize("caller", ["9195551234", "+19195551234", "1-919-555-1234"])
def test_an_incoming_call_is_billed_by_its_caller(caller: str) -> None:
    snapshot = build(office(far_end={"+19195551234": "3"}))
    decision = call(snapshot, "1001", caller, via="carrier")
    assert (decision.account_code, decision.code_source) == ("3", "far_end")
    assert decision.in_report
    assert call(snapshot, "1001", "3175551234", via="carrier").account_code == ""


def test_an_incoming_call_takes_right_and_access_of_the_called_user() -> None:
    snapshot = build(office(far_end={"+1919Z": "4711"}))
    found = {
        user: call(snapshot, user, "9195551234", via="carrier")
        for user in ("1001", "1002", "1003", "9")
    }
    assert [decision.account_code for decision in found.values()] == ["4711", "", "", ""]
    for user in ("1002", "1003", "9"):
        assert ("far_end code not used", "not_permitted") in found[user].steps
        assert found[user].action == FORWARD


def test_a_code_that_comes_with_an_incoming_call_is_before_the_far_ends() -> None:
    snapshot = build(office(far_end={"Z": "3"}), peers=peer("carrier", trust_code=True))
    assert call(snapshot, "1001", "919", "4711", via="carrier").account_code == "4711"
    assert call(snapshot, "1001", "919", "8", via="carrier").account_code == ""
    # A header that does not count is none.
    other = build(office(far_end={"Z": "3"}))
    assert call(other, "1001", "919", "4711", via="carrier").account_code == "3"


@pytest.mark.parametrize(
    ("far_end", "told"),
    [
        ({"1{": "3"}, "far end 1{: '{' has no meaning here; put text in double quotes"),
        ({"1X": "8"}, "far end 1X: no account code '8'"),
    ],
)
def test_a_wrong_far_end_stops_the_load(far_end: dict[str, str], told: str) -> None:
    (found,) = findings(office(far_end=far_end))
    assert (found.kind, found.key, found.text) == ("far_end", next(iter(far_end)), told)


@pytest.mark.parametrize("code", ["8", ALL])
def test_a_default_code_must_be_there(code: str) -> None:
    (found,) = findings(office(code))
    assert (found.kind, found.key, found.text) == (
        "user",
        "alice",
        f"user alice: no account code {code!r}",
    )


# Feature codes


def feature(dialled: str, caller: str = "1001", **more: Any) -> Decision:
    settings = {"sticky_set": SET, "sticky_clear": CLEAR, **more.pop("settings", {})}
    return call(build(**settings), dialled, caller, **more)


def test_a_sticky_code_is_checked_and_set() -> None:
    decision = feature("*62*4711#")
    assert (decision.action, decision.sticky, decision.holder) == (ANSWER, "4711", ALICE)
    assert (decision.direction, decision.user, decision.code_check) == (INTERNAL, "alice", "valid")
    assert (decision.account_code, decision.in_report, decision.routes) == ("", False, ())
    assert not decision.guessed
    assert feature("*62*4711%23").sticky == "4711"


def test_a_sticky_code_is_cleared() -> None:
    decision = feature("*63#")
    assert (decision.action, decision.sticky, decision.holder) == (ANSWER, "", ALICE)
    assert (decision.dialled, feature("*62*4711#").dialled) == ("*63#", "*62*")


@pytest.mark.parametrize(
    ("dialled", "caller", "reason", "guessed"),
    [
        ("*62*8#", "1001", "unknown", True),
        ("*62*99#", "1001", "retired", True),
        ("*62*20#", "1002", "not_permitted", True),
        ("*62*47x#", "1001", "malformed", True),
        ("*62*47#11#", "1001", "malformed", True),
        ("*62*#", "1001", "required", False),
        ("*62*4711", "1001", "incomplete", False),
        ("*62*", "1001", "incomplete", False),
        ("*6", "1001", "incomplete", False),
        ("*64#", "1001", "no_match", False),
    ],
)
def test_a_sticky_code_that_is_not_accepted_is_refused_as_such(
    dialled: str, caller: str, reason: str, guessed: bool
) -> None:
    decision = feature(dialled, caller)
    assert (decision.action, decision.reason, decision.guessed) == (REJECT, reason, guessed)
    assert decision.sticky == ""


def test_no_explanation_of_a_feature_code_holds_it() -> None:
    for dialled in ("*62*4711#", "*62*47118888#", "*62*4711"):
        decision = feature(dialled)
        for text in (
            explain.as_text(decision),
            explain.as_json(decision),
            str(explain.as_dict(decision)),
        ):
            assert "4711" not in text
    assert "sticky code **** set" in explain.as_text(feature("*62*4711#"))
    assert "sticky code cleared" in explain.as_text(feature("*63#"))


def test_a_header_that_says_otherwise_is_a_conflict() -> None:
    assert feature("*62*4711#", code="1").reason == "conflict"
    assert feature("*62*4711#", code="4711").action == ANSWER


def test_feature_codes_are_off_with_account_codes_and_unless_configured() -> None:
    decision = feature("*62*4711#", settings={"account_codes": False})
    assert (decision.action, decision.reason) == (REJECT, "no_match")
    assert "4711" not in repr(decision)
    assert call(build(), "*62*4711#").reason == "no_match"


def test_an_unknown_caller_is_refused_before_his_sticky_code() -> None:
    assert feature("*62*8#", "77", settings={"unknown_callers": "refuse"}).reason == (
        "unknown_caller"
    )


def test_feature_codes_are_not_for_outside_callers() -> None:
    snapshot = build(
        sticky_set=SET, sticky_clear=CLEAR, peers=peer("carrier", transit=True, incoming="")
    )
    assert call(snapshot, "*63#", via="carrier").action == REJECT


def test_an_emergency_number_comes_before_feature_codes() -> None:
    star = replace(PLAN[0], pattern="*62*112#")
    snapshot = build(replace(OFFICE, dial_plan=(*PLAN, star)), sticky_set=SET, sticky_clear=CLEAR)
    assert call(snapshot, "*62*112#").emergency


def test_where_nothing_clears_a_sticky_code_no_number_does() -> None:
    decision = feature("", settings={"sticky_clear": ""})
    assert (decision.action, decision.reason) == (REJECT, "incomplete")
    assert feature("*62*4711#", settings={"sticky_clear": ""}).sticky == "4711"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sticky_set": "*62#"}, "CODE is missing"),
        ({"sticky_set": "", "sticky_clear": "*63#"}, "CODE is missing"),
        ({"sticky_set": "62*CODE#"}, "begins with * or #"),
        ({"sticky_set": "CODE#"}, "begins with * or #"),
        ({"sticky_set": "*62xCODE"}, "may hold digits, * and #"),
        ({"sticky_set": SET, "sticky_clear": "63"}, "begins with * or #"),
        ({"sticky_set": SET, "sticky_clear": "*62*1#"}, "sticky code *62*CODE# can match"),
        ({"sticky_set": SET, "templates": ["*62*CODE#NUMBER"]}, "template *62*CODE#NUMBER can"),
        (
            {"sticky_set": SET, "sticky_clear": "*61*1#2", "templates": ["*61*CODE#NUMBER"]},
            "template *61*CODE#NUMBER can match the same digits, for example *61*1#2",
        ),
    ],
)
def test_a_feature_code_that_could_be_something_else_stops_the_load(
    settings: dict[str, Any], told: str
) -> None:
    (found,) = findings(OFFICE, **settings)
    assert (found.kind, found.key) == ("settings", "sticky")
    assert told in found.text


def test_an_object_that_a_feature_code_hides_is_warned_of() -> None:
    hidden = replace(PLAN[-1], pattern="*62*X")
    snapshot = build(replace(OFFICE, dial_plan=(*PLAN, hidden)), sticky_set=SET, sticky_clear=CLEAR)
    (warning,) = snapshot.warnings
    assert warning.text == (
        "dial-plan object *62*X: is never reached, sticky code *62*CODE# comes before it"
    )


def test_default_rights_can_set_a_number_that_nobody_has() -> None:
    tenant = replace(OFFICE, default_user=Rights(codes=frozenset({"1"})))
    decision = call(build(tenant, sticky_set=SET, sticky_clear=CLEAR), "*62*1#", "77", utc=NOON)
    assert (decision.action, decision.holder) == (ANSWER, ("default", "number:77"))

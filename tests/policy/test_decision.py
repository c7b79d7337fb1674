"""What becomes of a call: the order of checks, the answers, the code, the way out."""

from dataclasses import replace

import pytest
from tests.policy.office import (
    CARRIERS,
    FIFTY,
    GROUPS,
    OFFICE,
    PEERS,
    PLAN,
    SPELLINGS,
    VERIFIES,
    build,
    call,
    peer,
    planned,
)

from tollbar.policy.attempt import FORWARD, INTERNAL, OUT, REJECT, Decision
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.refusal import NOT_ACCEPTED
from tollbar.policy.rights import ALL, Rights, User
from tollbar.policy.settings import Tenant
from tollbar.policy.trunk import DialGroup, PeerRules


def routes(decision: Decision) -> list[tuple[str, str, str]]:
    return [(route.peer, route.dial_string, route.dial_group) for route in decision.routes]


# Spellings


@pytest.mark.parametrize("national", ["9195551234", "3175551234", "8005551234", "9005551234"])
@pytest.mark.parametrize("caller", ["1001", "1002", "1003", "1004", "5550000"])
@pytest.mark.parametrize("code", [None, "4711", "8"])
def test_every_spelling_has_one_verdict(national: str, caller: str, code: str | None) -> None:
    snapshot = build()
    found = set()
    for head in SPELLINGS:
        decision = call(snapshot, head + national, caller, code)
        found.add(
            (
                decision.action,
                decision.reason,
                decision.matrix_row,
                decision.classification,
                decision.standardized,
                tuple(routes(decision)),
            )
        )
    assert len(found) == 1


def test_a_formatted_number_is_the_same_number() -> None:
    assert call(build(), "+1 (919) 555-1234", code="4711").standardized == "+19195551234"


# The whole decision


def test_a_placed_call_says_everything_about_itself() -> None:
    decision = call(build(), "919195551234", code="4711")
    assert (decision.action, decision.direction, decision.tenant) == (FORWARD, OUT, "default")
    assert (decision.user, decision.extension, decision.caller) == ("alice", "1001", "1001")
    assert decision.dial_object == "91NXXNXXXXXX"
    assert decision.standardized == "+19195551234"
    assert decision.display == "(919) 555-1234"
    assert decision.classification == "long_distance"
    assert decision.verification
    assert (decision.account_code, decision.code_source) == ("4711", "header")
    assert decision.account_code_description == "Cologne Water Works"
    assert decision.code_check == "valid"
    assert (decision.matrix_row, decision.in_report) == (8, True)
    assert decision.dial_group == "carriers"
    assert routes(decision) == [
        ("carrier", "19195551234", "carriers"),
        ("backup", "19195551234", "carriers"),
    ]
    assert (decision.status, decision.reason, decision.text) == (0, "", "")


def test_an_intercom_call_is_internal() -> None:
    decision = call(build(), "1002")
    assert (decision.direction, decision.classification) == (INTERNAL, "intercom")
    assert routes(decision) == [("pbx", "1002", "pbx")]


# Refusals


@pytest.mark.parametrize(
    ("dialled", "caller", "code", "reason", "status", "q850"),
    [
        ("9195551234", "1001", None, "required", 403, 21),
        ("9195551234", "1001", "47x", "malformed", 403, 21),
        ("9195551234", "1001", "8", "unknown", 403, 21),
        ("9195551234", "1001", "99", "retired", 403, 21),
        ("9195551234", "1001", "2020", "expired", 403, 21),
        ("9195551234", "1002", "20", "not_permitted", 403, 21),
        ("9005551234", "1001", "4711", "blocked", 403, 21),
        ("5", "1001", None, "incomplete", 484, 28),
        ("", "1001", None, "incomplete", 484, 28),
        ("0005551234", "1001", None, "no_match", 404, 1),
        ("9195551234x", "1001", None, "no_match", 404, 1),
        ("0114412\r\nVia: x", "1001", None, "no_match", 404, 1),
        ("urn:service:counseling", "1001", None, "no_match", 404, 1),
    ],
)
def test_a_refusal_has_its_reason_status_and_cause(
    dialled: str, caller: str, code: str | None, reason: str, status: int, q850: int
) -> None:
    decision = call(build(), dialled, caller, code)
    assert decision.action == REJECT
    assert (decision.reason, decision.status, decision.q850) == (reason, status, q850)
    assert decision.routes == ()
    assert not decision.in_report


def test_leading_zeros_are_part_of_a_code() -> None:
    assert call(build(), "9195551234", code="0214").code_check == "valid"
    assert call(build(), "9195551234", code="214").code_check == "unknown"
    assert call(build(), "9195551234", code=FIFTY).code_check == "valid"


def test_all_codes_not_accepted_sound_the_same() -> None:
    snapshot = build()
    given = {"malformed": "x", "unknown": "8", "retired": "99", "expired": "2020"}
    heard = {reason: call(snapshot, "9195551234", code=code) for reason, code in given.items()}
    heard["not_permitted"] = call(snapshot, "9195551234", "1002", "20")
    heard["conflict"] = call(snapshot, "9195551234", codes=[("header", "1"), ("header", "3")])
    assert set(heard) == set(NOT_ACCEPTED)
    assert {reason: decision.reason for reason, decision in heard.items()} == {
        reason: reason for reason in heard
    }
    assert {(d.status, d.q850, d.text) for d in heard.values()} == {
        (403, 21, "Account Code Not Accepted")
    }
    required = call(snapshot, "9195551234")
    assert required.text == "Account Code Required"


def test_a_peer_that_may_know_is_told_the_reason() -> None:
    snapshot = build(peers=peer(reveal_reason=True))
    assert call(snapshot, "9195551234", code="99").text == "Account Code Not Accepted: retired"
    assert call(snapshot, "9195551234").text == "Account Code Required"
    assert call(snapshot, "9005551234").text == "Call Not Permitted"


def test_an_operator_can_set_another_status() -> None:
    snapshot = build(statuses={"required": 480, "retired": 410})
    assert call(snapshot, "9195551234").status == 480
    assert call(snapshot, "9195551234", code="99").status == 410
    assert ["tells a guesser" in warning.text for warning in snapshot.warnings] == [True]


def test_an_unknown_peer_is_refused() -> None:
    decision = call(build(), "9195551234", via="stranger")
    assert (decision.action, decision.reason, decision.status) == (REJECT, "peer", 403)


@pytest.mark.parametrize(
    ("dialled", "known", "code", "down", "reason"),
    [
        ("000", False, "x", True, "unknown_caller"),
        ("9005551234", False, "x", True, "unknown_caller"),
        ("0005551234", True, "x", True, "no_match"),
        ("9005551234", True, "x", True, "blocked"),
        ("01144123", True, "x", True, "classification"),
        ("9195551234", True, "x", True, "malformed"),
        ("9195551234", True, "4711", True, "no_trunk"),
        ("9195551234", True, "4711", False, ""),
    ],
)
def test_the_first_check_that_fails_gives_the_reason(
    dialled: str, known: bool, code: str, down: bool, reason: str
) -> None:
    allowed = frozenset({"local", "long_distance", "blocked"})
    tenant = replace(OFFICE, default_user=Rights(classifications=allowed))
    snapshot = build(tenant, unknown_callers="refuse")
    decision = call(
        snapshot,
        dialled,
        "1001" if known else "5550000",
        code,
        down=frozenset({"carrier", "backup"}) if down else frozenset(),
    )
    assert decision.reason == reason
    judged = reason in ("", "malformed", "no_trunk")
    assert bool(decision.matrix_row) == judged


# The code


@pytest.mark.parametrize(
    ("codes", "source", "code", "check"),
    [
        ([("header", " 4711\t")], "header", "4711", "valid"),
        ([("header", "")], "", "", "none"),
        ([("header", "  "), ("uri_parameter", "4711")], "uri_parameter", "4711", "valid"),
        ([("header", "4711"), ("header", "4711")], "header", "4711", "valid"),
        ([("header", "4711"), ("from_parameter", "4711")], "header", "4711", "valid"),
        ([("header", "4711"), ("header", "04711")], "header", "", "conflict"),
        ([("uri_parameter", "4711"), ("from_parameter", "1")], "uri_parameter", "", "conflict"),
        ([("header", "47 11")], "header", "", "malformed"),
    ],
)
def test_sources_of_a_code_are_put_together(
    codes: list[tuple[str, str]], source: str, code: str, check: str
) -> None:
    decision = call(build(), "3175551234", codes=codes)
    assert (decision.code_source, decision.account_code, decision.code_check) == (
        source,
        code,
        check,
    )


def test_dialled_digits_and_header_must_agree() -> None:
    snapshot = build(templates=["*61*CODE#NUMBER"])
    assert call(snapshot, "*61*4711#9195551234", code="4711").code_check == "valid"
    decision = call(snapshot, "*61*4711#9195551234", code="1234")
    assert (decision.reason, decision.account_code) == ("conflict", "")


def test_a_peer_not_trusted_for_codes_gives_none_and_it_is_noted() -> None:
    snapshot = build(peers=peer(trust_code=False))
    decision = call(snapshot, "3175551234", code="4711")
    assert (decision.action, decision.code_check, decision.account_code) == (FORWARD, "none", "")
    assert ("code ignored", "the peer is not trusted for it") in decision.steps
    assert call(snapshot, "9195551234", code="4711").reason == "required"


def test_switched_off_codes_are_ignored_and_nothing_asks() -> None:
    snapshot = build(account_codes=False)
    decision = call(snapshot, "9195551234", "1004", "x")
    assert (decision.action, decision.verification) == (FORWARD, False)
    assert (decision.account_code, decision.code_source, decision.code_check) == ("", "", "none")
    assert (decision.matrix_row, decision.in_report) == (0, False)


@pytest.mark.parametrize("code", ["20", "99", "8", "47x11x", "2020", "4711", FIFTY])
def test_no_code_stands_anywhere_but_in_its_field(code: str) -> None:
    decision = call(build(templates=["*61*CODE#NUMBER"]), f"*61*{code}#19175551634", code=code)
    decision.account_code = ""
    shown = repr([decision.steps, decision.dialled, decision.text, decision.reason])
    assert f"'{code}" not in shown
    assert f"*{code}#" not in shown


# Numbers that match nothing


def test_a_number_that_matches_nothing_can_be_dialled_as_entered() -> None:
    snapshot = build(unmatched="as_entered")
    assert call(snapshot, "0005551234").reason == "required"
    decision = call(snapshot, "0005551234", code="4711")
    assert routes(decision)[0] == ("carrier", "0005551234", "carriers")
    assert decision.standardized == "0005551234"


def test_dialling_as_entered_asks_for_no_code_where_no_object_does() -> None:
    nine = DialObject("911", "emergency", groups=CARRIERS)
    snapshot = planned(nine, unmatched="as_entered")
    assert call(snapshot, "12345", "1004").action == FORWARD


def test_dialling_as_entered_is_not_for_callers_with_stated_limits() -> None:
    limited = replace(OFFICE, default_user=Rights(classifications=frozenset({"local"})))
    decision = call(build(limited, unmatched="as_entered"), "0005551234", code="4711")
    assert decision.reason == "classification"


# Classifications


def test_where_nobody_states_any_all_but_blocked_are_allowed() -> None:
    assert call(build(), "011441234", code="4711").action == FORWARD
    assert call(build(), "9005551234", code="4711").reason == "blocked"


def test_a_name_of_ones_own_is_allowed_by_name_or_category() -> None:
    mobile = DialObject("7XX", "mobile", groups=CARRIERS)
    for allowed, reason in (("mobile", ""), ("local", ""), ("premium", "classification")):
        tenant = replace(
            OFFICE,
            dial_plan=(PLAN[0], mobile),
            classifications={"mobile": "local"},
            default_user=Rights(classifications=frozenset({allowed})),
        )
        assert call(build(tenant), "711").reason == reason


# The second look


def test_a_regular_expression_cannot_avoid_the_code_or_the_block() -> None:
    hole = DialObject(
        r"re:8([0-9]{10})",
        "local",
        standardized=r"+1\1",
        dial_string=r"1\1",
        groups=CARRIERS,
    )
    snapshot = planned(*PLAN[:1], hole, *PLAN[1:])
    assert call(snapshot, "89195551234").reason == "required"
    assert call(snapshot, "89195551234", code="4711").action == FORWARD
    assert call(snapshot, "89005551234", code="4711").reason == "blocked"
    assert call(snapshot, "83175551234").action == FORWARD
    excused = planned(*PLAN[:1], replace(hole, allow_bypass="the lift"), *PLAN[1:])
    assert call(excused, "89195551234").action == FORWARD


# Ways out


@pytest.mark.parametrize(
    ("pattern", "dial_string", "dialled"),
    [("9Z", "Z", "9"), ("9?", "?", "9"), ("9?0Z", "?Z", "90"), ("re:9([0-9]*)", r"\1", "9")],
)
@pytest.mark.parametrize("default", [True, False])
def test_a_number_that_leaves_nothing_to_dial_is_incomplete(
    default: bool, pattern: str, dial_string: str, dialled: str
) -> None:
    use = GroupUse("carriers", dial_string="" if default else dial_string)
    entry = DialObject(
        pattern,
        "local",
        verification=True,
        groups=(use,),
        dial_string=dial_string if default else "",
    )
    snapshot = planned(entry, unmatched="as_entered")
    assert call(snapshot, dialled).reason == "incomplete"
    assert call(snapshot, f"{dialled}1", code="1").routes[0].dial_string == "1"


def test_trunks_are_hunted_in_order_without_those_that_are_down() -> None:
    snapshot = build()
    decision = call(snapshot, "3175551234", down=frozenset({"carrier"}))
    assert [route.peer for route in decision.routes] == ["backup"]
    decision = call(snapshot, "3175551234", down=frozenset({"carrier", "backup"}))
    assert (decision.reason, decision.status, decision.q850) == ("no_trunk", 503, 34)


def test_dial_groups_that_fit_follow_each_other_with_their_dial_strings() -> None:
    uses = (
        GroupUse("first", location="berlin"),
        GroupUse("second", classification="premium"),
        GroupUse("third", dial_string="99NXX"),
        GroupUse("first"),
    )
    groups = (
        *GROUPS,
        DialGroup("first", ("carrier",)),
        DialGroup("second", ("backup",)),
        DialGroup("third", ("backup", "carrier")),
    )
    tenant = replace(
        OFFICE, dial_plan=(PLAN[0], DialObject("NXX", "local", dial_string="0NXX", groups=uses))
    )
    third = [("backup", "99234", "third"), ("carrier", "99234", "third")]
    first = ("carrier", "0234", "first")
    second = ("backup", "0234", "second")
    assert routes(call(build(tenant, groups=groups), "234")) == [second, *third, first]
    here = build(tenant, groups=groups, peers=peer(location="berlin"))
    assert routes(call(here, "234")) == [first, second, *third, first]
    local = replace(tenant, default_user=Rights(classifications=frozenset({"local"})))
    decision = call(build(local, groups=groups), "234")
    assert routes(decision) == [*third, first]
    assert decision.dial_group == "third"


def test_the_users_place_counts_before_the_peers() -> None:
    plan = (
        PLAN[0],
        *(
            DialObject("NXX", "local", location=place, dial_string=f"{n}NXX", groups=CARRIERS)
            for n, place in enumerate(("berlin", "paris", ""))
        ),
    )
    users = (*OFFICE.users, User("erin", extensions=("1005",), location="paris"))
    tenant = replace(OFFICE, dial_plan=plan, users=users)
    snapshot = build(tenant, peers=peer(location="berlin"))
    assert call(snapshot, "234", "1005").routes[0].dial_string == "1234"
    assert call(snapshot, "234", "1001").routes[0].dial_string == "0234"
    assert call(build(tenant), "234", "1001").routes[0].dial_string == "2234"


# Tenants


def test_tenants_have_their_own_codes_users_and_plans() -> None:
    everything = Rights(codes=frozenset({ALL}), verification=True)
    other = Tenant(
        codes=OFFICE.codes[:1],
        default_user=everything,
        users=(User("zoe", extensions=("1001",)),),
        dial_plan=PLAN[:-1],
        lists=OFFICE.lists,
    )
    peers = (*PEERS, PeerRules("pbx2", "pbx", tenant="other", trust_code=True))
    snapshot = build(tenants={"default": OFFICE, "other": other}, peers=peers)
    decision = call(snapshot, "9195551234", code="1", via="pbx2")
    assert (decision.tenant, decision.user, decision.action) == ("other", "zoe", FORWARD)
    assert call(snapshot, "9195551234", code="4711", via="pbx2").reason == "unknown"
    assert call(snapshot, "1002", via="pbx2").reason != ""
    assert call(snapshot, "9195551234", code="4711").user == "alice"


def test_verification_switched_off_for_one_user_changes_the_row_only() -> None:
    off = User(
        "frank",
        extensions=("1006",),
        workgroups=("litigation",),
        rights=Rights(verification=False),
    )
    snapshot = build(replace(OFFICE, users=(*OFFICE.users, off), default_user=VERIFIES))
    assert call(snapshot, "9195551234", "1006").matrix_row == 6
    assert call(snapshot, "9195551234", "1004").matrix_row == 11

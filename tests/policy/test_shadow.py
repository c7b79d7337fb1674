"""Shadow mode: decide and record, refuse nothing."""

from dataclasses import replace

import pytest
from tests.policy.office import OFFICE, PLAN, build, call

from tollbar.policy.attempt import FORWARD, REJECT
from tollbar.policy.rights import Rights


@pytest.mark.parametrize(
    ("dialled", "caller", "code", "reason", "row"),
    [
        ("9195551234", "1001", None, "required", 11),
        ("9195551234", "1004", "8", "unknown", 4),
        ("9195551234", "7777", None, "unknown_caller", 0),
        ("0005551234", "1001", None, "no_match", 0),
        ("5", "1001", None, "incomplete", 0),
        ("9195551234", "1001", "4711", "", 8),
    ],
)
def test_nothing_is_refused_and_the_reason_is_kept(
    dialled: str, caller: str, code: str | None, reason: str, row: int
) -> None:
    decision = call(build(shadow=True, unknown_callers="refuse"), dialled, caller, code)
    assert decision.action == FORWARD
    assert decision.routes
    assert (decision.reason, decision.shadow) == (reason, bool(reason))
    assert (decision.matrix_row, decision.status) == (row, 0)
    assert decision.in_report == (decision.account_code != "")


def test_a_call_that_would_be_limited_keeps_its_code() -> None:
    tenant = replace(OFFICE, default_user=Rights(classifications=frozenset({"local"})))
    decision = call(build(tenant, shadow=True), "9195551234", code="4711")
    assert (decision.reason, decision.account_code, decision.in_report) == (
        "classification",
        "4711",
        True,
    )


def test_one_object_alone_can_be_in_shadow() -> None:
    plan = [replace(one, shadow=one.pattern == "NXXNXXXXXX") for one in PLAN]
    snapshot = build(replace(OFFICE, dial_plan=plan))
    decision = call(snapshot, "9195551234")
    assert (decision.action, decision.reason, decision.shadow) == (FORWARD, "required", True)
    assert call(snapshot, "19195551234").action == REJECT


def test_what_has_no_way_out_is_refused_even_so() -> None:
    snapshot = build(shadow=True)
    decision = call(snapshot, "9195551234", down=frozenset({"carrier", "backup"}))
    assert (decision.action, decision.reason, decision.shadow) == (REJECT, "no_trunk", False)

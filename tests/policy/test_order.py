"""The order of the checks: with everything wrong at once, the first gives the reason."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.pages import page, quoted, rows, section
from tests.policy.office import NOON, OFFICE, build, call, peer

from tollbar.policy.attempt import FORWARD, Decision
from tollbar.policy.guess import Guess, number_holder
from tollbar.policy.refusal import ANSWERS
from tollbar.policy.rights import Rights
from tollbar.policy.snapshot import Snapshot


@dataclass
class Case:
    """A call of which everything is wrong; each step mends the first thing that is."""

    via: str = "stranger"
    caller: str = "77"
    dialled: str = "0005551234"
    codes: list[tuple[str, str]] = field(default_factory=lambda: [("header", "x"), ("header", "y")])
    workgroups: list[str] = field(default_factory=lambda: ["none"])
    guesses: dict[tuple[str, str], Guess] = field(
        default_factory=lambda: {
            key: Guess(9, (), 1, NOON + 99)
            for key in (("default", "alice"), ("default", "bob"), ("default", number_holder("77")))
        }
    )
    down: frozenset[str] = frozenset({"carrier", "backup"})
    allowed: frozenset[str] = frozenset({"local", "blocked"})


def mend(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, **changes)


STEPS: list[tuple[str, Callable[[Case], Case]]] = [
    ("peer", mend(via="pbx")),
    ("unknown_caller", mend(caller="1002")),
    ("no_match", mend(dialled="900555123")),
    ("incomplete", mend(dialled="9005551234")),
    ("blocked", mend(dialled="9195551234")),
    ("classification", mend(allowed=frozenset({"long_distance"}))),
    ("workgroup", mend(workgroups=[])),
    ("locked", mend(guesses={})),
    ("conflict", mend(codes=[("header", "x")])),
    ("malformed", mend(codes=[("header", "8")])),
    ("unknown", mend(codes=[("header", "99")])),
    ("retired", mend(codes=[("header", "2020")])),
    ("expired", mend(codes=[("header", "20")])),
    ("not_permitted", mend(codes=[])),
    ("required", mend(codes=[("header", "4711")])),
    ("no_trunk", mend(down=frozenset())),
]


def snapshot_for(case: Case) -> Snapshot:
    tenant = replace(OFFICE, default_user=Rights(classifications=case.allowed))
    return build(tenant, unknown_callers="refuse", peers=peer(trust_workgroup=True))


def decide(case: Case, dialled: str = "") -> Decision:
    return call(
        snapshot_for(case),
        dialled or case.dialled,
        case.caller,
        via=case.via,
        codes=case.codes,
        workgroups=case.workgroups,
        down=case.down,
        situation={"guesses": case.guesses},
    )


@pytest.mark.parametrize("count", range(len(STEPS)))
def test_the_first_thing_wrong_is_the_reason(count: int) -> None:
    case = Case()
    for _, mended in STEPS[:count]:
        case = mended(case)
    assert decide(case).reason == STEPS[count][0]


def test_with_everything_mended_the_call_is_placed() -> None:
    case = Case()
    for _, mended in STEPS:
        case = mended(case)
    assert decide(case).action == FORWARD


@pytest.mark.parametrize("count", range(1, len(STEPS)))
@pytest.mark.parametrize("dialled", ["911", "urn:service:sos"])
def test_an_emergency_call_passes_them_all(count: int, dialled: str) -> None:
    case = Case()
    for _, mended in STEPS[:count]:
        case = mended(case)
    decision = decide(case, dialled)
    assert (decision.action, decision.emergency) == (FORWARD, True)
    assert len(decision.routes) == 2


def test_the_order_is_the_one_that_is_documented() -> None:
    table = rows(section(page("reasons"), "Why a call was refused"))
    documented = [quoted(row[0])[0] for row in table if len(row) == 5]
    assert documented == list(ANSWERS)
    tried = [reason for reason, _ in STEPS]
    assert sorted(tried) == sorted(documented)
    # Two codes that differ are not looked at one by one, so this one is found first.
    tried.remove("conflict")
    documented.remove("conflict")
    # Whether a code is asked for is found only where none came.
    tried.remove("required")
    documented.remove("required")
    assert tried == documented

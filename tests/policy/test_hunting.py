"""Hunting rules and schedules of dial groups, as calls meet them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.office import NOON, OFFICE, PEERS, build, call, findings

from tollbar.policy.attempt import Decision
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.hunting import Group
from tollbar.policy.snapshot import Snapshot
from tollbar.policy.trunk import DialGroup, PeerRules

MORE = (*PEERS, PeerRules("third", "trunk", incoming="pbx"))
ALL_THREE = ("carrier", "backup", "third")


def office(*groups: DialGroup, uses: Sequence[str] = (), **more: Any) -> Snapshot:
    """An office whose two objects use these groups in order."""
    names = uses or [group.name for group in groups]
    lines = tuple(GroupUse(name) for name in names)
    plan = (
        DialObject("911", "emergency", groups=lines),
        DialObject("NXX", "local", groups=lines),
    )
    return build(replace(OFFICE, dial_plan=plan), peers=MORE, groups=groups, **more)


def peers(decision: Decision) -> list[str]:
    return [route.peer for route in decision.routes]


# Round robin


def test_members_take_turns_and_go_on_in_their_order() -> None:
    snapshot = office(DialGroup("g", ALL_THREE, "round_robin"))
    found = [peers(call(snapshot, "234", situation={"cursor": {"g": n}})) for n in range(4)]
    assert found == [
        ["carrier", "backup", "third"],
        ["backup", "third", "carrier"],
        ["third", "carrier", "backup"],
        ["carrier", "backup", "third"],
    ]


def test_turns_are_shared_by_those_in_service() -> None:
    snapshot = office(DialGroup("g", ALL_THREE, "round_robin"))
    down = frozenset({"backup"})
    found = Counter(
        peers(call(snapshot, "234", down=down, situation={"cursor": {"g": n}}))[0]
        for n in range(100)
    )
    assert found == {"carrier": 50, "third": 50}


def test_the_decision_says_which_groups_take_turns() -> None:
    snapshot = office(
        DialGroup("first", ("carrier",)),
        DialGroup("second", ("backup", "third"), "round_robin"),
        DialGroup("last", ("third",), "round_robin"),
        uses=["first", "second", "last", "second"],
    )
    decision = call(snapshot, "234", situation={"cursor": {"second": 1}})
    assert decision.hunted == ["second", "last"]
    assert peers(decision) == ["carrier", "third", "backup", "third", "third", "backup"]
    assert call(snapshot, "911").hunted == ()
    assert ("dial group second", "round_robin, third first") in decision.steps


def test_a_group_of_which_nothing_works_took_no_turn() -> None:
    snapshot = office(DialGroup("g", ("backup",), "round_robin"), DialGroup("rest", ("carrier",)))
    assert call(snapshot, "234", down=frozenset({"backup"})).hunted == ()


# Weighted


def order(weights: dict[str, int], draw: float, down: frozenset[str] = frozenset()) -> list[str]:
    group = Group(DialGroup("g", tuple(weights), "weighted", weights), UTC)
    return list(group.order(down, 0, draw))


def test_weights_are_how_often_a_member_is_first() -> None:
    weights = {"a": 3, "b": 1, "c": 6}
    found = Counter(order(weights, n / 1000)[0] for n in range(1000))
    assert found == {"a": 300, "b": 100, "c": 600}


def test_those_in_service_share_as_their_weights_say() -> None:
    weights = {"a": 3, "b": 1, "c": 6}
    found = Counter(order(weights, n / 700, frozenset({"a"}))[0] for n in range(700))
    assert found == {"b": 100, "c": 600}


def test_the_rest_follows_as_its_weights_say() -> None:
    """Every order comes as often as drawing one member after the other would give it."""
    weights = {"a": 3, "b": 1, "c": 6}
    draws = 60_000
    found = Counter(tuple(order(weights, (n + 0.5) / draws)) for n in range(draws))
    for names in permutations(weights):
        left = dict(weights)
        expected = 1.0
        for name in names:
            expected *= left[name] / sum(left.values())
            del left[name]
        assert abs(found[names] / draws - expected) < 0.001, names


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 1000), min_size=1),
    st.floats(0, 1, exclude_max=True),
    st.sets(st.sampled_from("abcdef")),
)
def test_every_member_in_service_is_tried_once(
    weights: dict[str, int], draw: float, down: set[str]
) -> None:
    found = order(weights, draw, frozenset(down))
    assert sorted(found) == sorted(set(weights) - down)


def test_a_weighted_group_without_weights_draws_evenly() -> None:
    snapshot = office(DialGroup("g", ALL_THREE, "weighted"))
    found = [peers(call(snapshot, "234", situation={"draw": n / 3 + 0.1}))[0] for n in range(3)]
    assert found == list(ALL_THREE)
    (step,) = [s for s in call(snapshot, "234").steps if s[0] == "dial group g"]
    assert step[1] == "weighted, carrier first"


# Schedules


NIGHT = datetime(2026, 6, 15, 23, tzinfo=UTC).timestamp()
DAY_AND_NIGHT = (
    DialGroup("day", ("carrier",), schedule=("mon-fri 08:00-18:00",)),
    DialGroup("night", ("backup",), schedule=("mon-sun 18:00-08:00",)),
)


def test_a_group_that_is_closed_is_passed_over_and_said_to_be() -> None:
    snapshot = office(*DAY_AND_NIGHT)
    assert peers(call(snapshot, "234", utc=NOON)) == ["carrier"]
    decision = call(snapshot, "234", utc=NIGHT)
    assert (peers(decision), decision.dial_group) == (["backup"], "night")
    assert ("dial group day", "closed by its schedule") in decision.steps


def test_the_configured_zone_decides_when_a_group_is_open() -> None:
    snapshot = office(*DAY_AND_NIGHT, timezone="Asia/Tokyo")
    assert peers(call(snapshot, "234", utc=NOON)) == ["backup"]


def test_where_all_groups_are_closed_there_is_no_trunk() -> None:
    decision = call(office(DAY_AND_NIGHT[0]), "234", utc=NIGHT)
    assert (decision.reason, decision.status) == ("no_trunk", 503)


def test_emergency_calls_use_every_group_open_or_not() -> None:
    assert peers(call(office(*DAY_AND_NIGHT), "911", utc=NIGHT)) == ["carrier", "backup"]


# What stops the load


@pytest.mark.parametrize(
    ("group", "told"),
    [
        (DialGroup("g", ("carrier",), "random"), "dial group g: no hunting rule 'random'"),
        (
            DialGroup("g", ("carrier",), weights={"carrier": 2}),
            "dial group g: weights have no meaning when hunting is sequential",
        ),
        (
            DialGroup("g", ("carrier",), "weighted", {"carrier": 0}),
            "dial group g: 0 is no weight of carrier",
        ),
        (
            DialGroup("g", ("carrier",), "weighted", {"backup": 1}),
            "dial group g: 1 is no weight of backup",
        ),
    ],
)
def test_a_wrong_group_stops_the_load(group: DialGroup, told: str) -> None:
    (found,) = findings(
        OFFICE, groups=(DialGroup("carriers", ("carrier",)), DialGroup("pbx", ("pbx",)), group)
    )
    assert (found.kind, found.key, found.text) == ("dial_group", "g", told)


def test_a_wrong_schedule_is_told_by_its_line() -> None:
    lines = ("mon 08:00-18:00", "moon", "mon 8-9")
    group = DialGroup("g", ("carrier",), schedule=lines)
    found = findings(
        OFFICE, groups=(DialGroup("carriers", ("carrier",)), DialGroup("pbx", ("pbx",)), group)
    )
    assert [(one.kind, one.key) for one in found] == [
        ("schedule", "g moon"),
        ("schedule", "g mon 8-9"),
    ]

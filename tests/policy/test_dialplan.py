"""First match, place, and emergency before everything."""

from dataclasses import replace

from tests.policy.office import CARRIERS, planned

from tollbar.policy.dialplan import DialObject, DialPlan


def plan(*objects: DialObject) -> DialPlan:
    allowed = (replace(one, allow_bypass="a test") for one in objects)
    return planned(*allowed).tenants["default"].plan


def key(plan: DialPlan, number: str, location: str = "") -> str:
    entry = plan.match(number, location)
    return "" if entry is None else entry.key


def local(pattern: str, location: str = "") -> DialObject:
    return DialObject(pattern, "local", location=location, groups=CARRIERS)


def emergency(pattern: str, location: str = "") -> DialObject:
    return DialObject(pattern, "emergency", location=location, groups=CARRIERS)


def test_the_first_object_that_matches_decides() -> None:
    assert key(plan(local("12XX"), local("1XXX")), "1234") == "12XX"
    assert key(plan(local("1XXX"), local("12XX")), "1234") == "1XXX"


def test_a_location_filter_is_met_by_its_places_only() -> None:
    here = plan(local("12XX", "berlin, paris"), local("1XXX"))
    assert key(here, "1234", "paris") == "12XX at berlin, paris"
    assert key(here, "1234", "rome") == "1XXX"
    assert key(here, "1234") == "1XXX"


def test_emergency_comes_first_whatever_its_place_in_the_list() -> None:
    assert key(plan(local("Z"), emergency("911")), "911") == "911"


def test_emergency_ignores_location_filters() -> None:
    assert key(plan(local("XXX"), emergency("112", "berlin")), "112", "rome") == "112 at berlin"


def test_the_callers_own_emergency_object_is_preferred() -> None:
    both = plan(emergency("112", "berlin"), emergency("112", "rome"), emergency("11X"))
    assert key(both, "112", "rome") == "112 at rome"
    assert key(both, "112", "berlin") == "112 at berlin"
    assert key(both, "112", "oslo") == "11X"


def test_every_match_can_be_listed() -> None:
    found = plan(local("12XX"), local("9"), local("1XXX")).every("1234", "")
    assert [entry.key for entry in found] == ["12XX", "1XXX"]


def test_a_number_beyond_the_longest_matches_nothing() -> None:
    everything = plan(local("Z"))
    assert key(everything, "1" * 128) == "Z"
    assert key(everything, "1" * 129) == ""
    assert not everything.incomplete("1" * 129, "")

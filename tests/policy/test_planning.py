"""What stops the load of a dial plan, and what is only warned of."""

from dataclasses import replace

import pytest
from tests.policy.office import CARRIERS, OFFICE, PLAN, findings, planned, refused

from tollbar.policy.dialplan import DialObject, GroupUse

NINE = DialObject("911", "emergency", groups=CARRIERS)


@pytest.mark.parametrize("classification", ["emergency", "intercom", "alarm"])
def test_a_code_cannot_be_asked_for_on_emergency_or_intercom(classification: str) -> None:
    asks = DialObject("912", classification, verification=True, groups=CARRIERS)
    tenant = replace(OFFICE, dial_plan=(NINE, asks), classifications={"alarm": "emergency"})
    (found,) = findings(tenant)
    assert (found.kind, found.key, found.index) == ("dial_object", "912", 1)
    assert "dial-plan object 912: an " in found.text
    assert "cannot ask for an account code" in found.text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (DialObject("1{", "local", groups=CARRIERS), "'{' has no meaning"),
        (DialObject("1X", "locale", groups=CARRIERS), "no classification 'locale'"),
        (DialObject("1X", "local", groups=(GroupUse("x"),)), "no dial group 'x'"),
        (
            DialObject("1X", "local", groups=(GroupUse("carriers", classification="y"),)),
            "dial group carriers: no classification 'y'",
        ),
        (
            DialObject("1X", "local", groups=(GroupUse("carriers", classification="blocked"),)),
            "blocked never goes out",
        ),
        (
            DialObject("1X", "local", standardized="+1", groups=CARRIERS),
            "the standardized number has 0 wildcards where the pattern has 1",
        ),
        (
            DialObject("1X", "local", dial_string="XX", groups=CARRIERS),
            "the dial string has 2 wildcards",
        ),
        (
            DialObject("1X", "local", display="XNX", groups=CARRIERS),
            "the display string has 3 wildcards",
        ),
        (
            DialObject("1X", "local", groups=(GroupUse("carriers", dial_string="9"),)),
            "the dial string for carriers has 0 wildcards",
        ),
        (DialObject("$X", "local", list_name="none", groups=CARRIERS), "no number list 'none'"),
        (DialObject("12", "emergency"), "an emergency object needs a dial group"),
    ],
)
def test_what_is_wrong_with_an_object_is_said_once_with_its_name(
    wrong: DialObject, told: str
) -> None:
    (text,) = refused(NINE, wrong)
    assert text.startswith(f"dial-plan object {wrong.key}: ")
    assert told in text


def test_everything_wrong_is_said_at_once() -> None:
    texts = refused(NINE, DialObject("1{", "x"), DialObject("2{", "local"))
    assert len(texts) == 3


def test_pattern_list_and_location_together_are_the_key() -> None:
    one = DialObject("12XX", "local", groups=CARRIERS)
    assert any("is there twice" in text for text in refused(NINE, one, one))
    assert not refused(NINE, replace(one, location="berlin"), one)


def test_a_plan_without_emergency_is_warned_of() -> None:
    (warning,) = planned(*PLAN[2:]).warnings
    assert warning.text == "dial plan: no object is classified emergency"


def test_a_catch_all_that_is_not_last_is_warned_of() -> None:
    everything = DialObject("Z", "local", groups=CARRIERS)
    last = DialObject("12XX", "local", groups=CARRIERS)
    assert [w.key for w in planned(NINE, everything, last).warnings] == ["Z"]
    assert not planned(NINE, last, everything).warnings


def test_a_shadowed_object_is_warned_of() -> None:
    wide = DialObject("1XXX", "local", groups=CARRIERS)
    narrow = DialObject("12XX", "local", groups=CARRIERS)
    (warning,) = planned(NINE, wide, narrow).warnings
    assert warning.text == "dial-plan object 12XX: is never reached, 1XXX comes before it"
    assert not planned(NINE, narrow, wide).warnings
    assert not planned(NINE, replace(wide, location="berlin"), narrow).warnings


def test_an_object_that_leads_nowhere_is_warned_of() -> None:
    (warning,) = planned(NINE, DialObject("12XX", "local")).warnings
    assert "no dial group" in warning.text

"""No destination by two spellings of which one is freer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.office import (
    CARRIERS,
    GROUPS,
    OFFICE,
    PLAN,
    build,
    call,
    findings,
    planned,
    refused,
)

from tollbar.policy.bypass import Search
from tollbar.policy.dialplan import DialObject, DialPlan, GroupUse
from tollbar.policy.rights import Rights
from tollbar.policy.trunk import DialGroup

TEN = "NXXNXXXXXX"


def changed(pattern: str, **changes: object) -> list[str]:
    """The office's plan with one object changed, and what is said to it."""
    plan = [
        replace(one, **changes) if one.pattern == pattern else one  # type: ignore[arg-type]
        for one in PLAN
    ]
    assert plan != list(PLAN)
    return refused(*plan)


def without(pattern: str) -> list[str]:
    return refused(*(one for one in PLAN if one.pattern != pattern))


def test_the_offices_plan_is_accepted_without_a_word() -> None:
    assert build().warnings == []


@pytest.mark.parametrize("head", ["", "1", "+1", "9", "91", "9+1"])
def test_one_spelling_without_verification_is_refused(head: str) -> None:
    texts = changed(head + TEN, verification=False)
    assert texts
    other = TEN if head else "1" + TEN
    assert any(head + TEN in text and other in text for text in texts)
    assert all("allow_bypass" in text for text in texts)


@pytest.mark.parametrize("head", ["", "1", "+1", "9", "91", "9+1"])
def test_one_spelling_with_verification_is_refused(head: str) -> None:
    assert changed(head + "317NXXXXXX", verification=True)


@pytest.mark.parametrize("head", ["", "1", "+1", "9", "91", "9+1"])
def test_one_spelling_that_forgets_the_blocked_numbers_is_refused(head: str) -> None:
    texts = without(head + "900NXXXXXX")
    assert texts
    assert any(head + TEN in text and "blocked" in text for text in texts)


@pytest.mark.parametrize("head", ["", "1", "+1", "9", "91", "9+1"])
def test_one_spelling_that_forgets_a_narrower_object_is_refused(head: str) -> None:
    texts = without(head + "317NXXXXXX")
    assert any("317NXXXXXX" in text and head + TEN in text for text in texts)


def test_a_finding_names_both_objects_the_number_and_both_spellings() -> None:
    (text,) = changed("+1317NXXXXXX", verification=True)[:1]
    assert text == (
        "dial-plan object +1317NXXXXXX: 317NXXXXXX reaches the same number +13172000000 "
        "(dialled 3172000000 or +13172000000), but that one asks for no code; "
        "make them alike, or say why in allow_bypass"
    )


def test_international_prefixes_that_swallow_the_country_are_refused() -> None:
    wide = DialObject(
        "011Z",
        "international",
        standardized="+Z",
        dial_string="011Z",
        verification=True,
        groups=CARRIERS,
    )
    texts = refused(*(one for one in PLAN if "011" not in one.pattern), wide)
    assert any("900NXXXXXX" in text and "011Z" in text for text in texts)


def test_an_unverified_plus_beside_verified_spellings_is_refused() -> None:
    plan = [
        replace(one, pattern="+Z", standardized="+Z", dial_string="011Z", verification=False)
        if one.pattern == "+[2-9]Z"
        else one
        for one in PLAN
        if one.pattern != "+1" + TEN
    ]
    assert any("+Z" in text and TEN in text for text in refused(*plan))


def test_a_reason_lets_a_pair_pass() -> None:
    assert not changed("+1" + TEN, verification=False, allow_bypass="the fax server")


def test_dial_strings_reach_the_same_whatever_the_standardized_number_says() -> None:
    asks = DialObject(TEN, "local", dial_string="1" + TEN, verification=True, groups=CARRIERS)
    free = DialObject("8" + TEN, "local", dial_string="1" + TEN, groups=CARRIERS)
    assert any("8" + TEN in text for text in refused(asks, free))
    elsewhere = replace(free, groups=(GroupUse("pbx"),))
    assert not refused(asks, elsewhere)


def test_two_dial_groups_with_one_trunk_reach_the_same() -> None:
    asks = DialObject(TEN, "local", dial_string="1" + TEN, verification=True, groups=CARRIERS)
    free = replace(asks, pattern="8" + TEN, verification=False, groups=(GroupUse("other"),))
    groups = (*GROUPS, DialGroup("other", ("backup", "pbx")))
    assert any("8" + TEN in text for text in refused(asks, free, groups=groups))
    apart = (*GROUPS, DialGroup("other", ("pbx",)))
    assert not refused(asks, free, groups=apart)


@pytest.mark.parametrize("head", ["", "*71*", "*61*4711#", "*71**61*4711#", "*61*4711#*71*"])
def test_prefixes_and_templates_reach_nothing_that_the_number_alone_does_not(head: str) -> None:
    groups = [
        replace(group, prefix="*71*") if group.name == "litigation" else group
        for group in OFFICE.workgroups
    ]
    tenant = replace(OFFICE, workgroups=groups)
    snapshot = build(tenant, templates=["*61*CODE#NUMBER"])
    for number in ("9005551234", "9+19005551234"):
        assert call(snapshot, head + number).reason == "blocked"
    limited = replace(tenant, default_user=Rights(classifications=frozenset({"local"})))
    decision = call(build(limited, templates=["*61*CODE#NUMBER"]), head + "9195551234")
    assert decision.reason == "classification"


def test_a_blocked_number_is_not_reached_through_a_dial_string() -> None:
    blocked = DialObject("1900NXXXXXX", "blocked")
    around = DialObject(TEN, "local", dial_string="1" + TEN, groups=CARRIERS)
    assert any("blocked" in text for text in refused(blocked, around))


def test_different_classifications_are_limited_differently() -> None:
    texts = changed("1317NXXXXXX", classification="premium")
    assert any("local" in text and "premium" in text for text in texts)


def test_an_extension_does_not_make_another_destination() -> None:
    asks = DialObject(TEN, "local", standardized="+1" + TEN, verification=True, groups=CARRIERS)
    free = DialObject(TEN + "/Z", "local", standardized=f"+1{TEN}/Z", groups=CARRIERS)
    assert refused(asks, free)


def test_objects_of_different_places_cannot_be_chosen_between() -> None:
    def at(place: str, head: str, *, asks: bool) -> DialObject:
        return DialObject(
            head + TEN,
            "local",
            standardized="+1" + TEN,
            location=place,
            verification=asks,
            groups=CARRIERS,
        )

    assert not refused(at("berlin", "", asks=True), at("paris", "1", asks=False))
    assert refused(at("berlin", "", asks=True), at("berlin,paris", "1", asks=False))
    assert refused(at("berlin", "", asks=True), at("", "1", asks=False))


def test_lists_are_compared_entry_by_entry() -> None:
    def listed(head: str, name: str, *, asks: bool) -> DialObject:
        return DialObject(
            head + "$$$NXXXXXX",
            "local",
            list_name=name,
            standardized="+1$$$NXXXXXX",
            verification=asks,
            groups=CARRIERS,
        )

    plan = (listed("", "ours", asks=True), listed("1", "theirs", asks=False))
    apart = replace(OFFICE, dial_plan=plan, lists={"ours": ["317"], "theirs": ["919"]})
    assert not findings(apart)
    mixed = replace(apart, lists={"ours": ["317", "463"], "theirs": ["463"]})
    assert any("+1463" in found.text for found in findings(mixed))


def test_wildcards_inside_a_pattern_are_followed() -> None:
    asks = DialObject("1?#", "local", standardized="+?#", verification=True, groups=CARRIERS)
    free = DialObject("2XX#", "local", standardized="+XX#", groups=CARRIERS)
    texts = refused(asks, free)
    assert any("1?#" in text and "2XX#" in text for text in texts)
    assert not refused(asks, replace(free, verification=True))


def test_a_narrow_object_behind_a_wildcard_is_seen_where_it_precedes() -> None:
    plan = (
        DialObject("15?9", "local", standardized="+5?9", groups=CARRIERS),
        DialObject("1XX", "local", standardized="+XX", verification=True, groups=CARRIERS),
        DialObject("2XX", "local", standardized="+XX", verification=True, groups=CARRIERS),
    )
    assert any("15?9" in text and "2XX" in text for text in refused(*plan))
    assert not refused(*plan[:2])


def test_regular_expressions_escape_the_check() -> None:
    asks = DialObject(TEN, "local", verification=True, groups=CARRIERS)
    free = DialObject("re:8([0-9]{10})", "local", standardized=r"\1", groups=CARRIERS)
    assert not refused(free, asks)
    # One in front takes single numbers only, as far as can be proved: the rest still clashes.
    other = DialObject("7" + TEN, "local", standardized=TEN, groups=CARRIERS)
    assert refused(replace(free, pattern="re:(7?2{10})"), other, asks)


def test_what_follows_an_open_end_cannot_be_compared() -> None:
    asks = DialObject("1Z", "local", standardized="+Z", verification=True, groups=CARRIERS)
    free = DialObject("2Z", "local", standardized='+Z"#"', groups=CARRIERS)
    assert not refused(asks, free)


def test_a_plan_too_involved_is_said_to_be() -> None:
    """Single numbers taken out by expressions leave ever more boxes to look through."""
    asks = DialObject("1XXXXXXXXXX", "local", standardized="+X" + "X" * 9, verification=True)
    free = replace(asks, pattern="2XXXXXXXXXX", verification=False)
    expression = DialObject("re:1[0-9]{10}", "local", groups=CARRIERS)
    warnings = planned(expression, asks, free).warnings
    assert any("too involved" in warning.text for warning in warnings)


def test_a_blocked_number_is_not_dialled_as_entered_in_a_spelling_nobody_wrote() -> None:
    blocked = DialObject("900NXXXXXX", "blocked", standardized="+1900NXXXXXX")
    asks = DialObject(TEN, "local", standardized="+1" + TEN, verification=True, groups=CARRIERS)
    assert not refused(blocked, asks)
    (text,) = refused(blocked, asks, unmatched="as_entered")
    assert text == (
        "dial-plan object 900NXXXXXX: is blocked, but +19002000000 matches nothing and is "
        "dialled as entered; add that spelling, or say why in allow_bypass"
    )
    spelled = replace(blocked, pattern="+1900NXXXXXX")
    assert not refused(blocked, spelled, asks, unmatched="as_entered")
    half = replace(blocked, pattern="+1900[2-5]XXXXXX", standardized="")
    assert "+19006000000" in str(refused(blocked, half, asks, unmatched="as_entered"))
    assert not refused(replace(blocked, allow_bypass="fax"), asks, unmatched="as_entered")
    assert not refused(*PLAN, unmatched="as_entered")


@st.composite
def plans(draw: st.DrawFn) -> list[DialObject]:
    objects: dict[str, DialObject] = {}
    for _ in range(draw(st.integers(2, 6))):
        core = draw(st.text("12XN", min_size=1, max_size=3))
        head = draw(st.sampled_from(["", "", "9", "91"]))
        tail = draw(st.sampled_from(["", "", "Z", "?"]))
        to = draw(st.sampled_from(["", "0", "0", "01"]))
        pattern = head + core + tail
        objects[pattern] = DialObject(
            pattern,
            "local",
            standardized=to + core + tail,
            verification=draw(st.booleans()),
            groups=CARRIERS,
        )
    return list(objects.values())


NUMBERS = ["".join(n) for length in range(6) for n in product("01239", repeat=length)]


def clash(plan: DialPlan) -> bool:
    """Whether listing all short numbers finds one reached with and without verification."""
    asked: dict[str, set[bool]] = {}
    for number in NUMBERS:
        entry = plan.match(number, "")
        if entry is not None:
            reached = entry.standardized.render(number)
            asked.setdefault(reached, set()).add(entry.verification)
    return any(len(found) > 1 for found in asked.values())


@settings(max_examples=120, deadline=None)
@given(plans())
def test_the_search_finds_what_listing_all_numbers_finds(objects: Sequence[DialObject]) -> None:
    allowed = planned(*(replace(one, allow_bypass="yes") for one in objects))
    plan = allowed.tenants["default"].plan
    for entry in plan.entries:
        entry.allow_bypass = False
        entry.uses = ()
    search = Search(plan, "default")
    search.run()
    assert search.complete
    # Numbers longer than the list can clash as well, so one direction only is exact.
    if clash(plan):
        assert search.errors
    for found in search.errors:
        spellings = found.text.split("(dialled ")[1].split(")")[0].split(" or ")
        entries = [plan.match(number, "") for number in spellings]
        reached = {e.standardized.render(n) for e, n in zip(entries, spellings, strict=True) if e}
        assert len(entries) == 2
        assert len(reached) == 1
        assert len({entry.verification for entry in entries if entry}) == 2

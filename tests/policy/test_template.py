"""Digit templates: the code apart from the number, and templates that cannot both be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.office import CARRIERS, FIFTY, OFFICE, PLAN, build, call, peer

from tollbar.policy.dialplan import DialObject
from tollbar.policy.finding import PatternError
from tollbar.policy.template import Template, Templates, compile_templates

STAR = "*61*CODE#NUMBER"
PREFIX = "CODE**NUMBER"
SUFFIX = "NUMBER**CODE"


@pytest.mark.parametrize(
    ("text", "dialled", "number", "code"),
    [
        (STAR, "*61*4711#9195551234", "9195551234", "4711"),
        (STAR, "*61*4711#*72#1", "*72#1", "4711"),
        (STAR, "*61*#9195551234", "9195551234", ""),
        (STAR, "*61*47x1#919", "919", "47x1"),
        (STAR, "*61*4711#", "", "4711"),
        (PREFIX, "4711**+1919", "+1919", "4711"),
        (PREFIX, "4711**919**5", "919**5", "4711"),
        (SUFFIX, "+1919**4711", "+1919", "4711"),
        (SUFFIX, "919**", "919", ""),
        ("*7NUMBER*CODE#", "*7919*4711#", "919", "4711"),
    ],
)
def test_a_template_takes_the_code_from_the_number(
    text: str, dialled: str, number: str, code: str
) -> None:
    assert Template(text).split(dialled) == (number, code)


@pytest.mark.parametrize(
    ("text", "dialled"),
    [(STAR, "*62*4711#919"), (STAR, "*61*4711"), (PREFIX, "4711*919"), (PREFIX, "*1**919")],
)
def test_other_numbers_are_left_alone(text: str, dialled: str) -> None:
    assert Template(text).split(dialled) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("*61*CODE#", "CODE and NUMBER"),
        ("CODE*CODE*NUMBER", "CODE and NUMBER"),
        ("CODENUMBER", "text between"),
        ("CODE5NUMBER", "cannot tell"),
        ("*61*CODExNUMBER", "digits"),
    ],
)
def test_what_is_no_template_is_said(text: str, told: str) -> None:
    with pytest.raises(PatternError, match=told):
        Template(text)
    (found,) = compile_templates([text])[1]
    assert (found.kind, found.key, found.index) == ("template", text, 0)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (PREFIX, SUFFIX, True),
        (STAR, "*61*CODE*NUMBER", True),
        (STAR, STAR, True),
        (STAR, "*61*NUMBER#CODE", True),
        ("8CODE*NUMBER", PREFIX, True),
        ("8CODE#NUMBER", PREFIX, True),
        (STAR, PREFIX, False),
        (STAR, SUFFIX, False),
        (STAR, "*62*CODE#NUMBER", False),
        (PREFIX, "CODE#NUMBER", False),
    ],
)
def test_templates_that_match_one_string_stop_the_load(one: str, other: str, clash: bool) -> None:
    for texts in ([one, other], [other, one]):
        found = compile_templates(texts)[1]
        assert bool(found) == clash
        if clash:
            assert found[0].key == texts[1]
            assert texts[0] in found[0].text
            example = found[0].text.rsplit(" ", 1)[1]
            assert Template(one).split(example) is not None
            assert Template(other).split(example) is not None


ALONE = [STAR, PREFIX, SUFFIX, "*6CODE*NUMBER", "8CODE#NUMBER", "*61*NUMBER#CODE", "CODE#*NUMBER"]


@given(st.sampled_from(ALONE), st.sampled_from(ALONE), st.text("0168*#+", max_size=10))
def test_templates_that_pass_never_match_the_same(one: str, other: str, dialled: str) -> None:
    if not compile_templates([one, other])[1]:
        assert Template(one).split(dialled) is None or Template(other).split(dialled) is None


def test_the_first_template_that_matches_is_used_and_named() -> None:
    templates = Templates([Template(STAR), Template(PREFIX)])
    assert templates.split("12**34") == ("34", "12", PREFIX)
    assert templates.split("1234") is None
    assert templates.begun("*61*12") == "*61*"
    assert templates.begun("12") == ""


@pytest.mark.parametrize(
    ("dialled", "code", "check", "reason"),
    [
        ("*61*4711#9195551234", "4711", "valid", ""),
        ("*61*4711%239195551234", "4711", "valid", ""),
        ("*61*4711#(919) 555-1234", "4711", "valid", ""),
        ("*61*#3175551234", "", "none", ""),
        ("*61*#9195551234", "", "none", "required"),
        ("*61*47a1#919-555-1234", "", "malformed", "malformed"),
        (f"*61*{FIFTY}1#9195551234", "", "malformed", "malformed"),
        (f"*61*{FIFTY}#9195551234", FIFTY, "valid", ""),
    ],
)
def test_a_dialled_code_is_judged_like_any_other(
    dialled: str, code: str, check: str, reason: str
) -> None:
    decision = call(build(templates=[STAR]), dialled)
    assert (decision.account_code, decision.code_check, decision.reason) == (code, check, reason)
    assert decision.dialled in ("9195551234", "3175551234")
    assert decision.code_source == ("" if check == "none" else "digits")


@pytest.mark.parametrize(
    ("template", "dialled"),
    [
        ("0112CODE0NUMBER", "0112471109195551234"),
        ("*CODE555NUMBER", "*47115559195551234"),
        ("NUMBER*CODE", "9195551234*4711"),
    ],
)
def test_a_template_comes_before_the_dial_plan(template: str, dialled: str) -> None:
    """Also one that is dialled with digits alone, where the plan has an entry for all of them."""
    decision = call(build(templates=[template]), dialled)
    assert (decision.account_code, decision.dialled) == ("4711", "9195551234")
    assert call(build(templates=[template]), "01123456789").dial_object == "011[2-9]Z"


EVERYTHING = DialObject("?", "local", groups=CARRIERS)
"""What sends out whatever no other object matches."""


@pytest.mark.parametrize(
    ("dialled", "code", "reason"),
    [
        ("*61*4711#*61*4711#3175551234", "4711", ""),
        ("*61*4711#(*61*4711%23) 317-555-1234", "4711", ""),
        ("*61*4711#*61*4711#*61*4711#3175551234", "4711", ""),
        ("*61*4711#4711**3175551234", "4711", ""),
        ("4711**4711**3175551234", "4711", ""),
        ("*61*#*61*4711#3175551234", "4711", ""),
        ("*61*4711#*61*#3175551234", "4711", ""),
        ("*61*4711#*61*0815#3175551234", "", "conflict"),
        ("*61*4711#*61*4711", "", "incomplete"),
        ("*61*4711#*61*4711#", "", "incomplete"),
        ("*61*4711#*62*4711#", "", "incomplete"),
    ],
)
def test_who_redials_a_template_behind_another_dials_no_code_to_the_trunk(
    dialled: str, code: str, reason: str
) -> None:
    snapshot = build(
        replace(OFFICE, dial_plan=(*PLAN, EVERYTHING)),
        templates=[STAR, PREFIX],
        sticky_set="*62*CODE#",
    )
    decision = call(snapshot, dialled)
    assert (decision.account_code, decision.reason) == (code, reason)
    assert "4711" not in decision.dialled
    if not reason:
        assert {route.dial_string for route in decision.routes} == {"13175551234"}


@pytest.mark.parametrize("dialled", ["*61*4711#*61*4711#911", "*61*4711#4711**911"])
def test_emergency_is_met_behind_any_number_of_templates(dialled: str) -> None:
    assert call(build(templates=[STAR, PREFIX]), dialled).emergency


@pytest.mark.parametrize("count", [9, 10, 400])
def test_more_templates_than_anybody_dials_match_nothing(count: int) -> None:
    snapshot = build(
        replace(OFFICE, dial_plan=(*PLAN, EVERYTHING)), templates=[STAR], unmatched="as_entered"
    )
    assert not call(snapshot, "*61*4711#" * 8 + "3175551234").reason
    decision = call(snapshot, "*61*4711#" * count + "3175551234")
    assert (decision.reason, decision.dialled) == ("no_match", "")


def test_a_template_of_digits_is_not_looked_for_in_the_number_behind_one() -> None:
    decision = call(build(templates=["3CODE8NUMBER"]), "3471183175581234")
    assert (decision.account_code, decision.dialled) == ("4711", "3175581234")


@pytest.mark.parametrize("dialled", ["*61*4711#", "4711**", ""])
def test_nobody_dials_nothing(dialled: str) -> None:
    snapshot = build(replace(OFFICE, dial_plan=(*PLAN, EVERYTHING)), templates=[STAR, PREFIX])
    decision = call(snapshot, dialled)
    assert (decision.reason, decision.status) == ("incomplete", 484)


@pytest.mark.parametrize("unmatched", ["refuse", "as_entered"])
def test_a_template_begun_is_incomplete_and_its_digits_go_nowhere(unmatched: str) -> None:
    decision = call(build(templates=[STAR], unmatched=unmatched), "*61*4711")
    assert (decision.reason, decision.status) == ("incomplete", 484)
    assert "4711" not in repr(decision)


def test_a_code_without_a_number_is_incomplete() -> None:
    assert call(build(templates=[STAR]), "*61*4711#").reason == "incomplete"


def test_templates_count_from_peers_not_trusted_for_headers_too() -> None:
    snapshot = build(templates=[STAR], peers=peer(trust_code=False))
    assert call(snapshot, "*61*4711#9195551234", "1002").account_code == "4711"


def test_a_template_is_stripped_where_account_codes_are_off() -> None:
    decision = call(build(templates=[STAR], account_codes=False), "*61*4711#9195551234", "1004")
    assert (decision.action, decision.dialled, decision.account_code) == (
        "forward",
        "9195551234",
        "",
    )
    assert decision.matrix_row == 0

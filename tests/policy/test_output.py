"""Output fields repeat the wildcards of their pattern."""

import pytest

from tollbar.policy.finding import PatternError
from tollbar.policy.output import Output
from tollbar.policy.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "output", "number", "text"),
    [
        ("NXX", "", "234", "234"),
        ("91NXXNXXXXXX", "+1NXXNXXXXXX", "919195551234", "+19195551234"),
        ("NXXNXXXXXX", "1-NXX-NXX-XXXX", "9195551234", "19195551234"),
        ("9911", "911", "9911", "911"),
        ("011Z", "+Z", "01144207", "+44207"),
        ("011Z", '"x"Z"y"', "01144", "x44y"),
        ("9?1X", "+?#X", "923415", "+234#5"),
        ("9?", "?", "9", ""),
        ("NXX/Z", "/NXX/Z", "234/56", "/234/56"),
        ("[1-3]X", "9[1-3]X", "15", "915"),
        ("re:9(1+)(2*)", r"\2-\1", "911", "-11"),
    ],
)
def test_an_output_is_built_from_the_number(
    pattern: str, output: str, number: str, text: str
) -> None:
    compiled = Pattern(pattern)
    assert compiled.accepts(number)
    assert Output(compiled, output).render(number) == text


def test_the_list_digits_are_repeated() -> None:
    pattern = Pattern("1$$$NX", ["800"])
    assert Output(pattern, "+1$$$NX").render("180025") == "+180025"


def test_a_display_string_keeps_its_formatting() -> None:
    pattern = Pattern("NXXNXXXXXX")
    shown = Output(pattern, "(NXX) NXX-XXXX", formatted=True)
    assert shown.render("9195551234") == "(919) 555-1234"


@pytest.mark.parametrize(
    ("pattern", "output", "told"),
    [
        ("NXX", "+1NX", "has 2 wildcards where the pattern has 3"),
        ("NXX", "+1NXXX", "has 4 wildcards"),
        ("XXX", "+33 0X XX xZ", "has 5 wildcards"),
        ("NXX", "XXX", "has X as wildcard 1 where the pattern has N"),
        ("X?", "?X", "has . as wildcard 1"),
        ("9", '"\r\nVia: x"', "cannot stand"),
        ("9", "-", "is formatting and nothing else"),
        ("re:9(1)", r"\2", "no group"),
        ("re:9(1)", "1\r\n", "control character"),
        ("re:9(1)", r"\g<1>", "stands before the number of a group"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(pattern: str, output: str, told: str) -> None:
    with pytest.raises(PatternError, match=told):
        Output(Pattern(pattern), output)

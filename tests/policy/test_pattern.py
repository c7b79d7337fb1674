"""The pattern language: what matches, and what is no pattern."""

import re

import pytest

from tollbar.policy.finding import PatternError
from tollbar.policy.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("X", "0 9", "x 00 ٣"),
        ("Y", "1 9", "0"),
        ("N", "2 9", "1 0"),
        ("nxx", "234", "134 23"),
        ("NXX-NXX-XXXX", "2345678901", "234-567-8901"),
        ("1?", "1 12 1*#, 1234567890123456789012345678901234567890", "1+ 1/ 1^ 2"),
        ("1?9", "19 129 1999", "1 128"),
        ("011Z", "011 01144 0114/4+x", "01"),
        ("+1X", "+15", "15 1+5"),
        ("/Z", "/ /1001", "1001"),
        ("[1-35*]X", "19 39 59 *9", "49 09"),
        ('"Oldphone:"+1X', "Oldphone:+15", "oldphone:+15 Oldphone:15"),
        ('"a-b"', "a-b", "ab"),
        ("re:9?(1[12]|0)", "11 912 0", "13 9"),
    ],
)
def test_a_pattern_matches_what_its_letters_say(pattern: str, matching: str, other: str) -> None:
    compiled = Pattern(pattern)
    assert [n for n in matching.split() if not compiled.accepts(n)] == []
    assert [n for n in other.split() if compiled.accepts(n)] == []


def test_dollars_stand_for_an_entry_of_the_list() -> None:
    compiled = Pattern("1$$$X", ["800", "888", "44"])
    assert compiled.accepts("18005")
    assert not compiled.accepts("18085")
    assert not compiled.accepts("1445")


def test_a_trailing_z_takes_line_breaks_too() -> None:
    assert Pattern("1Z").accepts("1\n2")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("", "empty"),
        ("ZX", "Z must be the last"),
        ("1ZZ", "Z must be the last"),
        ('"abc', "quote is not closed"),
        ("[1-3", "set [ is not closed"),
        ("[]", "digits, * and # only"),
        ("[5-1]", "not well-formed"),
        ("[1-]", "not well-formed"),
        ("[abc]", "digits, * and # only"),
        ("sip:Z", "double quotes"),
        ("9a", "double quotes"),
        ('"\r\n"', "cannot stand"),
        ("{Z}", "double quotes"),
        ("re:(", "not a regular expression"),
        ("re:", "empty"),
        ("?1?2?3?4Z", "at most 3"),
        ("1$$$X", "needs a number list"),
    ],
)
def test_what_is_no_pattern_is_said(pattern: str, told: str) -> None:
    with pytest.raises(PatternError, match=re.escape(told)):
        Pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [("$X$", "side by side"), ("?$$$", "cannot follow"), ("$$$$", "no entry of 4 digits")],
)
def test_a_list_that_cannot_be_used_is_said(pattern: str, told: str) -> None:
    with pytest.raises(PatternError, match=told):
        Pattern(pattern, ["800"])

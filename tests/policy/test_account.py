"""Account codes: strings, days in a time zone, and the reasons against one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.office import FIFTY, NOON, OFFICE, build, call, findings

from tollbar.policy.account import Code, Codes, check_codes, day_starts, mask, well_formed
from tollbar.policy.rights import ALL, Effective, Rights

EVERYTHING = Effective(None, [Rights(codes=frozenset({ALL}))], {})
ZONES = ["UTC", "America/Indianapolis", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"]


@pytest.mark.parametrize("code", ["1", "01", "001", FIFTY])
def test_leading_zeros_count(code: str) -> None:
    codes = Codes([Code("1", "one"), Code("001", "three"), Code(FIFTY)], UTC)
    assert codes.check(code, NOON, EVERYTHING) == ("unknown" if code == "01" else "valid")


@pytest.mark.parametrize("given_", ["", "x", "47 11", "+1", "٣", "²", FIFTY + "1", "4711\r\n"])
def test_anything_but_one_to_fifty_digits_is_malformed(given_: str) -> None:
    assert not well_formed(given_)
    assert Codes([], UTC).check(given_, NOON, EVERYTHING) == "malformed"


def test_the_first_reason_against_a_code_is_given() -> None:
    past = date(2020, 1, 1)
    codes = Codes(
        [Code("1", active=False, valid_until=past), Code("2", valid_until=past), Code("3")], UTC
    )
    nobody = Effective(None, [], {})
    assert [codes.check(c, NOON, nobody) for c in ("x", "9", "1", "2", "3")] == [
        "malformed",
        "unknown",
        "retired",
        "expired",
        "not_permitted",
    ]


@given(
    st.dates(date(2000, 1, 1), date(2035, 1, 1)),
    st.integers(-3 * 86400, 5 * 86400),
    st.integers(0, 3),
    st.sampled_from(ZONES),
)
def test_both_days_are_included_in_the_time_zone(
    start: date, offset: int, days: int, name: str
) -> None:
    zone = ZoneInfo(name)
    until = start + timedelta(days=days)
    codes = Codes([Code("1", valid_from=start, valid_until=until)], zone)
    utc = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() + offset
    today = datetime.fromtimestamp(utc, zone).date()
    expected = "valid" if start <= today <= until else "expired"
    assert codes.check("1", utc, EVERYTHING) == expected


@pytest.mark.parametrize(("zone", "day"), [("America/Sao_Paulo", date(2017, 10, 15))])
def test_a_day_without_midnight_starts_with_its_first_instant(zone: str, day: date) -> None:
    start = day_starts(day, ZoneInfo(zone))
    assert datetime.fromtimestamp(start, ZoneInfo(zone)).date() == day
    assert datetime.fromtimestamp(start - 1, ZoneInfo(zone)).date() == day - timedelta(days=1)


def test_one_open_side_is_open() -> None:
    codes = Codes([Code("1", valid_from=date(2026, 6, 15)), Code("2", valid_until=date.max)], UTC)
    assert codes.check("1", NOON, EVERYTHING) == "valid"
    assert codes.check("1", NOON - 86400, EVERYTHING) == "expired"
    assert codes.check("2", NOON, EVERYTHING) == "valid"


def test_the_configured_zone_decides_about_today() -> None:
    tenant = replace(OFFICE, codes=(*OFFICE.codes, Code("5", valid_until=date(2026, 6, 15))))
    late = datetime(2026, 6, 16, 3, tzinfo=UTC).timestamp()  # still the 15th in Indiana
    here = build(tenant, timezone="America/Indianapolis")
    assert call(here, "9195551234", code="5", utc=late).code_check == "valid"
    assert call(build(tenant), "9195551234", code="5", utc=late).code_check == "expired"


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([Code("12a")], "account code 12a: a code is 1 to 50 digits"),
        ([Code("1"), Code("1")], "account code 1: is there twice"),
        ([Code("1", "x" * 129)], "account code 1: the description is longer than 128 characters"),
        (
            [Code("1", valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1))],
            "account code 1: valid_until lies before valid_from",
        ),
    ],
)
def test_a_wrong_code_stops_the_load(codes: list[Code], told: str) -> None:
    (found,) = check_codes(codes, "default")
    assert (found.kind, found.text, found.index) == ("code", told, len(codes) - 1)
    tenant = replace(OFFICE, codes=(*OFFICE.codes, *codes))
    assert found.key in [other.key for other in findings(tenant)]


def test_a_masked_code_shows_its_length_only() -> None:
    assert mask("4711") == "****"
    assert mask("9" * 900) == "*" * 50

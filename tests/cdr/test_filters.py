"""Filters: days of a time zone and ranges in string order."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tests.cdr.story import record

from tollbar.cdr.filters import Filters, days

NEW_YORK = ZoneInfo("America/New_York")


def test_days_are_both_included_and_know_short_ones() -> None:
    since, until = days(date(2024, 3, 10), date(2024, 3, 10), NEW_YORK)
    assert since is not None
    assert until is not None
    assert until - since == 23 * 3600 * 1000  # clocks went forward


def test_open_ends_stay_open() -> None:
    assert days(None, None, NEW_YORK) == (None, None)


def test_until_is_excluded() -> None:
    moment = record().dated
    assert Filters(since=moment, until=moment + 1).matches(record())
    assert not Filters(until=moment).matches(record())
    assert not Filters(since=moment + 1).matches(record())


@pytest.mark.parametrize(
    ("code", "inside"), [("1", True), ("1234", True), ("2", True), ("20", False), ("001", False)]
)
def test_a_range_of_codes_is_one_of_strings(code: str, inside: bool) -> None:
    filters = Filters(code_ranges=(("1", "2"),))
    assert filters.matches(record(account_code=code)) is inside


def test_codes_and_ranges_add_up_and_everything_else_narrows() -> None:
    filters = Filters(codes=("7",), code_ranges=(("1", "2"),), users=("bob",))
    assert filters.matches(record(account_code="7", user="bob"))
    assert filters.matches(record(account_code="15", user="bob"))
    assert not filters.matches(record(account_code="7", user="alice"))
    assert not filters.matches(record(account_code="3", user="bob"))


@pytest.mark.parametrize(
    "filters",
    [
        Filters(tenant="blue"),
        Filters(extensions=("1002",)),
        Filters(outcomes=("busy",)),
        Filters(directions=("in",)),
        Filters(peers=("other",)),
        Filters(trunks=("backup",)),
        Filters(record_ids=("x",)),
        Filters(in_report=False),
    ],
)
def test_each_filter_narrows(filters: Filters) -> None:
    assert not filters.matches(record())

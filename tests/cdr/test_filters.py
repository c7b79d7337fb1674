"""Filters: days of a time zone and ranges in string order."""

from datetime import UTC, date, datetime
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
    assert days(None, date.max, NEW_YORK) == (None, None)
    assert days(date.max, date.max, NEW_YORK)[0] is not None


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


HOUR = 3_600_000


@pytest.mark.parametrize(
    ("hours", "utc", "inside"),
    [
        ((8, 18), "2024-01-15T13:00", True),  # 08:00 in New York
        ((8, 18), "2024-01-15T12:59", False),
        ((8, 18), "2024-07-15T12:00", True),  # in summer an hour earlier
        ((8, 18), "2024-01-15T23:00", False),  # 18:00: not included
        ((22, 6), "2024-01-16T04:00", True),  # 23:00, over midnight
        ((22, 6), "2024-01-16T10:59", True),
        ((22, 6), "2024-01-16T11:00", False),
        ((0, 24), "2024-01-16T04:59", True),
        ((9, 9), "2024-01-16T04:59", True),
    ],
)
def test_hours_are_those_of_local_clocks(hours: tuple[int, int], utc: str, inside: bool) -> None:
    when = round(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000)
    first, last = (hour * HOUR for hour in hours)
    filters = Filters(hours=(first, last), zone=NEW_YORK)
    assert filters.matches(record(setup=when, answer=None)) is inside


def test_untagged_is_what_was_placed_without_a_code() -> None:
    untagged = Filters(untagged=True)
    assert untagged.matches(record(account_code=""))
    assert not untagged.matches(record(account_code="", tries=0))
    assert not untagged.matches(record(account_code="", outcome="refused"))
    assert Filters(untagged=False).matches(record())


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
        Filters(untagged=True),
        Filters(workgroups=("litigation",)),
    ],
)
def test_each_filter_narrows(filters: Filters) -> None:
    assert not filters.matches(record())

"""What a report must be on every database; a test class per database derives from it.

Derived classes give the fixture ``office``. Nothing here knows which database it is.
"""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cdr import reference
from tests.cdr.story import call_id, record
from tests.store.contract import IN_STRING_ORDER

from tollbar.cdr.filters import Filters, days
from tollbar.cdr.record import Record
from tollbar.cdr.report import BY_CODE, BY_DATE, BY_USER, BY_WORKGROUP, UNTAGGED, with_sums
from tollbar.store.records import Records
from tollbar.store.report import Report


class Office(Protocol):
    """Where records are kept and read."""

    records: Records

    def keep(self, records: Iterable[Record]) -> None: ...


# Clocks that changed by an hour, by half an hour, never, and that are far from UTC.
ZONES = [
    UTC,
    *map(ZoneInfo, ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")),
    *map(ZoneInfo, ("Pacific/Kiritimati", "Africa/Casablanca")),
]
# When clocks of these zones changed, in both directions; in between is half a year.
CHANGES = [
    datetime(2023, 3, 12, 7, tzinfo=UTC),
    datetime(2023, 3, 19, 2, tzinfo=UTC),
    datetime(2023, 9, 30, 15, 30, tzinfo=UTC),
    datetime(2023, 11, 5, 6, tzinfo=UTC),
]
# A day and a half around them, by quarters of an hour: midnights and full hours are met.
MOMENTS = st.builds(
    lambda change, quarters: change + timedelta(minutes=15 * quarters),
    st.sampled_from(CHANGES),
    st.integers(-150, 150),
)
NAMES = st.sampled_from(["", "alice", "bob", "Zoe", "ålice"])


@st.composite
def calls(draw: st.DrawFn) -> Record:
    setup = round(draw(MOMENTS).timestamp() * 1000)
    lasted = draw(st.integers(0, 3_600_000))
    answer = draw(st.sampled_from([None, setup, setup + 5_000]))
    code = draw(st.sampled_from([*IN_STRING_ORDER, ""]))
    return record(
        account_code=code,
        account_code_description=draw(st.sampled_from(["Smith", "Jönes"])),
        user=draw(NAMES),
        workgroup=draw(NAMES),
        setup=setup,
        answer=answer,
        billable_ms=0 if answer is None else lasted,
        in_report=code != "",
    )


DAY = 86_400_000
CLOCK = st.sampled_from([0, DAY // 3, DAY // 2, DAY * 3 // 4, DAY])
FILTERS = st.builds(
    Filters,
    since=st.none() | MOMENTS.map(lambda at: round(at.timestamp() * 1000)),
    until=st.none() | MOMENTS.map(lambda at: round(at.timestamp() * 1000)),
    codes=st.lists(st.sampled_from(["1", "20"]), max_size=1).map(tuple),
    code_ranges=st.lists(st.sampled_from([("0", "1234"), ("2", "3")]), max_size=1).map(tuple),
    users=st.lists(NAMES, max_size=1).map(tuple),
    workgroups=st.lists(NAMES, max_size=1).map(tuple),
    hours=st.none() | st.tuples(CLOCK, CLOCK),
    zone=st.sampled_from(ZONES),
    in_report=st.just(True),
)


class ReportContract:
    """The contract."""

    kept = 0

    @pytest.fixture
    def office(self) -> Office:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Few records take the ways that many take."""
        monkeypatch.setattr("tollbar.store.report.FIRST", 7)
        monkeypatch.setattr("tollbar.store.report.PAGE", 3)

    def keep(self, office: Office, records: Iterable[Record]) -> str:
        """The tenant, a new one, that has these records."""
        self.kept += 1
        tenant = f"tenant{self.kept}"
        own = []
        for number, one in enumerate(records, 1):
            one.tenant, one.record_id = tenant, call_id(number)
            own.append(one)
        office.keep(own)
        return tenant

    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,  # the same test on another database
        ],
    )
    @given(st.lists(calls(), min_size=5, max_size=40), FILTERS)
    def test_a_report_is_what_adding_up_by_hand_gives(
        self, office: Office, made: list[Record], filters: Filters
    ) -> None:
        tenant = self.keep(office, made)
        report = Report(office.records, tenant, filters)
        meant = [one for one in made if filters.matches(one)]
        for by in (BY_CODE, BY_DATE, BY_USER, BY_WORKGROUP):
            assert list(report.groups(by)) == reference.groups(meant, by, filters.zone)
            found = [one.record_id for one in report.detail(by)]
            assert found == reference.details(meant, by)
        filters.in_report, filters.untagged = None, True
        report = Report(office.records, tenant, filters)
        meant = [one for one in made if filters.matches(one)]
        assert list(report.groups(UNTAGGED)) == reference.groups(meant, UNTAGGED, filters.zone)
        found = [one.record_id for one in report.detail(UNTAGGED)]
        assert found == reference.details(meant, UNTAGGED)

    @pytest.mark.parametrize(
        ("hours", "found"),
        [((6, 22), [6, 7]), ((22, 6), [22, 5]), ((7, 23), [22, 7]), ((23, 7), [5, 6])],
    )
    def test_the_first_hour_counts_and_the_last_does_not(
        self, office: Office, hours: tuple[int, int], found: list[int]
    ) -> None:
        # 22:00 in summer time, then 05:00, 06:00 and 07:00 in winter time.
        nights = [datetime(2023, 11, 5, utc) for utc in (2, 10, 11, 12)]
        made = [
            record(setup=round(at.replace(tzinfo=UTC).timestamp() * 1000), answer=None)
            for at in nights
        ]
        hour = DAY // 24
        filters = Filters(hours=(hours[0] * hour, hours[1] * hour), zone=ZONES[1], in_report=True)
        report = Report(office.records, self.keep(office, made), filters)
        told = [
            datetime.fromtimestamp(one.dated / 1000, ZONES[1]).hour
            for one in report.detail(BY_CODE)
        ]
        assert told == found

    def test_days_far_from_every_record_cost_nothing(self, office: Office) -> None:
        one = record()
        zone = ZoneInfo("Australia/Lord_Howe")  # ahead of UTC, and its clocks change
        since, until = days(date.min, date(9998, 12, 31), zone)
        filters = Filters(since=since, until=until, in_report=True, zone=zone)
        tenant = self.keep(office, [one])
        assert len(office.records.zone(tenant, filters)) == 1
        (row,) = Report(office.records, tenant, filters).groups(BY_DATE)
        assert row.date == datetime.fromtimestamp(one.dated / 1000, zone).date().isoformat()

    def test_codes_come_in_string_order(self, office: Office) -> None:
        made = [record(account_code=code) for code in IN_STRING_ORDER * 5]
        random.Random(1).shuffle(made)
        report = Report(office.records, self.keep(office, made), Filters(in_report=True))
        assert [row.account_code for row in report.groups(BY_CODE)] == IN_STRING_ORDER
        told = [call.account_code for call in report.detail(BY_CODE)]
        assert told == [code for code in IN_STRING_ORDER for _ in range(5)]

    def test_a_detail_has_all_that_it_shows(self, office: Office) -> None:
        one = record(workgroup="litigation", direction="in", account_code_description="Smith, J")
        report = Report(office.records, self.keep(office, [one]), Filters(in_report=True))
        (found,) = report.detail(BY_WORKGROUP)
        for name in ("record_id", "user", "extension", "workgroup", "caller", "direction"):
            assert getattr(found, name) == getattr(one, name)
        assert (found.dated, found.billable_ms) == (one.dated, one.billable_ms)
        assert (found.account_code, found.account_code_description) == ("1234", "Smith, J")

    def test_tenants_are_not_added_up(self, office: Office) -> None:
        first = self.keep(office, [record(account_code="4711"), record(account_code="4711")])
        self.keep(office, [record(account_code="4711", account_code_description="other")])
        report = Report(office.records, first, Filters(in_report=True))
        (total,) = (row for row in with_sums(report.groups(BY_CODE), BY_CODE) if row.level)
        assert (total.attempts, total.billable_ms) == (2, 120_000)

    def test_what_is_not_in_the_report_is_in_none(self, office: Office) -> None:
        tenant = self.keep(office, [record(in_report=False)])
        report = Report(office.records, tenant, Filters(in_report=True))
        assert (list(report.groups(BY_CODE)), list(report.detail(BY_CODE))) == ([], [])

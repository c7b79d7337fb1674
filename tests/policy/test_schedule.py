"""Schedules against a reference that reads the lines minute by minute, across clock changes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbar.policy.finding import PatternError
from tollbar.policy.schedule import WEEKDAYS, Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: tzinfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def open_at(lines: Sequence[str], *times: str, zone: tzinfo = UTC) -> list[bool]:
    schedule = Schedule(lines, zone)
    return [schedule.open(at(time, zone)) for time in times]


def test_office_hours() -> None:
    lines = ["mon-fri 08:00-18:00", "sat 09:00-13:00"]
    assert open_at(
        lines,
        "2026-11-27T07:59:59",
        "2026-11-27T08:00",  # Friday
        "2026-11-27T17:59:59",
        "2026-11-27T18:00",
        "2026-11-28T09:00",
        "2026-11-28T13:00",
        "2026-11-29T12:00",
    ) == [False, True, True, False, True, False, False]


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    lines = ["fri 22:00-06:00"]
    assert open_at(
        lines, "2026-11-27T05:00", "2026-11-27T22:00", "2026-11-28T05:59", "2026-11-28T06:00"
    ) == [False, True, True, False]
    assert open_at([*lines, "2026-11-28 closed"], "2026-11-28T05:59") == [True]
    assert open_at([*lines, "2026-11-27 closed"], "2026-11-28T05:59") == [False]


def test_a_week_goes_round() -> None:
    assert open_at(["sun 22:00-06:00"], "2026-11-30T05:59") == [True]
    assert open_at(["sat-mon"], "2026-11-27T12:00", "2026-11-28T12:00", "2026-11-30T12:00") == [
        False,
        True,
        True,
    ]


def test_a_date_replaces_its_weekday() -> None:
    lines = ["mon-sun", "2026-12-24 08:00-12:00", "2026-12-25..2026-12-26 closed"]
    assert open_at(
        lines,
        "2026-12-23T13:00",
        "2026-12-24T11:00",
        "2026-12-24T13:00",
        "2026-12-25T11:00",
        "2026-12-26T11:00",
        "2026-12-27T11:00",
    ) == [True, True, False, False, False, True]


def test_the_clock_on_the_wall_counts() -> None:
    lines = ["sun 02:30-03:30"]
    # Spring: 02:30 does not come; autumn: 02:30 comes twice.
    spring = [datetime(2026, 3, 29, 1, minute, tzinfo=UTC).timestamp() for minute in (0, 29, 30)]
    assert [Schedule(lines, BERLIN).open(utc) for utc in spring] == [True, True, False]
    autumn = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC).timestamp() for hour in (0, 1, 2)]
    assert [Schedule(lines, BERLIN).open(utc) for utc in autumn] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "names no days"),
        ("mo 08:00-18:00", "names no days"),
        ("mon-", "names no days"),
        ("mon 8:00-18:00", "are no hours"),
        ("mon 08:00", "are no hours"),
        ("mon 08:00-08:00", "00:00-24:00 is all of it"),
        ("mon 08:00-25:00", "no hours of a day"),
        ("mon 24:00-06:00", "no hours of a day"),
        ("mon 08:60-09:00", "no hours of a day"),
        ("2026-02-30", "not in the calendar"),
        ("2026-02-01x", "is no date"),
        ("2026-02-03..2026-02-01", "no range of dates"),
        ("2026-02-03..2028-02-01", "no range of dates"),
    ],
)
def test_what_is_no_schedule_is_said(line: str, told: str) -> None:
    with pytest.raises(PatternError, match=told):
        Schedule([line], UTC)


TIMES = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda t: t[0] != t[1])
DATES = [(3, 7), (3, 8), (3, 28), (3, 29), (4, 4), (4, 5), (10, 3), (10, 4), (10, 25), (11, 1)]
DAYS = st.one_of(
    st.tuples(st.sampled_from(WEEKDAYS), st.sampled_from(WEEKDAYS)),
    st.sampled_from([date(2026, month, day) for month, day in DATES]),
)
LINES = st.lists(st.tuples(DAYS, st.one_of(TIMES, st.none())), min_size=1, max_size=5)
Line = tuple[tuple[str, str] | date, tuple[int, int] | None]


def written(line: Line) -> str:
    days, hours = line
    text = days.isoformat() if isinstance(days, date) else "-".join(days)
    if hours is None:
        return text + " closed"
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in hours)
    return f"{text} {start}-{end}"


def covers(days: tuple[str, str] | date, day: date) -> bool:
    if isinstance(days, date):
        return days == day
    first, last = map(WEEKDAYS.index, days)
    while first != last:
        if first == day.weekday():
            return True
        first = (first + 1) % 7
    return last == day.weekday()


def obviously_open(lines: Sequence[Line], wall: datetime) -> bool:
    """Read every line again for this minute."""
    minute = wall.hour * 60 + wall.minute
    for day, shift in ((wall.date(), 0), (wall.date() - timedelta(days=1), 1440)):
        dated = any(days == day for days, _ in lines)
        for days, hours in lines:
            if hours is None or not covers(days, day) or (dated and days != day):
                continue
            start, end = hours
            if start <= minute + shift < (end if start < end else end + 1440):
                return True
    return False


CHANGES = {
    "Europe/Berlin": [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ],
    "America/New_York": [
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
    ],
    # By half an hour, and the other way round.
    "Australia/Lord_Howe": [
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    ],
}


@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from(list(CHANGES)))
def test_every_minute_around_a_clock_change_is_judged_alike(lines: list[Line], name: str) -> None:
    zone = ZoneInfo(name)
    schedule = Schedule([written(line) for line in lines], zone)
    for start in CHANGES[name]:
        # Each minute of the hours about the change, and some of each hour of the days about it.
        near, far = range(-240, 240), range(-2 * 1440, 2 * 1440, 7)
        for minutes in (*near, *far):
            moment = start + timedelta(minutes=minutes)
            wall = moment.astimezone(zone)
            assert schedule.open(moment.timestamp()) == obviously_open(lines, wall), wall

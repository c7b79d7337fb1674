"""Local clocks as arithmetic, against the standard library minute by minute."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from tollbar.cdr.zone import DAY, day, offset, offsets

HOUR = DAY // 24
YEAR = 365 * DAY
BEGIN = round(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("UTC", 0),
        ("America/New_York", 4),
        ("Australia/Lord_Howe", 4),
        ("Africa/Casablanca", 4),
        ("Asia/Kathmandu", 0),
        ("Africa/Juba", 0),
    ],
)
def test_offsets_are_those_of_the_zone_at_every_half_hour(name: str, changes: int) -> None:
    zone = ZoneInfo(name)
    found = offsets(zone, BEGIN, BEGIN + 2 * YEAR)
    assert len(found) == changes + 1
    steps = iter(found)
    until, ahead = next(steps)
    for ms in range(BEGIN, BEGIN + 2 * YEAR, HOUR // 2):
        while ms >= until:
            until, ahead = next(steps)
        assert ahead == offset(ms, zone)


def test_a_change_is_found_to_the_second() -> None:
    change = round(datetime(2023, 3, 12, 7, tzinfo=UTC).timestamp() * 1000)
    for first in (BEGIN, change - 1000, change - HOUR):
        found = offsets(ZoneInfo("America/New_York"), first, change + DAY)
        assert found == [(change, -5 * HOUR), (change + DAY, -4 * HOUR)]


def test_no_time_at_all_has_an_offset() -> None:
    assert offsets(ZoneInfo("Asia/Kathmandu"), BEGIN, BEGIN) == [(BEGIN, 20_700_000)]


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Pacific/Kiritimati")])
def test_a_day_is_the_one_on_the_wall(zone: tzinfo) -> None:
    for ms in range(BEGIN, BEGIN + 3 * DAY, HOUR):
        local = datetime.fromtimestamp(ms / 1000, zone)
        assert day((ms + offset(ms, zone)) // DAY) == local.date().isoformat()

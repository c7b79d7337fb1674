"""The account code report: string order, arithmetic, time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.cdr import reference
from tests.cdr.story import record

from tollbar.cdr.record import Record
from tollbar.cdr.report import (
    BY_CODE,
    BY_DATE,
    BY_USER,
    BY_WORKGROUP,
    GROUPS,
    UNTAGGED,
    Summary,
    clock,
    detail,
    detail_cells,
    detail_headings,
    summary_cells,
    summary_headings,
    with_sums,
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def call(number: int, code: str, user: str, at: str, seconds: int | None) -> Record:
    """A call dialled at ``at`` and answered the moment after; None is not answered."""
    begin = ms(at)
    return record(
        number,
        account_code=code,
        account_code_description=f"matter {code}",
        user=user,
        setup=begin,
        answer=None if seconds is None else begin,
        billable_ms=(seconds or 0) * 1000,
    )


CALLS = [
    call(1, "20", "bob", "2024-03-02T10:00:00", 60),
    call(2, "1", "alice", "2024-03-02T11:00:00", 90),
    call(3, "1", "alice", "2024-03-01T11:00:00", 30),
    call(4, "1", "bob", "2024-03-01T12:00:00", None),
    call(5, "1", "alice", "2024-03-01T13:00:00", None),
]


def summary(records: list[Record], by: str) -> list[Summary]:
    return list(with_sums(reference.groups(records, by, UTC), by))


def test_nothing_adds_up_to_nothing() -> None:
    (total,) = summary([], BY_CODE)
    assert (total.level, total.attempts, total.average_ms) == ("total", 0, 0)


def test_a_detail_in_the_columns_of_the_reference() -> None:
    (row,) = detail([call(1, "0214", "bob", "2024-03-02T10:05:06", 3725)], UTC)
    assert dict(zip(detail_headings(BY_CODE), detail_cells(row, BY_CODE), strict=True)) == {
        "Account Code": "0214",
        "Name": "matter 0214",
        "User": "bob",
        "Extension": "1001",
        "Date": "2024-03-02",
        "Time": "10:05:06",
        "In / Out": "Out",
        "Remote Number": "+19195551234",
        "Duration": "1:02:05",
    }


def test_the_remote_number_of_an_incoming_call_is_its_caller() -> None:
    (row,) = detail([record(direction="in", caller="3175550000")], UTC)
    assert (row.direction, row.remote_number) == ("In", "3175550000")


def test_a_day_is_one_of_the_reports_time_zone() -> None:
    late = call(1, "1", "bob", "2024-03-10T03:30:00", 1)
    (row,) = detail([late], ZoneInfo("America/New_York"))
    assert (row.date, row.time) == ("2024-03-09", "22:30:00")


def test_the_date_is_the_answers_else_the_setups() -> None:
    over_midnight = record(
        setup=ms("2024-03-01T23:59:59"), answer=ms("2024-03-02T00:00:04"), in_report=True
    )
    (row,) = detail([over_midnight], UTC)
    assert (row.date, row.time) == ("2024-03-02", "00:00:04")


def test_a_summary_by_date() -> None:
    rows = [
        (r.level, r.account_code, r.date, r.user, r.attempts, r.answered, r.billable_ms)
        for r in summary(CALLS, BY_DATE)
    ]
    assert rows == [
        ("", "1", "2024-03-01", "alice", 2, 1, 30_000),
        ("", "1", "2024-03-01", "bob", 1, 0, 0),
        ("", "1", "2024-03-02", "alice", 1, 1, 90_000),
        ("", "20", "2024-03-02", "bob", 1, 1, 60_000),
        ("total", "", "", "", 5, 3, 180_000),
    ]


def test_a_summary_by_user_has_sums_per_user_and_per_code() -> None:
    rows = [
        (r.level, r.account_code, r.user, r.date, r.attempts, r.answered, r.billable_ms)
        for r in summary(CALLS, BY_USER)
    ]
    assert rows == [
        ("", "1", "alice", "2024-03-01", 2, 1, 30_000),
        ("", "1", "alice", "2024-03-02", 1, 1, 90_000),
        ("user", "1", "alice", "", 3, 2, 120_000),
        ("", "1", "bob", "2024-03-01", 1, 0, 0),
        ("user", "1", "bob", "", 1, 0, 0),
        ("code", "1", "", "", 4, 2, 120_000),
        ("", "20", "bob", "2024-03-02", 1, 1, 60_000),
        ("user", "20", "bob", "", 1, 1, 60_000),
        ("code", "20", "", "", 1, 1, 60_000),
        ("total", "", "", "", 5, 3, 180_000),
    ]


def test_the_average_is_over_answered_calls() -> None:
    by_code = {r.account_code: r for r in summary(CALLS, BY_CODE)}
    assert (by_code["1"].attempts, by_code["1"].average_ms) == (4, 60_000)
    assert by_code[""].average_ms == 60_000


def test_a_summary_by_workgroup_has_sums_per_workgroup_and_per_code() -> None:
    calls = [*CALLS[1:4], call(6, "1", "carol", "2024-03-02T09:00:00", 10)]
    for one, workgroup in zip(calls, ("litigation", "litigation", "", ""), strict=True):
        one.workgroup = workgroup
    rows = [
        (r.level, r.account_code, r.workgroup, r.user, r.attempts, r.billable_ms)
        for r in summary(calls, BY_WORKGROUP)
    ]
    assert rows == [
        ("", "1", "", "bob", 1, 0),
        ("", "1", "", "carol", 1, 10_000),
        ("workgroup", "1", "", "", 2, 10_000),
        ("", "1", "litigation", "alice", 2, 120_000),
        ("workgroup", "1", "litigation", "", 2, 120_000),
        ("code", "1", "", "", 4, 130_000),
        ("total", "", "", "", 4, 130_000),
    ]


def test_calls_without_a_code_have_sums_per_user() -> None:
    calls = [call(i, "", user, "2024-03-02T09:00:00", 10) for i, user in enumerate("aab")]
    rows = [(r.level, r.user, r.date, r.attempts) for r in summary(calls, UNTAGGED)]
    assert rows == [
        ("", "a", "2024-03-02", 2),
        ("user", "a", "", 2),
        ("", "b", "2024-03-02", 1),
        ("user", "b", "", 1),
        ("total", "", "", 3),
    ]


def test_a_sum_has_the_name_of_its_code() -> None:
    names = {(r.level, r.description) for r in summary(CALLS[1:3], BY_USER)}
    assert names == {("", "matter 1"), ("user", "matter 1"), ("code", "matter 1"), ("total", "")}


@pytest.mark.parametrize("by", list(GROUPS))
def test_a_row_has_a_cell_under_each_heading(by: str) -> None:
    for row in summary(CALLS, by):
        cells = dict(zip(summary_headings(by), summary_cells(row, by), strict=True))
        assert cells.get("Account Code", "") == row.account_code
        assert cells["Total Calls"] == str(row.attempts)
    for line in detail(CALLS, UTC):
        told = dict(zip(detail_headings(by), detail_cells(line, by), strict=True))
        assert told["Duration"] == clock(line.billable_ms)
        assert told["User"] == line.user


def test_a_duration_is_rounded_to_the_second() -> None:
    assert [clock(t) for t in (0, 499, 500, 59_500, 3_600_000, 360_000_000)] == [
        "0:00:00",
        "0:00:00",
        "0:00:01",
        "0:01:00",
        "1:00:00",
        "100:00:00",
    ]

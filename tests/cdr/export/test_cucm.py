"""The subset of Cisco's records, read back by the csv module under its two heading lines."""

import csv
import io
from itertools import chain

import pytest
from tests.cdr.export.odd import CODE, odd
from tests.cdr.story import record

from tollbar.cdr.export import cucm
from tollbar.cdr.export.foreign import Unfit
from tollbar.cdr.record import Record
from tollbar.policy.refusal import NOT_ACCEPTED, REQUIRED


def read(*calls: Record) -> list[dict[str, str]]:
    text = "\n".join(chain(cucm.heading(), map(cucm.line, calls))) + "\n"
    rows = csv.reader(io.StringIO(text))
    names, types = next(rows), next(rows)
    assert len(names) == len(types)
    numbers = {name for name, type_ in zip(names, types, strict=True) if type_ == "INTEGER"}
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for row in found:
        assert all(row[name].isdecimal() for name in numbers)
    return found


def test_every_field_comes_back() -> None:
    calls = odd()
    for call, row in zip(calls, read(*calls), strict=True):
        refused = call.reason == "unknown"
        incoming = call.direction == "in"
        by_callee = call.ended_by == "callee"
        assert row == {
            "cdrRecordType": "1",
            "dateTimeOrigination": str(call.setup // 1000),
            "callingPartyNumber": call.caller,
            "callingPartyUnicodeLoginUserID": "" if incoming else call.user,
            "origCause_value": "0" if by_callee else str(call.q850_cause),
            "originalCalledPartyNumber": call.dialled,
            "finalCalledPartyNumber": call.standardized or call.dialled,
            "finalCalledPartyUnicodeLoginUserID": call.user if incoming else "",
            "destCause_value": str(call.q850_cause) if by_callee else "0",
            "dateTimeConnect": str((call.answer or 0) // 1000),
            "dateTimeDisconnect": str((call.end or 0) // 1000),
            "pkid": call.record_id,
            "duration": str(call.billable_ms // 1000),
            "origDeviceName": call.peer,
            "destDeviceName": call.trunk,
            "clientMatterCode": "9999999999999999" if refused else call.account_code,
        }


def test_nines_are_for_codes_not_accepted_and_last_no_time() -> None:
    for reason in NOT_ACCEPTED:
        (row,) = read(record(account_code="", outcome="refused", reason=reason))
        assert (row["clientMatterCode"], row["duration"]) == (cucm.REJECTED, "0")


@pytest.mark.parametrize("reason", [REQUIRED, "no_match", ""])
def test_no_code_is_an_empty_one(reason: str) -> None:
    (row,) = read(record(account_code="", outcome="refused", reason=reason))
    assert row["clientMatterCode"] == ""


def test_a_call_that_shadow_mode_let_pass_keeps_its_time() -> None:
    (row,) = read(record(account_code="", reason="unknown"))
    assert (row["clientMatterCode"], row["duration"]) == ("", "60")


def test_sixteen_digits_fit_and_seventeen_do_not() -> None:
    assert len(CODE) == cucm.CODE_WIDTH
    assert read(record(account_code=CODE))[0]["clientMatterCode"] == CODE
    with pytest.raises(Unfit, match="17 characters"):
        cucm.line(record(account_code=CODE + "1"))


def test_a_code_of_sixteen_nines_would_be_taken_for_none() -> None:
    with pytest.raises(Unfit, match="not accepted"):
        cucm.line(record(account_code=cucm.REJECTED))

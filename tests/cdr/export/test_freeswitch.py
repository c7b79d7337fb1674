"""FreeSWITCH's example template, loaded by SQLite's own importer and compared field by field."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.cdr.export.odd import odd
from tests.cdr.story import record

from tollbar.cdr.export import freeswitch
from tollbar.cdr.record import Record

TOKYO = ZoneInfo("Asia/Tokyo")


def imported(calls: list[Record], folder: Path) -> list[dict[str, str]]:
    """The rows as ``sqlite3 .import`` has them."""
    file = folder / "cdr.csv"
    file.write_text("".join(freeswitch.line(call, TOKYO) + "\n" for call in calls))
    columns = ", ".join(f"{name} TEXT" for name in freeswitch.COLUMNS)
    script = (
        f"CREATE TABLE cdr ({columns});\n.mode csv\n.import {file} cdr\n"
        ".mode json\nSELECT * FROM cdr ORDER BY rowid;\n"
    )
    done = subprocess.run(
        ["sqlite3", ":memory:"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    rows: list[dict[str, str]] = json.loads(done.stdout)
    return rows


def local(ms: int | None) -> str:
    if ms is None:
        return ""
    return f"{datetime.fromtimestamp(ms // 1000, UTC).astimezone(TOKYO):%Y-%m-%d %H:%M:%S}"


def test_every_field_comes_back(tmp_path: Path) -> None:
    calls = [*odd(), record(10, account_code="0" * 50)]
    rows = imported(calls, tmp_path)
    assert len(rows) == len(calls)
    for call, row in zip(calls, rows, strict=True):
        assert row == {
            "caller_id_name": "" if call.direction == "in" else call.user,
            "caller_id_number": call.caller,
            "destination_number": call.dialled,
            "context": call.classification,
            "start_stamp": local(call.setup),
            "answer_stamp": local(call.answer),
            "end_stamp": local(call.end),
            "duration": row["duration"],
            "billsec": str(call.billable_ms // 1000),
            "hangup_cause": freeswitch.CAUSES[call.q850_cause],
            "uuid": call.record_id,
            "bleg_uuid": call.b_call_id,
            "accountcode": call.account_code,
            "read_codec": "",
            "write_codec": "",
        }
        assert int(row["duration"]) >= int(row["billsec"])


def test_causes_have_the_names_of_q850() -> None:
    told = [freeswitch.CAUSES[cause] for cause in (1, 16, 17, 18, 19, 21, 28, 34, 41, 88, 102, 127)]
    assert told == [
        "UNALLOCATED_NUMBER",
        "NORMAL_CLEARING",
        "USER_BUSY",
        "NO_USER_RESPONSE",
        "NO_ANSWER",
        "CALL_REJECTED",
        "INVALID_NUMBER_FORMAT",
        "NORMAL_CIRCUIT_CONGESTION",
        "NORMAL_TEMPORARY_FAILURE",
        "INCOMPATIBLE_DESTINATION",
        "RECOVERY_ON_TIMER_EXPIRE",
        "INTERWORKING",
    ]


def test_a_cause_without_a_name_says_so() -> None:
    assert '"NORMAL_UNSPECIFIED"' in freeswitch.line(record(q850_cause=126), TOKYO)

"""Master.csv, read back by a reader written after Asterisk's own description of it."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.cdr.export.odd import odd
from tests.cdr.story import record

from tollbar.cdr.export import asterisk
from tollbar.cdr.export.foreign import Unfit, fitting
from tollbar.cdr.record import Record

SIXTEEN = asterisk.COLUMNS[:16]
NEW_YORK = ZoneInfo("America/New_York")
DISPOSITIONS = {"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"}


def parsed(line: str) -> list[tuple[bool, str]]:
    """The cells of a line, and whether each was quoted; a quote in quotes is doubled."""
    cells = []
    rest = line
    while True:
        if rest.startswith('"'):
            text, at = "", 1
            while rest[at : at + 1] != '"' or rest[at + 1 : at + 2] == '"':
                assert at < len(rest), "a quote that nothing ends"
                text += rest[at]
                at += 2 if rest[at] == '"' else 1
            cells.append((True, text))
            rest = rest[at + 1 :]
        else:
            text, comma, after = rest.partition(",")
            assert '"' not in text
            cells.append((False, text))
            rest = comma + after
        if not rest:
            return cells
        assert rest[0] == ","
        rest = rest[1:]


def read(line: str, columns: tuple[str, ...] = SIXTEEN) -> dict[str, str]:
    """The line by column, its form checked: what is quoted and what is bare."""
    row = dict(zip(columns, parsed(line), strict=True))
    for name, (quoted, text) in row.items():
        if name in ("duration", "billsec"):
            assert not quoted
            assert text.isdecimal()
        else:
            assert quoted or (name == "answer" and text == "")
    return {name: text for name, (_, text) in row.items()}


def local(ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize("number", range(len(odd())))
def test_every_field_comes_back(number: int) -> None:
    call = odd()[number]
    row = read(asterisk.line(call, NEW_YORK))
    assert row["accountcode"] == call.account_code
    assert row["src"] == row["clid"] == call.caller
    assert row["dst"] == call.dialled
    assert row["dcontext"] == call.classification
    assert row["channel"].startswith(f"SIP/{call.peer}-")
    assert row["dstchannel"].startswith(f"SIP/{call.trunk}-" if call.trunk else "")
    assert bool(row["dstchannel"]) == bool(call.trunk)
    assert row["lastapp"] == ("Dial" if call.tries else "")
    assert row["start"] == local(call.setup, NEW_YORK)
    assert row["answer"] == ("" if call.answer is None else local(call.answer, NEW_YORK))
    assert row["end"] == local(call.end or 0, NEW_YORK)
    assert int(row["billsec"]) == call.billable_ms // 1000
    assert int(row["duration"]) >= int(row["billsec"])
    assert row["disposition"] in DISPOSITIONS
    assert (row["disposition"] == "ANSWERED") == (call.answer is not None)
    assert row["amaflags"] == ("BILLING" if call.account_code else "DOCUMENTATION")


def test_the_csv_module_reads_the_same() -> None:
    lines = [asterisk.line(call, NEW_YORK) for call in odd()]
    rows = list(csv.reader(io.StringIO("\n".join(lines) + "\n")))
    assert rows == [list(read(line).values()) for line in lines]


def test_uniqueid_and_userfield_are_there_when_asked_for() -> None:
    call = record(2, user="böb")
    both = read(asterisk.line(call, NEW_YORK, True, True), asterisk.COLUMNS)
    assert (both["uniqueid"], both["userfield"]) == (call.record_id, "böb")
    one = (*SIXTEEN, "userfield")
    assert read(asterisk.line(call, NEW_YORK, userfield=True), one)["userfield"] == "böb"


def test_an_outcome_is_one_of_asterisks_dispositions() -> None:
    told = {
        outcome: read(asterisk.line(record(outcome=outcome, answer=None), NEW_YORK))["disposition"]
        for outcome in ("busy", "no_answer", "cancelled", "failed", "refused", "interrupted")
    }
    assert told == {
        "busy": "BUSY",
        "no_answer": "NO ANSWER",
        "cancelled": "NO ANSWER",
        "failed": "FAILED",
        "refused": "FAILED",
        "interrupted": "FAILED",
    }


def test_a_code_that_does_not_fit_is_left_out_and_named_never_cut() -> None:
    calls: list[Record] = [
        record(1, account_code="1" * 19),
        record(2, account_code="1" * 20),
        record(3, account_code="7"),
    ]
    said: list[str] = []
    lines = list(fitting(calls, lambda r: asterisk.line(r, NEW_YORK), said.append))
    assert [read(line)["accountcode"] for line in lines] == ["1" * 19, "7"]
    assert len(said) == 1
    assert calls[1].record_id in said[0]
    assert "1111" not in said[0]
    with pytest.raises(Unfit, match="20 characters"):
        asterisk.line(calls[1], NEW_YORK)


def test_what_is_no_call_has_no_line() -> None:
    said: list[str] = []
    calls = [record(1, kind="chat"), record(2)]
    lines = list(fitting(calls, lambda r: asterisk.line(r, NEW_YORK), said.append))
    assert (len(lines), said) == (1, [])

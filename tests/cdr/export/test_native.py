"""Exports read back by independent readers, codes as text."""

import csv
import io
import json

import pytest
from tests.cdr.story import record

from tollbar.cdr.export.native import csv_lines, json_lines, moment
from tollbar.cdr.export.table import rows_as_csv
from tollbar.cdr.record import COLUMNS

ODD = record(
    account_code="0021",
    account_code_description='Smith, "Jönes" & Söhne\nsecond line',
    dialled="+1919",
    answer=None,
    decision='{"row":8}',
)


def test_csv_reads_back_with_leading_zeros_commas_quotes_and_line_ends() -> None:
    text = "\n".join(csv_lines([ODD])) + "\n"
    (row,) = csv.DictReader(io.StringIO(text))
    assert tuple(row) == COLUMNS
    assert row["account_code"] == "0021"
    assert row["account_code_description"] == ODD.account_code_description
    assert row["dialled"] == "+1919"
    assert row["setup"] == "2023-11-14T22:13:21.000Z"
    assert (row["answer"], row["in_report"], row["billable_ms"]) == ("", "1", "60000")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_line_end_in_a_cell_begins_no_line(end: str) -> None:
    """A caller's number may hold one that was escaped: 1001%0A."""
    rows = [[f"1001{end}forged", "x"], [f"{end}=1", "y"]]
    text = "\n".join(rows_as_csv(["caller", "user"], rows)) + "\n"
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == rows
    assert list(rows_as_csv(["h"], [rows[1]], True))[1].startswith(f'"\'{end}=1"')


def test_spreadsheets_are_spared_formulas_only_when_asked() -> None:
    rows = [["=1+1", "+1919", "-", "@x", "0214", "a=b", ""]]
    plain, safe = (list(rows_as_csv(["h"], rows, flag))[1] for flag in (False, True))
    assert plain == "=1+1,+1919,-,@x,0214,a=b,"
    assert safe == "'=1+1,'+1919,'-,'@x,0214,a=b,"


def test_json_lines_have_the_keys_in_order() -> None:
    (line,) = json_lines([ODD])
    assert "\n" not in line
    row = json.loads(line)
    assert tuple(row) == COLUMNS
    assert (row["account_code"], row["answer"], row["in_report"]) == ("0021", None, True)
    assert row["decision"] == {"row": 8}
    assert row["end"] == "2023-11-14T22:14:22.000Z"


def test_a_moment_keeps_its_milliseconds() -> None:
    assert moment(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"
    assert moment(0) == "1970-01-01T00:00:00.000Z"

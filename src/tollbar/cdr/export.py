"""Records and report rows as text: CSV and JSON lines (docs/reference/records.md).

Codes are text and cross unchanged, leading zeros included. Times of records are UTC, ISO 8601
with milliseconds, in both forms. A spreadsheet-safe variant neutralises cells a spreadsheet
would run; it is never the default, because ``+1...`` is normal data.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from tollbar.cdr.record import COLUMNS, Record

_MOMENTS: Final = tuple(COLUMNS.index(n) for n in ("setup", "ringing", "answer", "end"))
_IN_REPORT: Final = COLUMNS.index("in_report")
# A cell that starts with one of these is a formula to a spreadsheet.
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


def json_object(record: Record) -> dict[str, Any]:
    """``record`` for JSON, keyed by ``COLUMNS``; what never happened is null."""
    row = record.as_dict()
    for name in ("setup", "ringing", "answer", "end"):
        row[name] = None if row[name] is None else moment(row[name])
    return row


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """One JSON object a record, keyed by ``COLUMNS``, without line ends."""
    for record in records:
        yield json.dumps(json_object(record), ensure_ascii=False)


def csv_lines(records: Iterable[Record], spreadsheet_safe: bool = False) -> Iterator[str]:
    """A header line, then one line a record, RFC 4180, without line ends."""
    return rows_as_csv(COLUMNS, map(_cells, records), spreadsheet_safe)


def rows_as_csv(
    headings: Sequence[str], rows: Iterable[Sequence[str]], spreadsheet_safe: bool = False
) -> Iterator[str]:
    """Any table as CSV, without line ends (a cell may hold one)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")
    for row in chain((headings,), rows):
        writer.writerow([_safe(cell) for cell in row] if spreadsheet_safe else row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def moment(ms: int) -> str:
    """UTC milliseconds as ISO 8601."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def _cells(record: Record) -> list[str]:
    row: list[Any] = list(record.values())
    for place in _MOMENTS:
        row[place] = "" if row[place] is None else moment(row[place])
    row[_IN_REPORT] = int(record.in_report)
    return [str(cell) for cell in row]


def _safe(cell: str) -> str:
    return "'" + cell if cell.startswith(_RISKY) else cell

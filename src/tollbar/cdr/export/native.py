"""Records as text in their own keys: CSV and JSON lines (docs/reference/records.md).

Codes are text and cross unchanged, leading zeros included. Times are UTC, ISO 8601 with
milliseconds, in both forms.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from tollbar.cdr.export.table import rows_as_csv
from tollbar.cdr.record import COLUMNS, Record

_MOMENTS: Final = tuple(COLUMNS.index(n) for n in ("setup", "ringing", "answer", "end"))
_IN_REPORT: Final = COLUMNS.index("in_report")


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


def moment(ms: int) -> str:
    """UTC milliseconds as ISO 8601."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03}Z"


def _cells(record: Record) -> list[str]:
    row: list[Any] = list(record.values())
    for place in _MOMENTS:
        row[place] = "" if row[place] is None else moment(row[place])
    row[_IN_REPORT] = int(record.in_report)
    return [str(cell) for cell in row]

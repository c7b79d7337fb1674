"""Records and report rows as text: CSV and JSON lines (SPEC G4, G5).

Codes are text and cross unchanged, leading zeros included. Times of records are UTC, ISO 8601.
A spreadsheet-safe variant neutralises cells a spreadsheet would run; it is never the default,
because ``+1...`` is normal data.
"""

from collections.abc import Iterable, Iterator

from tollbar.cdr.record import Record


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """One JSON object a record, keys as in SPEC G1, without line ends."""
    raise NotImplementedError


def csv_lines(records: Iterable[Record], spreadsheet_safe: bool = False) -> Iterator[str]:
    """A header line, then one line a record, RFC 4180, without line ends."""
    raise NotImplementedError

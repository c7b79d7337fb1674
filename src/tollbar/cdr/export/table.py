"""Any table as CSV text, RFC 4180; codes cross unchanged, leading zeros included.

A spreadsheet-safe variant neutralises cells a spreadsheet would run; it is never the default,
because ``+1...`` is normal data.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

# A cell that starts with one of these is a formula to a spreadsheet.
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_END: Final = "\r\n"  # what quotes a cell that holds either


def rows_as_csv(
    headings: Sequence[str], rows: Iterable[Sequence[str]], spreadsheet_safe: bool = False
) -> Iterator[str]:
    """A header line, then one line a row, without line ends (a cell may hold one)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=_END)
    for row in chain((headings,), rows):
        writer.writerow([_safe(cell) for cell in row] if spreadsheet_safe else row)
        yield buffer.getvalue().removesuffix(_END)
        buffer.seek(0)
        buffer.truncate()


def _safe(cell: str) -> str:
    return "'" + cell if cell.startswith(_RISKY) else cell

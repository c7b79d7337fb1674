"""The twelve rows of the matrix (docs/guide.md), as data: nothing else decides what they do.

The decision reads them through ``ROW``; the tests and the documentation read ``ROWS``.
"""

from dataclasses import dataclass
from typing import Final

VALID: Final = "valid"
INVALID: Final = "invalid"
NONE: Final = "none"


@dataclass(slots=True, frozen=True)
class Row:
    """One row: three inputs (right, code, object asks) and two outcomes."""

    number: int
    right: bool
    code: str
    asks: bool
    placed: bool
    in_report: bool


ROWS: Final = (
    Row(1, right=False, code=VALID, asks=False, placed=True, in_report=True),
    Row(2, right=False, code=VALID, asks=True, placed=True, in_report=True),
    Row(3, right=False, code=INVALID, asks=False, placed=False, in_report=False),
    Row(4, right=False, code=INVALID, asks=True, placed=False, in_report=False),
    Row(5, right=False, code=NONE, asks=False, placed=True, in_report=False),
    Row(6, right=False, code=NONE, asks=True, placed=False, in_report=False),
    Row(7, right=True, code=VALID, asks=False, placed=True, in_report=True),
    Row(8, right=True, code=VALID, asks=True, placed=True, in_report=True),
    Row(9, right=True, code=INVALID, asks=False, placed=False, in_report=False),
    Row(10, right=True, code=INVALID, asks=True, placed=False, in_report=False),
    Row(11, right=True, code=NONE, asks=True, placed=False, in_report=False),
    Row(12, right=True, code=NONE, asks=False, placed=True, in_report=False),
)

ROW: Final = {(row.right, row.code, row.asks): row for row in ROWS}

"""The account code report: detail and summary (SPEC G4, FIELD 2).

Calls that were placed and carried a code at disconnect, codes in *string* order. Pure: takes
records, yields rows; ``cdr.export`` writes them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from tollbar.cdr.record import Record

BY_DATE: Final = "date"
BY_USER: Final = "user"
BY_CODE: Final = "code"


@dataclass(slots=True)
class Detail:
    """One call. ``date`` is YYYY-MM-DD, ``time`` HH:MM:SS, in the report's time zone."""

    account_code: str
    description: str
    user: str
    extension: str
    date: str
    time: str
    direction: str
    remote_number: str
    answered: bool
    billable_ms: int


@dataclass(slots=True)
class Summary:
    """One group, subtotal or total: ``level`` is "" for a group, else what it sums up."""

    account_code: str
    description: str
    user: str
    date: str
    attempts: int = 0
    answered: int = 0
    billable_ms: int = 0
    level: str = ""

    @property
    def average_ms(self) -> int:
        """Average over the answered calls."""
        return round(self.billable_ms / self.answered) if self.answered else 0


def detail(records: Iterable[Record], by: str, zone: tzinfo) -> Iterator[Detail]:
    """Calls in the report, ordered by code, then as ``by`` says."""
    raise NotImplementedError


def summary(records: Iterable[Record], by: str, zone: tzinfo) -> Iterator[Summary]:
    """Groups with subtotals, and the total as the last row."""
    raise NotImplementedError

"""What the formats of other switches have in common."""

from collections.abc import Callable
from datetime import UTC

import pytest
from tests.cdr.story import record

from tollbar.cdr.export import asterisk, cucm, freeswitch
from tollbar.cdr.record import Record

FORMATS: list[Callable[[Record], str]] = [
    lambda call: asterisk.line(call, UTC),
    lambda call: freeswitch.line(call, UTC),
    cucm.line,
]


@pytest.mark.parametrize("line", FORMATS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028"])
def test_a_record_is_one_line_whatever_a_caller_calls_himself(
    line: Callable[[Record], str], end: str
) -> None:
    """An escaped line end is a character of his number: 1001%0A."""
    (written,) = line(record(caller=f'1001{end}"forged",')).splitlines()
    assert '"1001?' in written

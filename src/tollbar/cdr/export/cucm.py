"""Records as call detail records of Cisco's Unified Communications Manager, a subset.

A line of field names, a line of their types, then a record a line, in the order Cisco has
them. Times are UTC seconds, 0 for what never happened. ``clientMatterCode`` holds the code;
sixteen nines, with a duration of zero, say that a code came and was not accepted, and nothing
else does.
"""

from collections.abc import Iterator
from typing import Final

from tollbar.cdr.export.foreign import Unfit, billed, caller_user, must_fit, quoted
from tollbar.cdr.record import Record
from tollbar.policy.attempt import IN
from tollbar.policy.refusal import NOT_ACCEPTED

CODE_WIDTH: Final = 16
REJECTED: Final = "9" * CODE_WIDTH

_NUMBER: Final = "INTEGER"
COLUMNS: Final = {
    "cdrRecordType": _NUMBER,
    "dateTimeOrigination": _NUMBER,
    "callingPartyNumber": "VARCHAR(50)",
    "callingPartyUnicodeLoginUserID": "VARCHAR(128)",
    "origCause_value": _NUMBER,
    "originalCalledPartyNumber": "VARCHAR(50)",
    "finalCalledPartyNumber": "VARCHAR(50)",
    "finalCalledPartyUnicodeLoginUserID": "VARCHAR(128)",
    "destCause_value": _NUMBER,
    "dateTimeConnect": _NUMBER,
    "dateTimeDisconnect": _NUMBER,
    "pkid": "UNIQUEIDENTIFIER",
    "duration": _NUMBER,
    "origDeviceName": "VARCHAR(129)",
    "destDeviceName": "VARCHAR(129)",
    "clientMatterCode": "VARCHAR(16)",
}
"""The fields and their types."""

_CALL: Final = 1


def heading() -> Iterator[str]:
    """The two lines that come first."""
    yield ",".join(map(quoted, COLUMNS))
    yield ",".join(COLUMNS.values())


def line(record: Record) -> str:
    """The record's line, without a line end; ``Unfit`` if its code cannot stand there."""
    # In shadow mode such a call was placed: it lasted, and had no code.
    rejected = record.outcome == "refused" and record.reason in NOT_ACCEPTED
    code = REJECTED if rejected else must_fit(record.account_code, CODE_WIDTH)
    if code == REJECTED and not rejected:
        raise Unfit("its account code means a code not accepted in this format")
    by_callee = record.ended_by == "callee"
    cells = (
        str(_CALL),
        str(record.setup // 1000),
        quoted(record.caller),
        quoted(caller_user(record)),
        str(0 if by_callee else record.q850_cause),
        quoted(record.dialled),
        quoted(record.standardized or record.dialled),
        quoted(record.user if record.direction == IN else ""),
        str(record.q850_cause if by_callee else 0),
        str((record.answer or 0) // 1000),
        str((record.end or 0) // 1000),
        quoted(record.record_id),
        str(0 if rejected else billed(record)),
        quoted(record.peer),
        quoted(record.trunk),
        quoted(code),
    )
    return ",".join(cells)

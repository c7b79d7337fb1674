"""Records as Asterisk's Master.csv (cdr_csv): sixteen columns, no header line.

Text is quoted, durations are bare numbers, times are local; a call that was not answered has
an empty answer without quotes. ``uniqueid`` and ``userfield`` follow where asked for, as
cdr.conf's ``loguniqueid`` and ``loguserfield`` have it.
"""

from datetime import tzinfo
from typing import Final

from tollbar.cdr.export.foreign import billed, lasted, must_fit, quoted, stamp
from tollbar.cdr.record import Record

CODE_WIDTH: Final = 19
"""Characters of Asterisk's account code: twenty bytes, the last ends it."""

COLUMNS: Final = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
)

_DISPOSITIONS: Final = {"busy": "BUSY", "no_answer": "NO ANSWER", "cancelled": "NO ANSWER"}


def line(record: Record, zone: tzinfo, uniqueid: bool = False, userfield: bool = False) -> str:
    """The record's line, without a line end; ``Unfit`` if its code is too long."""
    code = must_fit(record.account_code, CODE_WIDTH)
    text = (
        code,
        record.caller,
        record.dialled,
        record.classification,
        record.caller,
        _channel(record.peer, record),
        _channel(record.trunk, record),
        "Dial" if record.tries else "",
        "",
        stamp(record.setup, zone),
    )
    cells = [quoted(cell) for cell in text]
    cells.append("" if record.answer is None else quoted(stamp(record.answer, zone)))
    cells.append(quoted(stamp(record.end, zone)))
    cells += [str(lasted(record)), str(billed(record))]
    cells += [quoted(_disposition(record)), quoted("BILLING" if code else "DOCUMENTATION")]
    if uniqueid:
        cells.append(quoted(record.record_id))
    if userfield:
        cells.append(quoted(record.user))
    return ",".join(cells)


def _disposition(record: Record) -> str:
    if record.answer is not None:
        return "ANSWERED"
    return _DISPOSITIONS.get(record.outcome, "FAILED")


def _channel(name: str, record: Record) -> str:
    """As Asterisk names the channel of a call: whose, and which one."""
    return f"SIP/{name}-{record.record_id[-8:]}" if name else ""

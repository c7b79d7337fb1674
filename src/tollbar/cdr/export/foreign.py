"""What the formats of other switches share: whole seconds, quoted cells, rows that do not fit.

Their columns are narrower than ours. A record that does not fit is left out and named: it must
never be cut, or two codes would become one.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo

from tollbar.cdr.record import Record
from tollbar.policy.attempt import IN


class Unfit(Exception):  # noqa: N818
    """Why a record has no row in this format. It never repeats the code."""


def fitting(
    records: Iterable[Record], line: Callable[[Record], str], left_out: Callable[[str], None]
) -> Iterator[str]:
    """A line for each call that has one; ``left_out`` is told of the others.

    Chats and the like are no calls: those formats know nothing of them."""
    for record in records:
        if record.kind != "call":
            continue
        try:
            text = line(record)
        except Unfit as why:
            left_out(f"record {record.record_id}: {why}")
        else:
            yield text


def must_fit(code: str, width: int) -> str:
    """``code``, if a column of ``width`` characters holds it."""
    if len(code) > width:
        raise Unfit(f"its account code has {len(code)} characters, this format holds {width}")
    return code


def stamp(ms: int | None, zone: tzinfo) -> str:
    """A moment as local time to the second; "" for what never happened."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms // 1000, zone).isoformat(" ")[:19]


def billed(record: Record) -> int:
    """Whole seconds from answer to end, cut as those switches cut them."""
    return record.billable_ms // 1000


def lasted(record: Record) -> int:
    """Whole seconds from set-up to end; after a clock step never less than what is billed."""
    end = record.setup if record.end is None else record.end
    return max((end - record.setup) // 1000, billed(record))


def caller_user(record: Record) -> str:
    """The user where he is who called; "" for an incoming call, whose user was called."""
    return "" if record.direction == IN else record.user


def quoted(cell: str) -> str:
    """A cell in quotes, as RFC 4180 doubles them.

    Who reads these formats reads lines: what would end one, or be none of it, is a ``?``."""
    if not cell.isprintable():
        cell = "".join(c if c.isprintable() else "?" for c in cell)
    return '"' + cell.replace('"', '""') + '"'

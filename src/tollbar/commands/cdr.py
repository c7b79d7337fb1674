"""tollbar cdr: the call detail records, newest last."""

from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

from tollbar.b2bua.causes import OUTCOMES
from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record
from tollbar.cdr.report import clock
from tollbar.commands import display, forms, parsers, selection, settings
from tollbar.policy.attempt import IN, INTERNAL, OUT
from tollbar.store.records import Records

EXAMPLES = """
  tollbar cdr                              the last 50 calls
  tollbar cdr --day today --outcome refused
  tollbar cdr --code 4711 --json | jq .billable_ms
  tollbar cdr --since 2026-01-01 --until 2026-01-31 --csv > january.csv
  tollbar cdr --day yesterday --format asterisk --uniqueid >> Master.csv
"""
LAST: Final = 50
HEADINGS = (
    "Setup",
    "From",
    "To",
    "Code",
    "Outcome",
    "Reason",
    "Row",
    "SIP",
    "Duration",
    "Trunk",
    "Record",
)


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(commands, "cdr", run, "list call detail records", EXAMPLES)
    selection.add(parser)
    for name, words in (("outcome", OUTCOMES), ("direction", (OUT, IN, INTERNAL))):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            choices=words,
            metavar=name.upper(),
            help=", ".join(words),
        )
    parser.add_argument("--record", action="append", default=[], help="with this record id")
    parser.add_argument(
        "-n",
        "--last",
        type=parsers.count,
        metavar="N",
        help="the last N only (a table: 50 unless --all)",
    )
    parser.add_argument("--all", action="store_true", help="a table of all, not of the last ones")
    forms.add(parser)


def run(args: Namespace) -> int:
    forms.checked(args)
    gateway = settings.gateway(args)
    filters = selection.filters(args, gateway)
    filters.outcomes = tuple(args.outcome)
    filters.directions = tuple(args.direction)
    filters.record_ids = tuple(args.record)
    zone = selection.zone(args, gateway)
    left = forms.Left()
    store = settings.records(gateway)
    try:
        records = display.some(found(args, store, filters))
        if args.format:
            for line in forms.lines(args, display.progress(records), zone, left):
                print(line)
        else:
            display.table(HEADINGS, (cells(record, zone) for record in records))
    finally:
        store.close()
    return 1 if left.count else 0


def found(args: Namespace, store: Records, filters: Filters) -> Iterator[Record]:
    """What an export is asked for is all there is; people are shown the end of it."""
    last = args.last or (0 if args.format or args.all else LAST)
    if not last:
        return store.find(filters)
    return reversed(list(store.find(filters, newest_first=True, limit=last)))


def cells(record: Record, zone: tzinfo) -> tuple[str, ...]:
    setup = datetime.fromtimestamp(record.setup / 1000, zone)
    return (
        f"{setup:%Y-%m-%d %H:%M:%S}",
        record.caller,
        record.dialled,
        record.account_code,
        record.outcome,
        record.reason,
        str(record.matrix_row or ""),
        str(record.sip_status or ""),
        clock(record.billable_ms) if record.answer is not None else "",
        record.trunk,
        record.record_id,
    )

"""tollbar cdr: the call detail records, newest last."""

from argparse import Namespace
from datetime import datetime, tzinfo

from tollbar.cdr import export
from tollbar.cdr.record import Record
from tollbar.cdr.report import clock
from tollbar.commands import display, parsers, selection, settings
from tollbar.store.records import Records

EXAMPLES = """
  tollbar cdr                              the last 50 calls
  tollbar cdr --day today --outcome refused
  tollbar cdr --code 4711 --all --json | jq .billable_ms
  tollbar cdr --since 2026-01-01 --until 2026-01-31 --csv > january.csv
"""
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
    parser.add_argument("--outcome", action="append", default=[], help="answered, refused, ...")
    parser.add_argument("--direction", action="append", default=[], help="out, in, internal")
    parser.add_argument("--record", action="append", default=[], help="with this record id")
    parser.add_argument("-n", "--last", type=int, default=50, metavar="N", help="default: 50")
    parser.add_argument("--all", action="store_true", help="not only the last ones")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="JSON, one object a line")
    forms.add_argument("--csv", action="store_true", help="CSV with a header line")
    parser.add_argument(
        "--spreadsheet-safe", action="store_true", help="CSV cells that no spreadsheet runs"
    )


def run(args: Namespace) -> int:
    gateway = settings.gateway(args)
    filters = selection.filters(args, gateway)
    filters.outcomes = tuple(args.outcome)
    filters.directions = tuple(args.direction)
    filters.record_ids = tuple(args.record)
    store = Records(gateway.state_directory)
    try:
        if args.all:
            records = store.find(filters)
        else:
            last = list(store.find(filters, newest_first=True, limit=max(1, args.last)))
            records = reversed(last)
        if args.json:
            for line in export.json_lines(records):
                print(line)
        elif args.csv:
            for line in export.csv_lines(records, args.spreadsheet_safe):
                print(line)
        else:
            zone = selection.zone(gateway)
            display.table(HEADINGS, (cells(record, zone) for record in records))
    finally:
        store.close()
    return 0


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

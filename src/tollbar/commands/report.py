"""tollbar report: the account code report, detail or summary."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from tollbar.cdr import report
from tollbar.cdr.export.table import rows_as_csv
from tollbar.commands import display, parsers, selection, settings
from tollbar.store.records import Records

EXAMPLES = """
  tollbar report                           one line an account code
  tollbar report --by user --since 2026-01-01 --until 2026-01-31
  tollbar report detail --code 4711 --day yesterday
  tollbar report --code 0214..1234 --csv > report.csv
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(commands, "report", run, "the account code report", EXAMPLES)
    parser.add_argument(
        "kind",
        nargs="?",
        choices=("summary", "detail"),
        default="summary",
        help="summary (default): totals; detail: every call",
    )
    parser.add_argument(
        "--by",
        choices=(report.BY_CODE, report.BY_DATE, report.BY_USER),
        default=report.BY_CODE,
        help="how the summary groups (default: code)",
    )
    selection.add(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="JSON, one object a line")
    forms.add_argument("--csv", action="store_true", help="CSV with a header line")
    parser.add_argument(
        "--spreadsheet-safe", action="store_true", help="CSV cells that no spreadsheet runs"
    )


def run(args: Namespace) -> int:
    gateway = settings.gateway(args)
    filters = selection.filters(args, gateway)
    filters.in_report = True
    zone = selection.zone(args, gateway)
    store = Records(gateway.state_directory)
    try:
        records = store.find(filters)
        if args.kind == "detail":
            calls = report.detail(records, zone)
            if args.json:
                for call in calls:
                    display.json_line(asdict(call))
            else:
                write(args, report.DETAIL_HEADINGS, map(report.detail_cells, calls))
        else:
            groups = report.summary(records, args.by, zone)
            if args.json:
                for group in groups:
                    display.json_line({**asdict(group), "average_ms": group.average_ms})
            else:
                rows = (summary_row(group, args.by, args.csv) for group in groups)
                write(args, report.SUMMARY_HEADINGS[args.by] + report.SUM_HEADINGS, rows)
    finally:
        store.close()
    return 0


def summary_row(group: report.Summary, by: str, bare: bool) -> Sequence[str]:
    """A row's cells; for people a sum says in its first empty cell what it sums up."""
    cells = list(report.summary_cells(group, by))
    if group.level and not bare:
        place = {"code": 2, "user": 3}.get(group.level, 0)
        cells[place] = "Total"
    return cells


def write(args: Namespace, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    if args.csv:
        for line in rows_as_csv(headings, rows, args.spreadsheet_safe):
            print(line)
    else:
        display.table(headings, rows)

"""tollbar report: the account code report, detail or summary."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from tollbar.cdr import report
from tollbar.commands import display, parsers, selection, settings
from tollbar.store.report import Report

LEVEL: Final = "Level"
EXAMPLES = """
  tollbar report                           one line an account code
  tollbar report --by user --since 2026-01-01 --until 2026-01-31
  tollbar report --by workgroup --workgroup litigation --day yesterday
  tollbar report detail --code 4711 --from-time 18:00 --to-time 08:00
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
        choices=(report.BY_CODE, report.BY_DATE, report.BY_USER, report.BY_WORKGROUP),
        default=report.BY_CODE,
        help="how the summary groups (default: code); detail: workgroup orders by it",
    )
    selection.add(parser)
    display.forms(parser)


def run(args: Namespace) -> int:
    display.checked(args)
    gateway = settings.gateway(args)
    filters = selection.filters(args, gateway)
    filters.in_report = True
    zone = selection.zone(args, gateway)
    store = settings.records(gateway)
    try:
        found = Report(store, selection.tenant(args, gateway, store), filters)
        if args.kind == "detail":
            details(args, report.detail(found.detail(args.by), zone), args.by)
        else:
            summaries(args, report.with_sums(found.groups(args.by), args.by), args.by)
    finally:
        store.close()
    return 0


def details(args: Namespace, calls: Iterable[report.Detail], by: str) -> None:
    """Write a row a call."""
    calls = display.some(display.progress(calls))
    if args.json:
        for call in calls:
            display.json_line(asdict(call))
    else:
        rows = (report.detail_cells(call, by) for call in calls)
        display.sheet(args, report.detail_headings(by), rows)


def summaries(args: Namespace, groups: Iterable[report.Summary], by: str) -> None:
    """Write a row a group, and the sums."""
    groups = display.progress(groups)
    if args.json:
        for group in groups:
            display.json_line({**asdict(group), "average_ms": group.average_ms})
    elif args.csv:
        # A user may be empty: what is a sum cannot be seen from its empty cells.
        rows = ((*report.summary_cells(group, by), group.level) for group in groups)
        display.sheet(args, (*report.summary_headings(by), LEVEL), rows)
    else:
        display.table(report.summary_headings(by), (summary_row(group, by) for group in groups))


def summary_row(group: report.Summary, by: str) -> Sequence[str]:
    """A row's cells; a sum says in its first empty cell what it sums up."""
    cells = list(report.summary_cells(group, by))
    if group.level:
        keys = [key.removeprefix("account_") for key in report.summary_keys(by)]
        place = 0
        if group.level != "total":
            place = keys.index(group.level) + (2 if group.level == "code" else 1)
        cells[place] = "Total"
    return cells

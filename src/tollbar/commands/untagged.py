"""tollbar untagged: calls that were placed without an account code, by user and day."""

from argparse import Namespace

from tollbar.cdr import report
from tollbar.commands import display, parsers, selection, settings
from tollbar.commands.report import details, summaries
from tollbar.store.report import Report

EXAMPLES = """
  tollbar untagged --day yesterday         how many, of whom
  tollbar untagged --user alice --since 2026-01-01 --calls
  tollbar untagged --day today --calls --json | jq -r .record_id
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "untagged", run, "calls without an account code, by user and day", EXAMPLES
    )
    parser.add_argument("--calls", action="store_true", help="every call, with its record id")
    selection.add(parser, codes=False)
    display.forms(parser)


def run(args: Namespace) -> int:
    display.checked(args)
    gateway = settings.gateway(args)
    filters = selection.filters(args, gateway)
    filters.untagged = True
    store = settings.records(gateway)
    try:
        found = Report(store, selection.tenant(args, gateway, store), filters)
        by = report.UNTAGGED
        if args.calls:
            zone = selection.zone(args, gateway)
            details(args, report.detail(found.detail(by), zone), by)
        else:
            summaries(args, report.with_sums(found.groups(by), by), by)
    finally:
        store.close()
    return 0

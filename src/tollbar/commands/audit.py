"""tollbar audit: who changed what, and when."""

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tollbar.cdr import interaction
from tollbar.commands import administering, display, parsers, selection, settings
from tollbar.directory import difference
from tollbar.directory.difference import Change
from tollbar.directory.told import told
from tollbar.gateway import Gateway

if TYPE_CHECKING:
    from tollbar.store.audit import Audit, AuditLine

CORRECT: Final = "correct"
KINDS: Final = (*difference.KINDS, "call", *interaction.KINDS, "caller", "peer")
"""Entries of the directory, records, and those who are locked for guessing codes."""
EXAMPLES = """
  tollbar audit                            the last 50 changes, newest first
  tollbar audit --kind code --key 4711
  tollbar audit --who alice --since yesterday --json
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(commands, "audit", run, "who changed what, and when", EXAMPLES)
    parser.add_argument("--kind", default="", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--key", help="of this entry")
    parser.add_argument("--who", default="", metavar="NAME", help="by this person")
    parser.add_argument("--since", type=selection.day, metavar="DAY", help="from this day on")
    parser.add_argument("--tenant", default="", metavar="NAME", help="of this tenant")
    parser.add_argument(
        "-n", "--last", type=parsers.count, default=50, metavar="N", help="default: 50"
    )
    parser.add_argument("--all", action="store_true", help="not only the last ones")
    parsers.json_option(parser)


def run(args: Namespace) -> int:
    with ExitStack() as opened:
        administration = opened.enter_context(administering.opened(args, readonly=True))
        audits = [administration.store.audit, *beside_records(administration.gateway, opened)]
        zone = ZoneInfo(administration.gateway.timezone)
        limit = 0 if args.all else args.last
        found = [
            audit.lines(
                tenant=args.tenant,
                kind=args.kind,
                key=args.key,
                who=args.who,
                since=since(args, zone),
                limit=limit,
            )
            for audit in audits
        ]
        newest = merge(*found, key=lambda line: line.at, reverse=True)
        lines = display.some(islice(newest, limit or None))
        if args.json:
            for line in lines:
                display.json_line(as_dict(line))
        else:
            display.table(("When", "Who", "What"), (cells(line, zone) for line in lines))
    return 0


def beside_records(gateway: Gateway, opened: ExitStack) -> Iterator["Audit"]:
    """What was corrected is told in the database of the record, which may be another."""
    from tollbar.store.audit import Audit
    from tollbar.store.local import FILE

    if not gateway.database and (gateway.state_directory / FILE).exists():
        store = settings.records(gateway)
        opened.callback(store.close)
        yield Audit(store.database)


def since(args: Namespace, zone: ZoneInfo) -> int:
    if args.since is None:
        return 0
    today = datetime.now(zone).date()
    day = today - args.since if isinstance(args.since, timedelta) else args.since
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def cells(line: "AuditLine", zone: ZoneInfo) -> tuple[str, str, str]:
    at = datetime.fromtimestamp(line.at / 1000, zone)
    return f"{at:%Y-%m-%d %H:%M:%S}", line.who, what(line)


def what(line: "AuditLine") -> str:
    if line.revision:
        before, after = line.before or None, line.after or None
        return told(Change(line.tenant, line.kind, line.key, before, after, 0, 0))
    before, after, why = line.before, line.after, ""
    if line.action == CORRECT:
        was, became = json.loads(before), json.loads(after)
        before, after = was["account_code"], became["account_code"]
        why = f" ({became['reason']})" if became.get("reason") else ""
    return f"{line.action} {line.kind} {line.key} {before or 'none'} -> {after or 'none'}{why}"


def as_dict(line: "AuditLine") -> dict[str, object]:
    return {
        "at": line.at,
        "tenant": line.tenant,
        "who": line.who,
        "action": line.action,
        "kind": line.kind,
        "key": line.key,
        "before": line.before,
        "after": line.after,
        "revision": line.revision,
    }

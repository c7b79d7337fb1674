"""tollbar audit: who changed what, and when."""

from argparse import Namespace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tollbar.commands import administering, display, parsers, selection
from tollbar.directory.difference import Change
from tollbar.directory.told import told

if TYPE_CHECKING:
    from tollbar.store.audit import AuditLine

EXAMPLES = """
  tollbar audit                            the last 50 changes, newest first
  tollbar audit --kind code --key 4711
  tollbar audit --who alice --since yesterday --json
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(commands, "audit", run, "who changed what, and when", EXAMPLES)
    parser.add_argument("--kind", default="", help="code, user, role, workgroup, dial_object, ...")
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
    with administering.opened(args, readonly=True) as administration:
        zone = ZoneInfo(administration.gateway.timezone)
        lines = administration.store.audit.lines(
            tenant=args.tenant,
            kind=args.kind,
            key=args.key,
            who=args.who,
            since=since(args, zone),
            limit=0 if args.all else args.last,
        )
        if args.json:
            for line in lines:
                display.json_line(as_dict(line))
        else:
            display.table(("When", "Who", "What"), (cells(line, zone) for line in lines))
    return 0


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
    changed = f"{line.before or 'none'} -> {line.after or 'none'}"
    return f"{line.action} {line.kind} {line.key} {changed}"


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

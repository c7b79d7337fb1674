"""The options that say which records: days, users, codes."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollbar.cdr.filters import Filters, days
from tollbar.gateway import Gateway


def add(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("which records")
    group.add_argument("--since", type=day, metavar="DAY", help="from this day on (YYYY-MM-DD)")
    group.add_argument("--until", type=day, metavar="DAY", help="up to this day, it included")
    group.add_argument("--day", type=day, metavar="DAY", help="this day: --since and --until")
    group.add_argument("--user", action="append", default=[], help="of this user")
    group.add_argument("--extension", action="append", default=[], help="of this extension")
    group.add_argument(
        "--code",
        action="append",
        default=[],
        metavar="CODE[..CODE]",
        help="with this account code, or a range of codes in string order",
    )
    group.add_argument("--peer", action="append", default=[], help="from this peer")
    group.add_argument("--trunk", action="append", default=[], help="to this trunk")
    group.add_argument("--tenant", help="of this tenant")
    group.add_argument(
        "--timezone", type=timezone, metavar="ZONE", help="of days and times (else gateway.yaml's)"
    )


def day(text: str) -> date | timedelta:
    """A day, or how long ago: which day is today is known with the time zone only."""
    if text in ("today", "yesterday"):
        return timedelta(days=text == "yesterday")
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: YYYY-MM-DD, today, yesterday") from None


def timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentTypeError(f"{text!r} is no time zone, such as America/New_York") from None


def filters(args: Namespace, gateway: Gateway) -> Filters:
    here = zone(args, gateway)
    today = datetime.now(here).date()
    one, first, last = (
        today - told if isinstance(told, timedelta) else told
        for told in (args.day, args.since, args.until)
    )
    since, until = days(one or first, one or last, here)
    codes = [code.split("..", 1) for code in args.code]
    return Filters(
        tenant=args.tenant,
        since=since,
        until=until,
        users=tuple(args.user),
        extensions=tuple(args.extension),
        codes=tuple(code[0] for code in codes if len(code) == 1),
        code_ranges=tuple((code[0], code[1]) for code in codes if len(code) == 2),
        peers=tuple(args.peer),
        trunks=tuple(args.trunk),
    )


def zone(args: Namespace, gateway: Gateway) -> ZoneInfo:
    """The time zone of days and times: the one asked for, else gateway.yaml's."""
    return args.timezone or ZoneInfo(gateway.timezone)

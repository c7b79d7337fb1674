"""The options that say which records: days, hours, users, codes."""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollbar.cdr.filters import Filters, days
from tollbar.cdr.zone import DAY
from tollbar.commands.settings import CommandError
from tollbar.gateway import Gateway
from tollbar.store.records import Records

FIRST: Final = "0"
BEHIND_ALL: Final = ":"
"""No code stands before the one, or behind the other."""


def add(parser: ArgumentParser, *, codes: bool = True) -> None:
    group = parser.add_argument_group("which records")
    group.add_argument("--since", type=day, metavar="DAY", help="from this day on (YYYY-MM-DD)")
    group.add_argument("--until", type=day, metavar="DAY", help="up to this day, it included")
    group.add_argument("--day", type=day, metavar="DAY", help="this day: --since and --until")
    group.add_argument("--from-time", type=hour, metavar="TIME", help="from this hour on (HH:MM)")
    group.add_argument(
        "--to-time", type=hour, metavar="TIME", help="up to this hour; over midnight if earlier"
    )
    group.add_argument(
        "--timezone", type=timezone, metavar="ZONE", help="of days and times (else gateway.yaml's)"
    )
    group.add_argument("--user", action="append", default=[], help="of this user")
    group.add_argument("--workgroup", action="append", default=[], help="for this workgroup")
    group.add_argument("--extension", action="append", default=[], help="of this extension")
    if codes:
        group.add_argument(
            "--code",
            action="append",
            type=codes_meant,
            default=[],
            metavar="CODE[..CODE]",
            help="with this account code, or a range of codes in string order",
        )
    group.add_argument("--peer", action="append", default=[], help="from this peer")
    group.add_argument("--trunk", action="append", default=[], help="to this trunk")
    group.add_argument("--tenant", help="of this tenant")


def day(text: str) -> date | timedelta:
    """A day, or how long ago: which day is today is known with the time zone only."""
    if text in ("today", "yesterday"):
        return timedelta(days=text == "yesterday")
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: YYYY-MM-DD, today, yesterday") from None


def hour(text: str) -> int:
    """An hour of the day as milliseconds."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?", text)
    hours, minutes, seconds = map(int, found.groups("0")) if found else (25, 0, 0)
    told = ((hours * 60 + minutes) * 60 + seconds) * 1000
    if told > DAY:
        raise ArgumentTypeError(f"{text!r} is no hour of a day: 08:00, 17:30")
    return told


def codes_meant(text: str) -> tuple[str, str]:
    """The first and the last of the codes that are meant, in string order."""
    first, dots, last = text.partition("..")
    if not dots:
        return text, text
    first, last = first or FIRST, last or BEHIND_ALL  # no code is empty
    if last < first:
        raise ArgumentTypeError(
            f"no code is in {text}: codes are ordered as strings, {last} stands before {first}"
        )
    return first, last


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
    if one is not None and (first is not None or last is not None):
        args.wrong("--day is one day, and says both --since and --until")
    if first is not None and last is not None and last < first:
        args.wrong(f"--until {last} lies before --since {first}")
    since, until = days(one or first, one or last, here)
    codes = getattr(args, "code", ())
    return Filters(
        tenant=args.tenant,
        since=since,
        until=until,
        users=tuple(args.user),
        workgroups=tuple(args.workgroup),
        extensions=tuple(args.extension),
        codes=tuple(first for first, last in codes if first == last),
        code_ranges=tuple((first, last) for first, last in codes if first != last),
        peers=tuple(args.peer),
        trunks=tuple(args.trunk),
        hours=hours(args),
        zone=here,
    )


def hours(args: Namespace) -> tuple[int, int] | None:
    """From when to when; an end that is not given is that of the day."""
    first, last = args.from_time, args.to_time
    if first is None and last is None:
        return None
    return (0 if first is None else first, DAY if last is None else last)


def tenant(args: Namespace, gateway: Gateway, store: Records) -> str:
    """The one tenant a report is of: two may have a code 4711 each."""
    known = {peer.tenant for peer in gateway.peers}
    if args.tenant is None and len(known) == 1:
        return known.pop()
    known.update(store.tenants())
    if args.tenant not in known:
        what = "which tenant?" if args.tenant is None else f"there is no tenant {args.tenant};"
        raise CommandError(f"{what} --tenant is one of: {', '.join(sorted(known))}")
    return str(args.tenant)


def zone(args: Namespace, gateway: Gateway) -> ZoneInfo:
    """The time zone of days and times: the one asked for, else gateway.yaml's."""
    return args.timezone or ZoneInfo(gateway.timezone)

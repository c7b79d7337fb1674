"""The forms that ``tollbar cdr`` writes records in, by name."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from functools import partial
from itertools import chain
from typing import Final

from tollbar.cdr.export import asterisk, cucm, freeswitch, native
from tollbar.cdr.export.foreign import fitting
from tollbar.cdr.record import Record

CSV: Final = "csv"
JSON_LINES: Final = "jsonl"
ASTERISK: Final = "asterisk"
FREESWITCH: Final = "freeswitch"
CUCM: Final = "cucm"


def add(parser: ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--format",
        choices=(CSV, JSON_LINES, ASTERISK, FREESWITCH, CUCM),
        help="not a table: our own keys, or another switch's records",
    )
    for option, name in (("--json", JSON_LINES), ("--csv", CSV)):
        forms.add_argument(
            option, dest="format", action="store_const", const=name, help=f"--format {name}"
        )
    parser.add_argument(
        "--spreadsheet-safe", action="store_true", help="CSV cells that no spreadsheet runs"
    )
    parser.add_argument("--uniqueid", action="store_true", help="asterisk: with that column")
    parser.add_argument("--userfield", action="store_true", help="asterisk: with that column")


def checked(args: Namespace) -> None:
    """What was asked for, as far as argparse cannot see that it does not fit."""
    if args.spreadsheet_safe and args.format != CSV:
        args.wrong("--spreadsheet-safe goes with --csv")
    if (args.uniqueid or args.userfield) and args.format != ASTERISK:
        args.wrong("--uniqueid and --userfield go with --format asterisk")


class Left:
    """Says on standard error which records a format has no room for, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, why: str) -> None:
        self.count += 1
        print(f"tollbar: left out: {why}", file=sys.stderr)


def lines(args: Namespace, records: Iterable[Record], zone: tzinfo, left: Left) -> Iterator[str]:
    """``records`` in the form ``args`` names, without line ends."""
    if args.format == JSON_LINES:
        return native.json_lines(records)
    if args.format == CSV:
        return native.csv_lines(records, args.spreadsheet_safe)
    if args.format == ASTERISK:
        line = partial(asterisk.line, zone=zone, uniqueid=args.uniqueid, userfield=args.userfield)
        return fitting(records, line, left)
    if args.format == FREESWITCH:
        return fitting(records, partial(freeswitch.line, zone=zone), left)
    return chain(cucm.heading(), fitting(records, cucm.line, left))

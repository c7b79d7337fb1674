"""Tables and JSON lines on standard output; colour and boxes only on a terminal."""

import json
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final, TypeVar

from tollbar.cdr.export.table import rows_as_csv

Row = TypeVar("Row")

PAGE: Final = 500  # rows whose widths are measured together
PACE: Final = 0.2  # seconds between two words of progress


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headings: a table on a terminal that is wide enough, else aligned columns."""
    cells: Iterator[Sequence[str]] = ([clean(cell) for cell in row] for row in rows)
    if sys.stdout.isatty():
        page = list(islice(cells, PAGE))
        widths = [max(map(len, column)) for column in zip(headings, *page, strict=True)]
        cells = chain(page, cells)
        # A number folded in its middle helps nobody: a terminal wraps whole lines.
        if sum(widths) + 3 * len(widths) <= shutil.get_terminal_size().columns:
            boxed(headings, cells)
            return
    for line in columns(headings, cells):
        print(line)


def checked(args: Namespace) -> None:
    """What ``forms`` was asked for, as far as argparse cannot see that it does not fit."""
    if args.spreadsheet_safe and not args.csv:
        args.wrong("--spreadsheet-safe goes with --csv")


def sheet(args: Namespace, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headings in the form that ``forms`` was asked for, but for JSON."""
    if args.csv:
        for line in rows_as_csv(headings, rows, args.spreadsheet_safe):
            print(line)
    else:
        table(headings, rows)


def forms(parser: ArgumentParser) -> None:
    """The options that say how a list is written."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--json", action="store_true", help="JSON, one object a line")
    group.add_argument("--csv", action="store_true", help="CSV with a header line")
    parser.add_argument(
        "--spreadsheet-safe", action="store_true", help="CSV cells that no spreadsheet runs"
    )


def note(line: str) -> None:
    """Something about a list that does not belong into it."""
    sys.stdout.flush()
    print(f"tollbar: {line}", file=sys.stderr)


def some(rows: Iterable[Row]) -> Iterator[Row]:
    """The same rows; that there are none is said, for a name may be mistyped."""
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        note("nothing found")


def progress(rows: Iterable[Row]) -> Iterable[Row]:
    """The same rows; who waits at a terminal for a file to be written sees how many there are."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        return rows
    return _counted(rows)


def _counted(rows: Iterable[Row]) -> Iterator[Row]:
    number = 0
    shown = 0.0
    try:
        for number, row in enumerate(rows):
            now = time.monotonic()
            if now - shown >= PACE:
                shown = now
                print(f"\r{number:,} rows", end="", file=sys.stderr, flush=True)
            yield row
    finally:
        print(f"\r{' ' * len(f'{number:,} rows')}\r", end="", file=sys.stderr, flush=True)


def columns(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Aligned columns, page by page, so that a long list begins at once."""
    widths = [len(heading) for heading in headings]
    page: list[Sequence[str]] = list(islice(rows, PAGE))
    first: list[Sequence[str]] = [headings]
    while first or page:
        for row in page:
            widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
        for row in chain(first, page):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
        first, page = [], list(islice(rows, PAGE))


def boxed(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=SIMPLE_HEAD, header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def json_line(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def clean(cell: str) -> str:
    """Without characters that would move a terminal's cursor."""
    return cell if cell.isprintable() else "".join(c if c.isprintable() else "?" for c in cell)

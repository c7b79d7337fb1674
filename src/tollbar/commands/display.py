"""Tables and JSON lines on standard output; colour and boxes only on a terminal."""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

RIGHT: Final = frozenset("0123456789.:%-")
PAGE: Final = 500  # rows whose widths are measured together


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

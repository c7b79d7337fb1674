"""Entries as a table that a spreadsheet opens, and a table read into changed entries.

A row inserts an entry or updates one; what has no column stays as it is, an empty cell takes
its value away. Rows are read as strictly as directory.yaml, and a mistake is told by line and
column. It must never take a part of a table: all of it can be used, or nothing is.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tollbar.directory.assignment import LISTS, listed
from tollbar.directory.editing import names_of, node, path_of, put, read_entry, read_objects
from tollbar.directory.entry import GAP, Entry
from tollbar.directory.wording import Words
from tollbar.document import Document, Finding, Place, Rejected, Value, Wrong, meant
from tollbar.policy import finding
from tollbar.policy.dialplan import DialObject
from tollbar.tree import SCALAR, Node

ATTRIBUTE: Final = "attribute."

_GRANTS: Final = (
    *("access", "classifications", "account_code_verification", "view_account_codes"),
    *("modify_queue", "correct_records", "view_reports", "administer"),
)
COLUMNS: Final = {
    finding.CODE: ("code", "description", "active", "valid_from", "valid_until"),
    finding.USER: (
        *("user", "name", "extensions", "numbers", "location", "workgroups", "roles"),
        *("default_code", *_GRANTS),
    ),
    finding.ROLE: ("role", "description", *_GRANTS),
    finding.WORKGROUP: ("workgroup", "description", "prefix", "roles", *_GRANTS),
    finding.DIAL_OBJECT: (
        *("pattern", "list", "location", "standardized", "dial_string", "display"),
        *("classification", "description", "account_code_verification", "dial_groups"),
        *("allow_bypass", "shadow"),
    ),
}
"""The columns of each kind; the first names the entry. A code has its attributes' too."""

_DIGITS: Final = frozenset(("code", "access", "default_code", "extensions", "numbers"))
_SPOILT: Final = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+|=.*")
_UNQUOTED: Final = re.compile(r'"(?:[^"]|"")*"')


@dataclass(slots=True)
class Cell(Place):
    """A place in a table: ``column`` counts cells, ``name`` is the column's."""

    name: str = ""

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        return f"{self.file}:{self.line}:{self.column}{named}"


def write_table(kind: str, entries: Iterable[Entry]) -> Iterator[str]:
    """The lines of the table, the heading first."""
    rows = [(entry.key, json.loads(entry.body)) for entry in entries]
    attributes = sorted({name for _, words in rows for name in words.get("attributes", ())})
    columns = [*COLUMNS[kind], *(ATTRIBUTE + name for name in attributes)]
    buffer = io.StringIO()
    heading = csv.writer(buffer, quoting=csv.QUOTE_ALL if attributes else csv.QUOTE_MINIMAL)
    heading.writerow(columns)
    writer = csv.writer(buffer)
    for key, words in rows:
        yield _taken(buffer)
        writer.writerow([_cell(kind, column, key, words) for column in columns])
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    line = buffer.getvalue().removesuffix("\r\n")
    buffer.seek(0)
    buffer.truncate()
    return line


def _cell(kind: str, column: str, key: str, words: Words) -> str:
    if column == COLUMNS[kind][0] and kind != finding.DIAL_OBJECT:
        return key
    value: Any = words
    for step in _path(kind, column):
        value = value.get(step, "") if isinstance(value, dict) else ""
    if column == "active":
        return "no" if value is False else "yes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _joined(value)
    return str(value)


def _joined(values: list[Any]) -> str:
    plain = values and all(
        isinstance(value, str) and value.strip() == value and not re.search(r'[,"]|^\[|^$', value)
        for value in values
    )
    return ", ".join(values) if plain else json.dumps(values, ensure_ascii=False)


def _path(kind: str, column: str) -> tuple[str, ...]:
    if column.startswith(ATTRIBUTE):
        return ("attributes", column.removeprefix(ATTRIBUTE))
    return path_of(kind, column)


def read_table(kind: str, data: bytes, file: str, tenant: str, before: list[Entry]) -> list[Entry]:
    """The tenant's entries with the table's rows in them; raises ``Rejected`` with every mistake.

    A dial-plan object that was not there comes after the one of the row above, that of the
    first row at the end.
    """
    return _Table(kind, data, file, tenant).merged(before)


class _Table:
    def __init__(self, kind: str, data: bytes, file: str, tenant: str) -> None:
        self.kind = kind
        self.file = file
        self.tenant = tenant
        self.findings: list[Finding] = []
        self.columns: list[str] = []
        self.rows = list(self._read(data))

    def merged(self, before: list[Entry]) -> list[Entry]:
        held = {entry.key: entry for entry in before if entry.kind == self.kind}
        others = [entry for entry in before if entry.kind != self.kind]
        keys = {key: line for line, key, _cells in self._keyed()}
        document = Document(self.file, Node(SCALAR, 1, 1))
        names = names_of([*before, *(Entry(self.tenant, self.kind, key, 0, "") for key in keys)])
        order = sorted(held, key=lambda key: (held[key].place, key))
        above: str | None = None
        for line, key, cells in self._keyed():
            if keys[key] != line:
                self._wrong(line, 1, f'"{key}" is in the table twice', f"also on line {keys[key]}")
                continue
            words = json.loads(held[key].body) if key in held else {}
            self._put(words, line, cells)
            value = Value(document, found := node(words, line, 1), found, None, "")
            if self.kind == finding.DIAL_OBJECT:
                made = read_objects(self.tenant, value, names)
                if not made:  # it has no pattern, which the document has noted
                    continue
                entry = made[0]
            else:
                entry = read_entry(self.tenant, self.kind, key, value, names)
            if key not in held:
                order.insert(order.index(above) + 1 if above is not None else len(order), key)
            held[key] = entry
            above = key
        self.findings += [self._placed(found) for found in document.findings]
        self._settle()
        ordered = self.kind == finding.DIAL_OBJECT
        for number, key in enumerate(order, 1):
            old = held[key]
            place = number * GAP if ordered else 0
            others.append(Entry(old.tenant, old.kind, key, place, old.body, old.version))
        return others

    def _put(self, words: Words, line: int, cells: Sequence[str]) -> None:
        naming = COLUMNS[self.kind][0] if self.kind != finding.DIAL_OBJECT else ""
        for number, (column, text) in enumerate(zip(self.columns, cells, strict=True), 1):
            if column == naming:
                continue
            given = self._given(line, number, column, text) if text else None
            put(words, _path(self.kind, column), given)

    def _given(self, line: int, number: int, column: str, text: str) -> Node | None:
        if column not in LISTS:
            return Node(SCALAR, line, number, text=text)
        try:
            return node(listed(text), line, number)
        except Wrong as error:
            self._wrong(line, number, error.what, error.hint)
            return None

    def _keyed(self) -> Iterator[tuple[int, str, list[str]]]:
        """Every row with its line and its entry's key."""
        naming = self.columns.index(COLUMNS[self.kind][0])
        for line, cells in self.rows:
            key = cells[naming]
            if self.kind == finding.DIAL_OBJECT:
                at = {name: cells[number] for number, name in enumerate(self.columns)}
                key = DialObject(
                    key, "", list_name=at.get("list", ""), location=at.get("location", "")
                ).key
            yield line, key, cells

    def _read(self, data: bytes) -> Iterator[tuple[int, list[str]]]:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._refused(line, 1, "is not UTF-8", 'save it as "CSV UTF-8"') from None
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        try:
            self._heading(next(reader, []))
            line = reader.line_num + 1
            for cells in reader:
                if any(cells) and self._fits(line, cells):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise self._refused(reader.line_num, 1, f"is not CSV: {error}") from None

    def _heading(self, cells: Sequence[str]) -> None:
        known = COLUMNS[self.kind]
        for number, cell in enumerate(cells, 1):
            name = cell.strip()
            attribute = self.kind == finding.CODE and name.startswith(ATTRIBUTE)
            if name in self.columns:
                self._wrong(1, number, f'column "{name}" is there twice', "remove one")
            elif name not in known and not attribute:
                self._wrong(1, number, f'unknown column "{name}"', meant(name, known))
            self.columns.append(name)
        if known[0] not in self.columns:
            self._wrong(1, 1, f'there is no column "{known[0]}"', f"it names the {self.kind}")
        self._settle()

    def _fits(self, line: int, cells: list[str]) -> bool:
        extra = cells[len(self.columns) :]
        if len(cells) < len(self.columns) or any(extra):
            what = f"has {len(cells)} cells, the heading has {len(self.columns)}"
            self._wrong(line, min(len(cells), len(self.columns) + 1), what)
            return False
        del cells[len(self.columns) :]
        sound = True
        for number, (column, text) in enumerate(zip(self.columns, cells, strict=True), 1):
            if column in _DIGITS and _SPOILT.fullmatch(text):
                hint = "a spreadsheet spoilt it: format the column as text"
                self._wrong(line, number, f'"{text}" is not digits', hint)
                sound = False
        return sound

    def _placed(self, found: Finding) -> Finding:
        place = found.place
        where = found.where if "[" in found.where else ""
        return Finding(self._cell(place.line, place.column), where, found.what, found.hint)

    def _cell(self, line: int, number: int) -> Cell:
        name = self.columns[number - 1] if line > 1 and number <= len(self.columns) else ""
        return Cell(self.file, line, number, name)

    def _wrong(self, line: int, number: int, what: str, hint: str = "") -> None:
        self.findings.append(Finding(self._cell(line, number), "", what, hint))

    def _refused(self, line: int, number: int, what: str, hint: str = "") -> Rejected:
        return Rejected([Finding(Cell(self.file, line, number), "", what, hint)])

    def _settle(self) -> None:
        if self.findings:
            raise Rejected(sorted(self.findings, key=lambda f: (f.place.line, f.place.column)))


def _delimiter(text: str) -> str:
    heading = _UNQUOTED.sub("", text.partition("\n")[0])
    return ";" if heading.count(";") > heading.count(",") else ","

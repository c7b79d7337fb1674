"""A YAML file read strictly: every value knows its line, and every mistake is told at once.

Values are taken as the text written: ``0214`` stays ``0214`` and is never the octal 140 that
YAML 1.1 makes of it. Nothing is constructed, so no tag of a file can run code. A reader walks
from ``Document.root`` by ``fields``, ``entries`` and ``items``, notes what it dislikes with
``wrong`` and ends with ``settle``, which raises one ``Rejected`` for all of it. It must never
guess at a value: what is unclear is a finding with a hint.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from tollbar.finding import Finding, Place, Rejected, Wrong, meant, one_of
from tollbar.tree import MAPPING, SCALAR, Node, read_tree

__all__ = [
    "Document",
    "Fields",
    "Finding",
    "Place",
    "Rejected",
    "Value",
    "Wrong",
    "meant",
    "one_of",
]

T = TypeVar("T")

_FLAGS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_SECONDS: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d|)")
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")
_VARIABLE_NAME: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


class Document:
    """One YAML file and the findings gathered while it is read.

    With ``environment`` a ``${NAME}`` in a value is replaced from it.
    """

    __slots__ = ("environment", "file", "findings", "root")

    def __init__(self, file: str, node: Node, environment: Mapping[str, str] | None = None) -> None:
        self.file = file
        self.environment = environment
        self.findings: list[Finding] = []
        self.root = Value(self, node, node, None, "")

    @classmethod
    def read(cls, path: Path, environment: Mapping[str, str] | None = None) -> "Document":
        """Raises ``Rejected`` when the file cannot be read or is not YAML."""
        try:
            data = path.read_bytes()
        except OSError as error:
            what = f"cannot be read: {error.strerror or error}"
            raise Rejected([Finding(Place(str(path)), "", what)]) from None
        return cls.parse(data, str(path), environment)

    @classmethod
    def parse(
        cls, data: bytes, file: str, environment: Mapping[str, str] | None = None
    ) -> "Document":
        return cls(file, read_tree(data, file), environment)

    def place(self, node: Node) -> Place:
        return Place(self.file, node.line, node.column)

    def wrong(self, place: Place, where: str, what: str, hint: str = "") -> None:
        self.findings.append(Finding(place, where, what, hint))

    def settle(self) -> None:
        """Raise ``Rejected`` with every finding, in the order of the lines, if there is one."""
        if self.findings:
            raise Rejected(sorted(self.findings, key=lambda f: (f.place.line, f.place.column)))


class Value:
    """One value of a document; path and place are worked out when they are asked for."""

    __slots__ = ("_at", "_entries", "_items", "_name", "_node", "_parent", "document")

    def __init__(
        self, document: Document, node: Node, at: Node, parent: "Value | None", name: str
    ) -> None:
        self.document = document
        self._node = node
        self._at = at
        self._parent = parent
        self._name = name
        self._items: list[Value] | None = None
        self._entries: list[tuple[str, Value]] | None = None
        if node.tag:
            self.wrong(f"tag {node.tag} has no meaning here", "remove it")

    @property
    def where(self) -> str:
        """Its path in the file: ``peers.pbx.from[2]``, lists counting from 1."""
        above = self._parent.where if self._parent else ""
        return above + self._name if self._name.startswith("[") else _path(above, self._name)

    @property
    def place(self) -> Place:
        return self.document.place(self._at)

    def wrong(self, what: str, hint: str = "") -> None:
        self.document.wrong(self.place, self.where, what, hint)

    @property
    def empty(self) -> bool:
        """Nothing written behind the key, or ``~``."""
        return self._node.empty

    @property
    def kind(self) -> str:
        if self.empty:
            return "nothing"
        return ("a text", "a list", "a mapping")[self._node.kind]

    def text(self, default: str = "") -> str:
        """The text as written, one line, without control characters."""
        node = self._node
        if self.empty:
            self.wrong("has no value", 'write one, or remove the key; "" is an empty text')
            return default
        if node.kind != SCALAR:
            self.wrong(f"wants a text, not {self.kind}")
            return default
        text = node.text
        if node.block:
            text = text.rstrip("\n")
        if self.document.environment is not None and "${" in text:
            expanded = self._expanded(text, self.document.environment)
            if expanded is None:
                return default
            text = expanded
        if _CONTROL.search(text):
            self.wrong("holds a line break or another control character", "write it on one line")
            return default
        return text

    def _expanded(self, text: str, environment: Mapping[str, str]) -> str | None:
        sound = True

        def value_of(match: re.Match[str]) -> str:
            nonlocal sound
            if not _VARIABLE_NAME.fullmatch(match[0]):
                self.wrong(f'"{match[0]}" is not a variable', "write ${NAME}")
            elif match[1] not in environment:
                self.wrong(f"environment variable {match[1]} is not set", f"export {match[1]}=...")
            else:
                return environment[match[1]]
            sound = False
            return ""

        expanded = _VARIABLE.sub(value_of, text)
        return expanded if sound else None

    def parsed(self, parse: Callable[[str], T], default: T) -> T:
        """What ``parse`` makes of the text; its ``Wrong`` becomes a finding."""
        before = len(self.document.findings)
        text = self.text()
        if len(self.document.findings) > before:
            return default
        try:
            return parse(text)
        except Wrong as error:
            self.wrong(error.what, error.hint)
            return default

    def flag(self, default: bool = False) -> bool:
        def parse(text: str) -> bool:
            if text.lower() not in _FLAGS:
                raise Wrong(f'"{text}" is not true or false')
            return _FLAGS[text.lower()]

        return self.parsed(parse, default)

    def integer(self, low: int, high: int, default: int = 0) -> int:
        def parse(text: str) -> int:
            if not _INTEGER.fullmatch(text):
                raise Wrong(f'"{text}" is not a whole number', f"{low} to {high}")
            if not low <= int(text) <= high:
                raise Wrong(f"{text} is out of range", f"{low} to {high}")
            return int(text)

        return self.parsed(parse, default)

    def seconds(self, default: float = 0.0) -> float:
        """A length of time above zero: ``4``, ``500ms``, ``3m``, ``12h``."""

        def parse(text: str) -> float:
            match = _SECONDS.fullmatch(text)
            if not match:
                raise Wrong(f'"{text}" is not a length of time', "for example 4s, 500ms, 3m, 12h")
            length = float(match[1]) * _UNITS[match[2]]
            if length <= 0:
                raise Wrong("must be longer than zero")
            return length

        return self.parsed(parse, default)

    def choice(self, words: Sequence[str], default: str = "") -> str:
        def parse(text: str) -> str:
            if text not in words:
                raise Wrong(f'"{text}" is not a choice', meant(text, words))
            return text

        return self.parsed(parse, default)

    def items(self) -> list["Value"]:
        """The values of a list; one lone text counts as a list of one."""
        if self._items is None:
            self._items = self._read_items()
        return self._items

    def _read_items(self) -> list["Value"]:
        node = self._node
        if node.empty:
            return []
        if node.kind == MAPPING:
            self.wrong("wants a list, not a mapping", 'start each entry with "- "')
            return []
        if node.kind == SCALAR:
            return [self]
        return [
            Value(self.document, child, child, self, f"[{number}]")
            for number, child in enumerate(node.children, 1)
        ]

    def entries(self) -> list[tuple[str, "Value"]]:
        """The (key, value) pairs of a mapping in their order; a repeated key is a finding."""
        if self._entries is None:
            self._entries = self._read_entries()
        return self._entries

    def _read_entries(self) -> list[tuple[str, "Value"]]:
        node = self._node
        document = self.document
        if node.empty:
            return []
        if node.kind != MAPPING:
            self.wrong(f'wants a mapping ("name: value" lines), not {self.kind}')
            return []
        found: list[tuple[str, Value]] = []
        lines: dict[str, int] = {}
        pairs = iter(node.children)
        for key, child in zip(pairs, pairs, strict=True):
            name = key.text
            if key.kind != SCALAR:
                document.wrong(document.place(key), self.where, "a key must be a text")
            elif name in lines:
                where = _path(self.where, name)
                first = f"the first is on line {lines[name]}"
                document.wrong(document.place(key), where, "is given twice", first)
            elif _CONTROL.search(name):
                what = "a key must not hold control characters"
                document.wrong(document.place(key), self.where, what)
            else:
                lines[name] = key.line
                at = child if child.kind == SCALAR and not child.empty else key
                found.append((name, Value(document, child, at, self, name)))
        return found

    def fields(self, keys: str, required: Mapping[str, str] | None = None) -> "Fields":
        """The mapping with no keys but these (blanks between them); ``required``: key to hint."""
        known = keys.split()
        found: dict[str, Value] = {}
        before = len(self.document.findings)
        for name, value in self.entries():
            if name in known:
                found[name] = value
            else:
                self.document.wrong(
                    self._key_place(name), self.where, f'unknown key "{name}"', meant(name, known)
                )
        if len(self.document.findings) == before or found:
            for name, hint in (required or {}).items():
                if name not in found:
                    self.wrong(f'"{name}" is missing', hint)
        return Fields(self, found)

    def _key_place(self, name: str) -> Place:
        key = next(key for key in self._node.children[::2] if key.text == name)
        return self.document.place(key)


class Fields:
    """A mapping with known keys; each accessor gives its default where the key is absent."""

    __slots__ = ("found", "value")

    def __init__(self, value: Value, found: dict[str, Value]) -> None:
        self.value = value
        self.found = found

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def get(self, name: str) -> Value | None:
        return self.found.get(name)

    def place(self, name: str) -> Place:
        return self.found[name].place if name in self.found else self.value.place

    def wrong(self, name: str, what: str, hint: str = "") -> None:
        self.found.get(name, self.value).wrong(what, hint)

    def text(self, name: str, default: str = "") -> str:
        return self.found[name].text(default) if name in self.found else default

    def parsed(self, name: str, parse: Callable[[str], T], default: T) -> T:
        return self.found[name].parsed(parse, default) if name in self.found else default

    def flag(self, name: str, default: bool = False) -> bool:
        return self.found[name].flag(default) if name in self.found else default

    def integer(self, name: str, low: int, high: int, default: int = 0) -> int:
        return self.found[name].integer(low, high, default) if name in self.found else default

    def seconds(self, name: str, default: float) -> float:
        return self.found[name].seconds(default) if name in self.found else default

    def choice(self, name: str, words: Sequence[str], default: str) -> str:
        return self.found[name].choice(words, default) if name in self.found else default

    def items(self, name: str) -> list[Value]:
        return self.found[name].items() if name in self.found else []

    def entries(self, name: str) -> list[tuple[str, Value]]:
        return self.found[name].entries() if name in self.found else []


def _path(above: str, name: str) -> str:
    return f"{above}.{name}" if above else name

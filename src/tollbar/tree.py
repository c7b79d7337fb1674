"""YAML text to a tree of nodes that keep the text written and its line (YAML 1.1).

Built from the parser's events, because the parser does not recurse: a file nested a million
deep is refused, where PyYAML's own composer ends the process. It must never resolve or
construct a value: a scalar is text.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from tollbar.finding import Finding, Place, Rejected

SCALAR: Final = 0
SEQUENCE: Final = 1
MAPPING: Final = 2

DEEPEST: Final = 32

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml words its errors tersely: a file of usual size is read again for better ones.
_READ_AGAIN: Final = 1_000_000
_NOTHING: Final = ("", "~", "null", "Null", "NULL")
_NEEDS_QUOTES: Final = "*&!|>%@`{}[]:"


class Node:
    """``text`` for a scalar, ``children`` for a sequence, flattened pairs for a mapping.

    Line and column count from 1. ``tag`` is "" unless one is written; ``empty`` is a scalar
    with nothing, ``~`` or ``null`` in it; ``block`` one written with ``|`` or ``>``.
    """

    __slots__ = ("block", "children", "column", "empty", "kind", "line", "tag", "text")

    def __init__(self, kind: int, line: int, column: int, tag: str = "", text: str = "") -> None:
        self.kind = kind
        self.line = line
        self.column = column
        self.tag = tag
        self.text = text
        self.children: list[Node] = []
        self.empty = False
        self.block = False


def read_tree(data: bytes, file: str) -> Node:
    """The root; raises ``Rejected`` when the bytes are not one YAML document."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        place = Place(file, line, column)
        raise Rejected([Finding(place, "", "is not UTF-8", "save it as UTF-8")]) from None
    try:
        return _build(yaml.parse(text, Loader=_FAST), file)
    except yaml.YAMLError as error:
        if len(text) < _READ_AGAIN:
            error = _worded(text, file) or error
        raise Rejected([_syntax_finding(error, file, text)]) from None


def _worded(text: str, file: str) -> yaml.YAMLError | None:
    """The mistake in PyYAML's own words; raises ``Rejected`` where building finds it first."""
    try:
        _build(yaml.parse(text, Loader=yaml.SafeLoader), file)
    except yaml.YAMLError as error:
        return error
    return None


def _build(events: Iterator[Any], file: str) -> Node:
    root = Node(SEQUENCE, 1, 1)
    open_nodes: list[Node] = []
    siblings = root.children
    anchors: dict[str, Node] = {}
    documents = 0
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            node = _scalar(event)
            siblings.append(node)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            mark = event.start_mark
            which = MAPPING if kind is MappingStartEvent else SEQUENCE
            node = Node(which, mark.line + 1, mark.column + 1, event.tag or "")
            siblings.append(node)
            open_nodes.append(node)
            if len(open_nodes) > DEEPEST:
                place = Place(file, node.line, node.column)
                raise Rejected([Finding(place, "", "is nested too deeply")])
            siblings = node.children
        elif kind is AliasEvent:
            mark = event.start_mark
            if event.anchor not in anchors:
                place = Place(file, mark.line + 1, mark.column + 1)
                what = f'there is no anchor "&{event.anchor}"'
                hint = "a text that starts with * needs quotes"
                raise Rejected([Finding(place, "", what, hint)])
            siblings.append(anchors[event.anchor])
            continue
        elif open_nodes and kind is not DocumentStartEvent:
            open_nodes.pop()
            siblings = open_nodes[-1].children if open_nodes else root.children
            continue
        else:
            if kind is DocumentStartEvent:
                documents += 1
            if documents > 1:
                mark = event.start_mark
                place = Place(file, mark.line + 1, mark.column + 1)
                what = "a second document starts here"
                raise Rejected([Finding(place, "", what, 'remove the line "---"')])
            continue
        if event.anchor is not None:
            anchors[event.anchor] = node
    if root.children:
        return root.children[0]
    nothing = Node(SCALAR, 1, 1)
    nothing.empty = True
    return nothing


def _scalar(event: Any) -> Node:
    mark = event.start_mark
    text = event.value
    node = Node(SCALAR, mark.line + 1, mark.column + 1, event.tag or "", text)
    style = event.style
    if not style:  # libyaml gives "" or None for a plain scalar
        node.empty = text in _NOTHING and not event.tag
    elif style in "|>":
        node.block = True
    return node


def _syntax_finding(error: yaml.YAMLError, file: str, text: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    what = str(getattr(error, "problem", None) or "").split("\n")[0]
    if mark is None:
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        return Finding(Place(file, line, column), "", "holds a character YAML does not allow")
    place = Place(file, mark.line + 1, mark.column + 1)
    lines = text.split("\n")
    line_text = lines[mark.line] if mark.line < len(lines) else ""
    rest = line_text[mark.column :]
    opened = _left_open(error, file)
    if opened is not None:
        return opened
    hint = ""
    if rest.startswith("\t"):
        hint = "indent with spaces, not tabs"
    elif "alphabetic or numeric" in what:
        hint = "a text that starts with * or & needs quotes"
    elif "mapping values are not allowed" in what:
        hint = 'a text with ": " in it needs quotes, and keys of one level the same indent'
    elif rest[:1] and rest[0] in _NEEDS_QUOTES:
        hint = f"a text that starts with {rest[0]} needs quotes"
    return Finding(place, "", f"is not YAML: {what}", hint)


def _left_open(error: yaml.YAMLError, file: str) -> Finding | None:
    """What was begun and not ended is looked for where it begins, not lines later where the
    parser gave up."""
    context = str(getattr(error, "context", None) or "")
    begun, noticed = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    if begun is None or noticed is None or begun.line == noticed.line:
        return None
    place = Place(file, begun.line + 1, begun.column + 1)
    if "simple key" in context:
        return Finding(place, "", "is not YAML: a key without its colon", 'write "key: value"')
    if "quoted scalar" in context:
        return Finding(place, "", "is not YAML: the quote that opens here is not closed")
    if "flow" in context:
        what = "is not YAML: the bracket that opens here is not closed"
        return Finding(place, "", what, f"before line {noticed.line + 1}")
    return None

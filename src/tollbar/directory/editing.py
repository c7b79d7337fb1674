"""One entry in plain words read as strictly as directory.yaml, so that a mistake typed at a
prompt or in a table gets the same hint.

A wording may hold nodes in place of plain values: those know where they stand.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from tollbar.directory import wording
from tollbar.directory.codes import read_code
from tollbar.directory.entry import Entry
from tollbar.directory.holders import (
    Names,
    read_default_user,
    read_role,
    read_user,
    read_workgroup,
)
from tollbar.directory.plan import (
    read_classification,
    read_dial_objects,
    read_far_end,
    read_number_list,
)
from tollbar.directory.wording import Words, body
from tollbar.document import Document, Value
from tollbar.policy import finding
from tollbar.policy.dialplan import CATEGORIES, DialObject
from tollbar.tree import MAPPING, SCALAR, SEQUENCE, Node

_RIGHTS: Final = frozenset(
    (
        "account_code_verification",
        "view_account_codes",
        "modify_queue",
        "correct_records",
        "view_reports",
        "administer",
    )
)


def names_of(entries: Iterable[Entry]) -> Names:
    """What the entries of one tenant may refer to."""
    keys: dict[str, list[str]] = {}
    for entry in entries:
        keys.setdefault(entry.kind, []).append(entry.key)
    return Names(
        codes=set(keys.get(finding.CODE, ())),
        roles=keys.get(finding.ROLE, ()),
        workgroups=keys.get(finding.WORKGROUP, ()),
        users=keys.get(finding.USER, ()),
        lists=keys.get(finding.LIST, ()),
        classifications=[*CATEGORIES, *keys.get(finding.CLASSIFICATION, ())],
    )


def path_of(kind: str, name: str) -> tuple[str, ...]:
    """Where a value stands in an entry: rights are found by their own names too."""
    if kind != finding.DIAL_OBJECT and name in _RIGHTS:
        return ("rights", name)
    above, dot, rest = name.partition(".")
    return (above, rest) if dot else (name,)


def put(words: Words, path: Collection[str], value: Any) -> None:
    """Set one value of a wording, or remove it: None."""
    *above, name = path
    for step in above:
        inner = words.get(step)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = words[step] = {}
        words = inner
    if value is None:
        words.pop(name, None)
    else:
        words[name] = value


def node(value: Any, line: int = 0, column: int = 0) -> Node:
    """A wording as the tree that a reader walks."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        found = Node(MAPPING, line, column)
        for key, inner in value.items():
            found.children += (Node(SCALAR, line, column, text=key), node(inner, line, column))
    elif isinstance(value, list):
        found = Node(SEQUENCE, line, column)
        found.children = [node(inner, line, column) for inner in value]
    else:
        text = value if isinstance(value, str) else "true" if value else "false"
        found = Node(SCALAR, line, column, text=text)
    return found


def checked(tenant: str, kind: str, key: str, words: Words, names: Names) -> list[Entry]:
    """The entries that a wording makes, several for a dial-plan entry of several patterns;
    raises ``Rejected`` naming the entry."""
    document = Document(f"{kind.replace('_', ' ')} {key}", node(words))
    if kind == finding.DIAL_OBJECT:
        found = read_objects(tenant, document.root, names)
    else:
        found = [read_entry(tenant, kind, key, document.root, names)]
    document.settle()
    return found


def read_entry(tenant: str, kind: str, key: str, value: Value, names: Names) -> Entry:
    """The entry, its place not yet given; what is wrong with it the document has noted."""
    return Entry(tenant, kind, key, 0, body(_words(kind, key, value, names)))


def read_objects(tenant: str, value: Value, names: Names) -> list[Entry]:
    """The dial-plan objects of one wording: one for each of its patterns."""
    return [object_entry(tenant, found) for found, _value in read_dial_objects(value, names)]


def object_entry(tenant: str, found: DialObject) -> Entry:
    return Entry(tenant, finding.DIAL_OBJECT, found.key, 0, body(wording.dial_object_words(found)))


def _words(kind: str, key: str, value: Value, names: Names) -> object:
    if kind == finding.CODE:
        return wording.code_words(read_code(key, value))
    if kind == finding.DEFAULT_USER:
        return wording.default_user_words(read_default_user(value, names))
    if kind == finding.ROLE:
        return wording.role_words(read_role(key, value, names))
    if kind == finding.WORKGROUP:
        return wording.workgroup_words(read_workgroup(key, value, names))
    if kind == finding.USER:
        return wording.user_words(read_user(key, value, names))
    if kind == finding.LIST:
        return list(read_number_list(key, value))
    if kind == finding.CLASSIFICATION:
        return read_classification(key, value)
    if kind == finding.FAR_END:
        return read_far_end(key, value, names)
    for found, _value in read_dial_objects(value, names):
        return wording.dial_object_words(found)
    return {}

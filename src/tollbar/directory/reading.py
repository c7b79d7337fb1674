"""directory.yaml read strictly into a ``Directory`` (docs/reference/directory.md).

Codes, extensions and patterns are texts with every digit as written. What an entry is by
itself, and the names it gives, are checked here with the exact line; what the entries mean
together is policy's to say when they are compiled.
"""

from pathlib import Path
from typing import Final

from tollbar.directory.codes import read_code
from tollbar.directory.holders import (
    Names,
    check_name,
    read_default_user,
    read_role,
    read_user,
    read_workgroup,
)
from tollbar.directory.model import DEFAULT_TENANT, Directory
from tollbar.directory.plan import (
    read_classification,
    read_dial_objects,
    read_far_end,
    read_number_list,
)
from tollbar.document import Document, Fields, Place, Value
from tollbar.policy import finding
from tollbar.policy.dialplan import CATEGORIES, DialObject
from tollbar.policy.rights import Rights
from tollbar.policy.settings import Tenant

_SECTIONS: Final = (
    "default_user roles workgroups users codes number_lists classifications far_end dial_plan"
)


def read_directory(path: Path) -> Directory:
    """Raises ``document.Rejected`` naming file, line and hint of everything that is wrong."""
    document = Document.read(path)
    directory = parse_directory(document)
    document.settle()
    return directory


def parse_directory(document: Document) -> Directory:
    """What could be read; the findings stay with the document."""
    directory = Directory(Place(document.file))
    root = document.root
    if all(name != "tenants" for name, _value in root.entries()):
        _Reader(directory, DEFAULT_TENANT).tenant(root)
        return directory
    for name, value in root.fields("tenants").entries("tenants"):
        check_name(name, value)
        _Reader(directory, name).tenant(value)
    return directory


class _Reader:
    """Reads one tenant into the directory."""

    __slots__ = ("directory", "name")

    def __init__(self, directory: Directory, name: str) -> None:
        self.directory = directory
        self.name = name

    def tenant(self, value: Value) -> None:
        top = value.fields(_SECTIONS)
        names = Names(
            codes={name for name, _ in top.entries("codes")},
            roles=[name for name, _ in top.entries("roles")],
            workgroups=[name for name, _ in top.entries("workgroups")],
            users=[name for name, _ in top.entries("users")],
            lists=[name for name, _ in top.entries("number_lists")],
            classifications=[
                *CATEGORIES,
                *(name for name, _ in top.entries("classifications")),
            ],
        )
        default_user = top.get("default_user")
        if default_user is not None:
            self._placed(finding.DEFAULT_USER, "", default_user)
        placed = self._placed
        self.directory.tenants[self.name] = Tenant(
            codes=tuple(
                read_code(name, placed(finding.CODE, name, entry))
                for name, entry in top.entries("codes")
            ),
            default_user=read_default_user(default_user, names) if default_user else Rights(),
            roles=tuple(
                read_role(name, placed(finding.ROLE, name, entry), names)
                for name, entry in top.entries("roles")
            ),
            workgroups=tuple(
                read_workgroup(name, placed(finding.WORKGROUP, name, entry), names)
                for name, entry in top.entries("workgroups")
            ),
            users=tuple(
                read_user(name, placed(finding.USER, name, entry), names)
                for name, entry in top.entries("users")
            ),
            lists={
                name: read_number_list(name, placed(finding.LIST, name, entry))
                for name, entry in top.entries("number_lists")
            },
            classifications={
                name: read_classification(name, placed(finding.CLASSIFICATION, name, entry))
                for name, entry in top.entries("classifications")
            },
            dial_plan=self._dial_plan(top, names),
            far_end={
                pattern: read_far_end(pattern, placed(finding.FAR_END, pattern, entry), names)
                for pattern, entry in top.entries("far_end")
            },
        )

    def _placed(self, kind: str, key: str, value: Value) -> Value:
        self.directory.places[self.name, kind, key] = value.place
        return value

    def _dial_plan(self, top: Fields, names: Names) -> tuple[DialObject, ...]:
        value = top.get("dial_plan")
        if value is None or value.empty:
            return ()
        if value.kind == "a text":
            value.wrong('wants a list of "- pattern: ..." entries')
            return ()
        objects = []
        for item in value.items():
            for found, entry in read_dial_objects(item, names):
                key = (self.name, finding.DIAL_OBJECT, found.key)
                if key in self.directory.places:
                    first = self.directory.places[key].line
                    entry.wrong(
                        f'"{found.key}" is in the dial plan twice', f"first on line {first}"
                    )
                    continue
                self.directory.places[key] = entry.place
                objects.append(found)
        return tuple(objects)

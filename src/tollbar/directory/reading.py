"""directory.yaml read strictly into a ``Directory`` (docs/reference/directory.md).

Codes, extensions and patterns are texts with every digit as written. What an entry is by
itself, and the names it gives, are checked here with the exact line; what the entries mean
together is policy's to say when they are compiled.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from tollbar.directory.holders import (
    Names,
    read_default_user,
    read_role,
    read_user,
    read_workgroup,
)
from tollbar.directory.model import DEFAULT_TENANT, Directory
from tollbar.document import Document, Fields, Place, Value, Wrong, one_of
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import CATEGORIES, DialObject, GroupUse
from tollbar.policy.rights import Rights
from tollbar.policy.snapshot import Tenant

LONGEST_DESCRIPTION: Final = 128

_SECTIONS: Final = (
    "default_user roles workgroups users codes number_lists classifications dial_plan"
)
_CODE: Final = re.compile(r"[0-9]{1,50}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LIST_ENTRY: Final = re.compile(r"[0-9]{1,32}")
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


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
        _Reader(directory, name).tenant(value)
    return directory


class _Reader:
    """Reads one tenant into the directory."""

    __slots__ = ("directory", "name", "names")

    def __init__(self, directory: Directory, name: str) -> None:
        self.directory = directory
        self.name = name
        self.names = Names()

    def tenant(self, value: Value) -> None:
        top = value.fields(_SECTIONS)
        classifications = {
            name: self._mapped(name, v) for name, v in top.entries("classifications")
        }
        self.names = Names(
            codes={name for name, _ in top.entries("codes")},
            roles=[name for name, _ in top.entries("roles")],
            workgroups=[name for name, _ in top.entries("workgroups")],
            users=[name for name, _ in top.entries("users")],
            classifications=[*CATEGORIES, *classifications],
        )
        lists = {name: self._number_list(name, v) for name, v in top.entries("number_lists")}
        default_user = top.get("default_user")
        tenant = Tenant(
            codes=tuple(self._code(name, entry) for name, entry in top.entries("codes")),
            default_user=read_default_user(default_user, self.names) if default_user else Rights(),
            roles=tuple(
                read_role(name, self._placed(finding.ROLE, name, entry), self.names)
                for name, entry in top.entries("roles")
            ),
            workgroups=tuple(
                read_workgroup(name, self._placed(finding.WORKGROUP, name, entry), self.names)
                for name, entry in top.entries("workgroups")
            ),
            users=tuple(
                read_user(name, self._placed(finding.USER, name, entry), self.names)
                for name, entry in top.entries("users")
            ),
            lists=lists,
            classifications=classifications,
            dial_plan=self._dial_plan(top, lists),
        )
        if default_user is not None:
            self._placed(finding.DEFAULT_USER, "", default_user)
        self.directory.tenants[self.name] = tenant

    def _placed(self, kind: str, key: str, value: Value) -> Value:
        self.directory.places[self.name, kind, key] = value.place
        return value

    def _mapped(self, name: str, value: Value) -> str:
        self._placed(finding.CLASSIFICATION, name, value)
        if name in CATEGORIES:
            value.wrong("is a classification already", "choose a name of your own")
        elif not _WORD.fullmatch(name):
            value.wrong(f'"{name}" is not a name', "small letters, digits and _")
        return value.choice(CATEGORIES)

    def _number_list(self, name: str, value: Value) -> tuple[str, ...]:
        self._placed(finding.LIST, name, value)
        entries: list[str] = []
        for entry in value.items():
            text = entry.text()
            if not text:
                continue
            if not _LIST_ENTRY.fullmatch(text):
                entry.wrong(f'"{text}" is not digits', "an entry is the digits that $ stands for")
            elif text in entries:
                entry.wrong(f'"{text}" is given twice', "remove one")
            entries.append(text)
        if not entries:
            value.wrong("is an empty list", "a pattern with $ would never match")
        return tuple(entries)

    def _code(self, name: str, value: Value) -> Code:
        self._placed(finding.CODE, name, value)
        code = Code(name)
        if not _CODE.fullmatch(name):
            value.wrong(f'"{name}" is not an account code', "1 to 50 digits")
        if value.kind != "a mapping":
            code.description = "" if value.empty else _description(value)
            return code
        fields = value.fields("description active valid_from valid_until attributes")
        description = fields.get("description")
        code.description = _description(description) if description is not None else ""
        code.active = fields.flag("active", True)
        code.valid_from = fields.parsed("valid_from", _day, None)
        code.valid_until = fields.parsed("valid_until", _day, None)
        if code.valid_from and code.valid_until and code.valid_until < code.valid_from:
            fields.wrong("valid_until", "lies before valid_from", "both days are included")
        code.attributes = {key: entry.text() for key, entry in fields.entries("attributes")}
        return code

    def _dial_plan(self, top: Fields, lists: Collection[str]) -> tuple[DialObject, ...]:
        value = top.get("dial_plan")
        if value is None or value.empty:
            return ()
        if value.kind == "a text":
            value.wrong('wants a list of "- pattern: ..." entries')
            return ()
        return tuple(found for entry in value.items() for found in self._objects(entry, lists))

    def _objects(self, value: Value, lists: Collection[str]) -> list[DialObject]:
        """One entry; it makes an object for each of its patterns, all else being the same."""
        fields = value.fields(
            "pattern list location standardized dial_string display classification description "
            "account_code_verification dial_groups allow_bypass shadow",
            {
                "pattern": 'the dialled number, as in pattern: "NXXNXXXXXX"',
                "classification": f"one of {', '.join(CATEGORIES)}",
            },
        )
        list_name = fields.parsed("list", lambda text: one_of(text, "number list", lists), "")
        classification = fields.parsed("classification", self._classification, "")
        groups = tuple(self._group(entry) for entry in fields.items("dial_groups"))
        reason = fields.text("allow_bypass")
        if "allow_bypass" in fields and not reason.strip():
            fields.wrong("allow_bypass", "wants the reason why", "a sentence for whoever asks")
        sample = DialObject(
            "",
            classification,
            list_name=list_name,
            location=fields.text("location"),
            standardized=fields.text("standardized"),
            dial_string=fields.text("dial_string"),
            display=fields.text("display"),
            description=fields.text("description"),
            verification=fields.flag("account_code_verification"),
            groups=groups,
            allow_bypass=reason,
            shadow=fields.flag("shadow"),
        )
        objects = []
        for entry in fields.items("pattern"):
            found = replace(sample, pattern=entry.text())
            key = (self.name, finding.DIAL_OBJECT, found.key)
            if key in self.directory.places:
                first = self.directory.places[key].line
                entry.wrong(f'"{found.key}" is in the dial plan twice', f"first on line {first}")
                continue
            self.directory.places[key] = entry.place
            objects.append(found)
        return objects

    def _group(self, value: Value) -> GroupUse:
        if value.kind == "a text":
            return GroupUse(value.text())
        fields = value.fields(
            "group location classification dial_string",
            {"group": "the name of a dial group in gateway.yaml"},
        )
        return GroupUse(
            fields.text("group"),
            fields.text("location"),
            fields.parsed("classification", self._classification, ""),
            fields.text("dial_string"),
        )

    def _classification(self, text: str) -> str:
        return one_of(text, "classification", self.names.classifications)


def _description(value: Value) -> str:
    text = value.text()
    if len(text) > LONGEST_DESCRIPTION:
        value.wrong(f"is {len(text)} characters long", f"at most {LONGEST_DESCRIPTION}")
    return text


def _day(text: str) -> date | None:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        raise Wrong(f'"{text}" is not in the calendar') from None
    raise Wrong(f'"{text}" is not a day', "write it as 2026-12-31")

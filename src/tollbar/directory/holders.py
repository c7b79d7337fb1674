"""Default user, roles, workgroups and users as directory.yaml writes them.

It must never work out what a user ends up with: the union of all grants is policy's.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from tollbar.document import Fields, Value, Wrong, meant, one_of
from tollbar.policy.rights import ALL, Rights, Role, User, Workgroup

# What a holder of *administer* may be limited to.
ADMINISTERED: Final = (
    "codes",
    "default_user",
    "roles",
    "workgroups",
    "users",
    "dial_plan",
    "calls",
    "locks",
)

_GRANTS: Final = "rights access classifications"
_RIGHTS: Final = (
    "account_code_verification view_account_codes modify_queue correct_records view_reports "
    "administer"
)
_PREFIX: Final = re.compile(r"[0-9*#]{1,16}")
_NUMBER: Final = re.compile(r"(?=.*[0-9])[0-9+*#^/ ().-]{1,64}")


@dataclass(slots=True)
class Names:
    """What the entries of one tenant may refer to."""

    codes: Collection[str] = ()
    roles: Collection[str] = ()
    workgroups: Collection[str] = ()
    users: Collection[str] = ()
    lists: Collection[str] = ()
    classifications: Collection[str] = ()


def read_default_user(value: Value, names: Names) -> Rights:
    return _rights(value.fields(_GRANTS), names)


def read_role(name: str, value: Value, names: Names) -> Role:
    check_name(name, value)
    fields = value.fields(f"description {_GRANTS}")
    return Role(name, _rights(fields, names), description=fields.text("description"))


def read_workgroup(name: str, value: Value, names: Names) -> Workgroup:
    check_name(name, value)
    fields = value.fields(f"description prefix roles {_GRANTS}")
    return Workgroup(
        name,
        _rights(fields, names),
        _named(fields, "roles", "role", names.roles),
        description=fields.text("description"),
        prefix=fields.parsed("prefix", _prefix, ""),
    )


def read_user(name: str, value: Value, names: Names) -> User:
    check_name(name, value)
    fields = value.fields(
        f"name extensions numbers location roles workgroups default_code {_GRANTS}"
    )
    return User(
        name,
        display=fields.text("name"),
        extensions=tuple(entry.parsed(_number, "") for entry in fields.items("extensions")),
        numbers=tuple(entry.parsed(_number, "") for entry in fields.items("numbers")),
        location=fields.text("location"),
        rights=_rights(fields, names, of_user=True),
        roles=_named(fields, "roles", "role", names.roles),
        workgroups=_named(fields, "workgroups", "workgroup", names.workgroups),
        default_code=fields.parsed("default_code", lambda text: known_code(text, names.codes), ""),
    )


def _rights(holder: Fields, names: Names, of_user: bool = False) -> Rights:
    value = holder.get("rights")
    fields = value.fields(_RIGHTS) if value is not None else Fields(holder.value, {})
    rights = Rights()
    if "account_code_verification" in fields:
        rights.verification = fields.flag("account_code_verification")
        if not rights.verification and not of_user:
            fields.wrong(
                "account_code_verification",
                "can be switched off for a user only",
                "leave it out here: rights only add up",
            )
    rights.view_codes = fields.flag("view_account_codes")
    people = {*names.users, *names.workgroups}
    rights.modify_queue = _listed(
        fields, "modify_queue", lambda text: one_of(text, "user or workgroup", people)
    )
    rights.correct_records = fields.flag("correct_records")
    rights.view_reports = fields.choice("view_reports", ("viewable", "all"), "")
    rights.administer = _listed(fields, "administer", _administered)
    rights.codes = _listed(holder, "access", lambda text: known_code(text, names.codes))
    if "classifications" in holder:
        rights.classifications = frozenset(
            entry.parsed(lambda text: one_of(text, "classification", names.classifications), "")
            for entry in holder.items("classifications")
        )
    return rights


def _listed(fields: Fields, name: str, parse: Callable[[str], str]) -> frozenset[str]:
    """A list of names, or ``"*"`` for all."""
    found = set()
    for entry in fields.items(name):
        text = entry.parsed(lambda text: ALL if text == ALL else parse(text), "")
        if text in found and text:
            entry.wrong(f'"{text}" is given twice', "remove one")
        found.add(text)
    return frozenset(found)


def _named(fields: Fields, name: str, noun: str, known: Collection[str]) -> tuple[str, ...]:
    found: list[str] = []
    for entry in fields.items(name):
        text = entry.parsed(lambda text: one_of(text, noun, known), "")
        if text in found and text:
            entry.wrong(f'"{text}" is given twice', "remove one")
        elif text:
            found.append(text)
    return tuple(found)


def known_code(text: str, known: Collection[str]) -> str:
    if text in known:
        return text
    if text.lower() == "all":
        raise Wrong('"all" is not a code', 'write "*" for all codes, with the quotes')
    # Codes that look alike are no hint: 0214 and 214 are two codes.
    raise Wrong(f'there is no code "{text}"', "codes are compared digit by digit, zeros included")


def _administered(text: str) -> str:
    if text not in ADMINISTERED:
        raise Wrong(f'"{text}" is not a kind of entry', meant(text, ADMINISTERED))
    return text


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise Wrong(f'"{text}" is not a number', "digits, with + in front if it is international")
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise Wrong(f'"{text}" is not a prefix', "1 to 16 of the digits 0 to 9, * and #")
    return text


def check_name(name: str, value: Value) -> None:
    if not name.strip() or name != name.strip() or len(name) > 64 or name == ALL:
        value.wrong(f'"{name}" is not a name', "1 to 64 characters, no blanks at its ends")

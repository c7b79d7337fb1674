"""Entries of the directory as people read them: lists, one entry, a user's effective rights."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tollbar.commands import display
from tollbar.commands.settings import CommandError
from tollbar.directory.assembly import tenants
from tollbar.directory.entry import Entry
from tollbar.gateway import Gateway
from tollbar.policy import finding
from tollbar.policy.number import normalise
from tollbar.policy.rights import Grant, Holders, User

_COLUMNS: Final = {
    finding.CODE: ("description", "active", "valid_from", "valid_until", "attributes"),
    finding.USER: ("name", "extensions", "numbers", "workgroups", "roles", "access"),
    finding.ROLE: ("description", "rights", "access"),
    finding.WORKGROUP: ("description", "prefix", "roles", "rights", "access"),
    finding.DIAL_OBJECT: (
        *("classification", "account_code_verification", "standardized", "dial_string"),
        *("dial_groups", "description"),
    ),
}
_TITLES: Final = {"account_code_verification": "Asks", "dial_groups": "Groups"}
_RIGHTS: Final = {
    "verification": "account_code_verification",
    "view_codes": "view_account_codes",
    "codes": "access",
}


def rows(kind: str, entries: Iterable[Entry]) -> tuple[Sequence[str], Iterator[Sequence[str]]]:
    """Headings and lines of a list."""
    columns = _COLUMNS[kind]
    titles = [_TITLES.get(name, name.replace("_", " ").capitalize()) for name in columns]
    heading = kind.replace("_", " ").capitalize()
    return [heading, *titles], (_row(kind, columns, entry) for entry in entries)


def _row(kind: str, columns: Sequence[str], entry: Entry) -> Sequence[str]:
    words = json.loads(entry.body)
    if kind == finding.CODE:
        words.setdefault("active", True)
    return [entry.key, *(shown(words.get(name, "")) for name in columns)]


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}={shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return str(value)


def today(gateway: Gateway) -> date:
    return datetime.now(ZoneInfo(gateway.timezone)).date()


def usable(entries: Iterable[Entry], day: date) -> Iterator[Entry]:
    """The codes that are active and within their days of validity."""
    text = day.isoformat()
    for entry in entries:
        words = json.loads(entry.body)
        begun = words.get("valid_from", text) <= text <= words.get("valid_until", text)
        if words.get("active", True) and begun:
            yield entry


def show(entry: Entry) -> None:
    """One entry, a line for each of its values."""
    words = {entry.kind: entry.key, **json.loads(entry.body), "version": entry.version}
    for name, value in _flat(words):
        print(display.clean(f"{name}: {value}"))


def _flat(words: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        if isinstance(value, dict):
            prefix = "" if name == "rights" else f"{name}."
            yield from ((f"{prefix}{key}", shown(inner)) for key, inner in value.items())
        else:
            yield name.replace("dial_object", "key"), shown(value)


def show_user(entries: Sequence[Entry], named: str, as_json: bool) -> int:
    """A user by name, extension or number, and where each of his rights comes from."""
    found = tenants(entries)
    (tenant,) = found.values() if found else (None,)
    user = _user(tenant.users, named) if tenant is not None else None
    if tenant is None or user is None:
        raise CommandError(f"there is no user {named}, and none with this extension or number")
    holders = Holders(tenant.default_user, tenant.roles, tenant.workgroups, {})
    grants = holders.grants(user)
    entry = next(e for e in entries if (e.kind, e.key) == (finding.USER, user.name))
    if as_json:
        effective = [
            {"right": _right(grant), "value": grant.value, "from": grant.source or "user"}
            for grant in grants
        ]
        words = json.loads(entry.body)
        display.json_line(
            {"user": user.name, **words, "version": entry.version, "effective": effective}
        )
        return 0
    show(entry)
    print()
    cells = [(_right(grant), grant.value, _source(grant)) for grant in grants]
    display.table(("Effective right", "Value", "Where it comes from"), cells)
    return 0


def _user(users: Sequence[User], named: str) -> User | None:
    for user in users:
        if user.name == named:
            return user
    number = normalise(named)
    for user in users:
        if number and number in map(normalise, (*user.extensions, *user.numbers)):
            return user
    return None


def _right(grant: Grant) -> str:
    return _RIGHTS.get(grant.right, grant.right)


def _source(grant: Grant) -> str:
    return f"inherited from {grant.source}" if grant.source else "the user's own"

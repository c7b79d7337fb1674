"""Entries made from kept bodies, which were checked before they were kept.

Fast, because there can be a hundred thousand; names are not looked up here, compiling does
that. It must never let a body through that this program would not have written: ``Wrong``.
"""

from datetime import date
from typing import Any, Final

from tollbar.finding import Wrong
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.rights import Rights, Role, User, Workgroup

_GRANTS: Final = frozenset(("rights", "access", "classifications"))
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
_CODE: Final = frozenset(("description", "active", "valid_from", "valid_until", "attributes"))
_ROLE: Final = _GRANTS | {"description"}
_WORKGROUP: Final = _GRANTS | {"description", "roles", "prefix"}
_USER: Final = _GRANTS | {
    "name",
    "extensions",
    "numbers",
    "location",
    "workgroups",
    "roles",
    "default_code",
}
_OBJECT: Final = frozenset(
    (
        "pattern",
        "list",
        "location",
        "standardized",
        "dial_string",
        "display",
        "classification",
        "description",
        "account_code_verification",
        "dial_groups",
        "allow_bypass",
        "shadow",
    )
)
_GROUP: Final = frozenset(("group", "location", "classification", "dial_string"))


def held_code(key: str, words: Any) -> Code:
    _check(words, _CODE)
    attributes = words.get("attributes")
    return Code(
        key,
        _text(words, "description"),
        _flag(words, "active", True),
        _day(words, "valid_from"),
        _day(words, "valid_until"),
        {} if attributes is None else _checked_texts(attributes),
    )


def held_default_user(words: Any) -> Rights:
    _check(words, _GRANTS)
    return _rights(words)


def held_role(key: str, words: Any) -> Role:
    _check(words, _ROLE)
    return Role(key, _rights(words), _text(words, "description"))


def held_workgroup(key: str, words: Any) -> Workgroup:
    _check(words, _WORKGROUP)
    return Workgroup(
        key,
        _rights(words),
        _texts(words, "roles"),
        _text(words, "description"),
        _text(words, "prefix"),
    )


def held_user(key: str, words: Any) -> User:
    _check(words, _USER)
    return User(
        key,
        _text(words, "name"),
        _texts(words, "extensions"),
        _texts(words, "numbers"),
        _text(words, "location"),
        _rights(words),
        _texts(words, "roles"),
        _texts(words, "workgroups"),
        _text(words, "default_code"),
    )


def held_dial_object(key: str, words: Any) -> DialObject:
    _check(words, _OBJECT)
    groups = words.get("dial_groups", ())
    if type(groups) is not list and groups:
        raise Wrong('"dial_groups" is not a list')
    found = DialObject(
        _text(words, "pattern"),
        _text(words, "classification"),
        _text(words, "list"),
        _text(words, "location"),
        _text(words, "standardized"),
        _text(words, "dial_string"),
        _text(words, "display"),
        _text(words, "description"),
        _flag(words, "account_code_verification"),
        tuple(map(_group, groups)),
        _text(words, "allow_bypass"),
        _flag(words, "shadow"),
    )
    if found.key != key:
        raise Wrong(f'says that it is "{found.key}"')
    return found


def held_number_list(words: Any) -> tuple[str, ...]:
    if type(words) is not list or not _all_texts(words):
        raise Wrong("is not a list of texts")
    return tuple(words)


def held_text(words: Any) -> str:
    if type(words) is not str:
        raise Wrong("is not a text")
    return words


def _group(words: Any) -> GroupUse:
    if type(words) is str:
        return GroupUse(words)
    _check(words, _GROUP)
    return GroupUse(*(_text(words, name) for name in GroupUse.__slots__))


def _rights(words: dict[str, Any]) -> Rights:
    rights = Rights()
    if "access" in words:
        rights.codes = frozenset(_texts(words, "access"))
    if "classifications" in words:
        rights.classifications = frozenset(_texts(words, "classifications"))
    if "rights" in words:
        granted = words["rights"]
        _check(granted, _RIGHTS)
        if "account_code_verification" in granted:
            rights.verification = _flag(granted, "account_code_verification")
        rights.view_codes = _flag(granted, "view_account_codes")
        rights.modify_queue = frozenset(_texts(granted, "modify_queue"))
        rights.correct_records = _flag(granted, "correct_records")
        rights.view_reports = _text(granted, "view_reports")
        rights.administer = frozenset(_texts(granted, "administer"))
    return rights


def _check(words: Any, known: frozenset[str]) -> None:
    if type(words) is not dict:
        raise Wrong("is not a mapping")
    if not known.issuperset(words):
        raise Wrong(f'has a key "{min(words.keys() - known)}"')


def _text(words: dict[str, Any], name: str) -> str:
    value = words.get(name, "")
    if type(value) is not str:
        raise Wrong(f'"{name}" is not a text')
    return value


def _texts(words: dict[str, Any], name: str) -> tuple[str, ...]:
    value = words.get(name)
    if value is None:
        return ()
    if type(value) is str:
        return (value,)
    if type(value) is not list or not _all_texts(value):
        raise Wrong(f'"{name}" is not a list of texts')
    return tuple(value)


def _flag(words: dict[str, Any], name: str, default: bool = False) -> bool:
    value = words.get(name, default)
    if type(value) is not bool:
        raise Wrong(f'"{name}" is neither true nor false')
    return value


def _day(words: dict[str, Any], name: str) -> date | None:
    text = _text(words, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong(f'"{name}" is not a day') from None


def _all_texts(values: list[Any]) -> bool:
    return all(type(value) is str for value in values)


def _checked_texts(attributes: Any) -> dict[str, str]:
    if type(attributes) is not dict or not _all_texts(list(attributes.values())):
        raise Wrong('"attributes" is not a mapping to texts')
    return attributes

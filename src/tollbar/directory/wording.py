"""The directory's entries in the words of directory.yaml, as plain texts, lists and mappings.

What has its default is left out, and what has no order is sorted, so that one entry has one
wording. It must never lose anything: ``holding`` makes the same entry of it again.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.rights import ALL, Rights, Role, User, Workgroup

Words = dict[str, Any]

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def body(words: object) -> str:
    """The canonical text of a wording, as it is kept and compared."""
    return _ENCODER.encode(words)


def code_words(code: Code) -> Words:
    words = _said(description=code.description)
    if not code.active:
        words["active"] = False
    if code.valid_from is not None:
        words["valid_from"] = code.valid_from.isoformat()
    if code.valid_until is not None:
        words["valid_until"] = code.valid_until.isoformat()
    if code.attributes:
        words["attributes"] = dict(code.attributes)
    return words


def default_user_words(rights: Rights) -> Words:
    return _rights(rights)


def role_words(role: Role) -> Words:
    return _said(description=role.description) | _rights(role.rights)


def workgroup_words(group: Workgroup) -> Words:
    words = _said(description=group.description, prefix=group.prefix, roles=group.roles)
    return words | _rights(group.rights)


def user_words(user: User) -> Words:
    words = _said(
        name=user.display,
        extensions=user.extensions,
        numbers=user.numbers,
        location=user.location,
        workgroups=user.workgroups,
        roles=user.roles,
        default_code=user.default_code,
    )
    return words | _rights(user.rights)


def dial_object_words(entry: DialObject) -> Words:
    words = _said(
        description=entry.description,
        pattern=entry.pattern,
        list=entry.list_name,
        location=entry.location,
        standardized=entry.standardized,
        dial_string=entry.dial_string,
        display=entry.display,
        classification=entry.classification,
    )
    if entry.verification:
        words["account_code_verification"] = True
    if entry.groups:
        words["dial_groups"] = [_group(use) for use in entry.groups]
    if entry.allow_bypass:
        words["allow_bypass"] = entry.allow_bypass
    if entry.shadow:
        words["shadow"] = True
    return words


def _group(use: GroupUse) -> str | Words:
    more = _said(
        location=use.location, classification=use.classification, dial_string=use.dial_string
    )
    return {"group": use.group, **more} if more else use.group


def _rights(rights: Rights) -> Words:
    granted: Words = {}
    if rights.verification is not None:
        granted["account_code_verification"] = rights.verification
    if rights.view_codes:
        granted["view_account_codes"] = True
    if rights.modify_queue:
        granted["modify_queue"] = _listed(rights.modify_queue)
    if rights.correct_records:
        granted["correct_records"] = True
    if rights.view_reports:
        granted["view_reports"] = rights.view_reports
    if rights.administer:
        granted["administer"] = _listed(rights.administer)
    words: Words = {"rights": granted} if granted else {}
    if rights.codes:
        words["access"] = _listed(rights.codes)
    if rights.classifications is not None:
        words["classifications"] = sorted(rights.classifications)
    return words


def _listed(names: Collection[str]) -> str | list[str]:
    return ALL if len(names) == 1 and ALL in names else sorted(names)


def _said(**words: str | Sequence[str]) -> Words:
    return {
        key: value if isinstance(value, str) else list(value)
        for key, value in words.items()
        if value
    }

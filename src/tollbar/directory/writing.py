"""The model written as directory.yaml, for people to read and for ``reading`` to read again.

Texts that YAML, or another program's idea of YAML, could take for something else are quoted;
codes always are. It must never write what reads back as anything but the same directory.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tollbar.directory import wording
from tollbar.directory.model import DEFAULT_TENANT
from tollbar.directory.wording import Words
from tollbar.policy.dialplan import DialObject
from tollbar.policy.settings import Tenant

# What needs no quotes anywhere: a word, or words, that no YAML takes for something else.
_PLAIN: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./+$()*-]| (?=[^ #]))*")
_WORDS: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
_ABOVE: Final = re.compile("[\U00010000-\U0010ffff]")
_WIDTH: Final = 100

_ORDER: Final = (
    "group",
    "description",
    "name",
    "pattern",
    "list",
    "location",
    "extensions",
    "numbers",
    "standardized",
    "dial_string",
    "display",
    "classification",
    "prefix",
    "workgroups",
    "roles",
    "default_code",
    "account_code_verification",
    "active",
    "valid_from",
    "valid_until",
    "rights",
    "access",
    "classifications",
    "dial_groups",
    "allow_bypass",
    "shadow",
    "attributes",
    # Of rights only; what stands elsewhere too is above.
    "view_account_codes",
    "modify_queue",
    "correct_records",
    "view_reports",
    "administer",
)
_RANK: Final = {name: number for number, name in enumerate(_ORDER)}


def write_directory(tenants: Mapping[str, Tenant]) -> Iterator[str]:
    """The lines of the file. One tenant, named by default, stands without its name."""
    if list(tenants) == [DEFAULT_TENANT]:
        yield from _tenant(tenants[DEFAULT_TENANT], "")
        return
    if not tenants:
        yield "tenants: {}"
        return
    yield "tenants:"
    for name in sorted(tenants):
        lines = list(_tenant(tenants[name], "    "))
        yield f"  {_text(name)}:" if lines else f"  {_text(name)}: {{}}"
        yield from lines


def _tenant(tenant: Tenant, indent: str) -> Iterator[str]:
    default_user = wording.default_user_words(tenant.default_user)
    if default_user:
        yield f"{indent}default_user:"
        yield from _fields(default_user, f"{indent}  ")
    roles = {role.name: wording.role_words(role) for role in tenant.roles}
    yield from _section("roles", roles, indent)
    groups = {group.name: wording.workgroup_words(group) for group in tenant.workgroups}
    yield from _section("workgroups", groups, indent)
    users = {user.name: wording.user_words(user) for user in tenant.users}
    yield from _section("users", users, indent)
    if tenant.codes:
        yield f"{indent}codes:"
        for code in sorted(tenant.codes, key=lambda code: code.code):
            words = wording.code_words(code)
            plain = words.get("description", "") if words.keys() <= {"description"} else None
            yield from _pair(_quoted(code.code), words if plain is None else plain, f"{indent}  ")
    yield from _section("number_lists", {name: list(n) for name, n in tenant.lists.items()}, indent)
    yield from _section("classifications", dict(tenant.classifications), indent)
    if tenant.far_end:
        yield f"{indent}far_end:"
        for pattern, billed in tenant.far_end.items():
            yield f"{indent}  {_quoted(pattern)}: {_quoted(billed)}"
    if tenant.dial_plan:
        yield f"{indent}dial_plan:"
        for words in _destinations(tenant.dial_plan):
            lines = _fields(words, f"{indent}    ")
            yield f"{indent}  - {next(lines).lstrip()}"
            yield from lines


def _section(name: str, entries: Mapping[str, Any], indent: str) -> Iterator[str]:
    if entries:
        yield f"{indent}{name}:"
        for key in sorted(entries):
            yield from _pair(_text(key), entries[key], f"{indent}  ")


def _destinations(plan: Sequence[DialObject]) -> Iterator[Words]:
    """Entries of the plan: neighbours that differ in nothing but the pattern are one."""
    spellings: list[str] = []
    for place, entry in enumerate(plan):
        spellings.append(entry.pattern)
        following = plan[place + 1] if place + 1 < len(plan) else None
        if following is not None and replace(following, pattern=entry.pattern) == entry:
            continue
        words = wording.dial_object_words(entry)
        if len(spellings) > 1:
            words["pattern"] = spellings
        yield words
        spellings = []


def _fields(words: Words, indent: str) -> Iterator[str]:
    for key in sorted(words, key=_RANK.__getitem__):
        yield from _pair(key, words[key], indent)


def _pair(key: str, value: Any, indent: str) -> Iterator[str]:
    """One ``key: value``: on one line where it fits, else a line for each part."""
    line = f"{indent}{key}: {_inline(value)}"
    if not value or isinstance(value, str | bool) or (len(line) <= _WIDTH and _flat(value)):
        yield line
        return
    yield f"{indent}{key}:"
    if isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                lines = _fields(entry, f"{indent}    ")
                yield f"{indent}  - {next(lines).lstrip()}"
                yield from lines
            else:
                yield f"{indent}  - {_inline(entry)}"
    elif value.keys() <= _RANK.keys():
        yield from _fields(value, f"{indent}  ")
    else:
        for name in sorted(value):
            yield from _pair(_text(name), value[name], f"{indent}  ")


def _flat(value: Any) -> bool:
    """Whether it reads well on one line: a list of texts, or what has no list within."""
    parts = value if isinstance(value, list) else value.values()
    return all(isinstance(part, str | bool) for part in parts)


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    order = sorted(value, key=lambda key: (_RANK.get(key, 0), key))
    return f"{{{', '.join(f'{_text(key)}: {_inline(value[key])}' for key in order)}}}"


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    escaped = _ESCAPED.sub(_escape, text)
    return f'"{_ABOVE.sub(_escape_long, escaped)}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"


def _escape_long(found: re.Match[str]) -> str:
    return found[0] if ord(found[0]) & 0xFFFE != 0xFFFE else f"\\U{ord(found[0]):08x}"

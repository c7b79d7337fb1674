"""A change of the directory in one line for people.

Account codes stand in it: it is for whoever administers them, never for a log.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from tollbar.directory.difference import Change
from tollbar.directory.model import DEFAULT_TENANT
from tollbar.policy import finding

# A value of the first is the entry's own description in a few words.
_SUMMARY: Final = ("description", "name")
_OMITTED: Final = ("description", "name", "pattern", "list", "location")


def told(change: Change) -> str:
    """``+ code 4712 Miller estate``, ``~ user bob access: 4711 -> 4711, 0815``, ``- role x``."""
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    tenant = "" if change.tenant == DEFAULT_TENANT else f"{change.tenant}: "
    line = f"{sign} {tenant}{change.kind.replace('_', ' ')} {change.key}".rstrip()
    if change.before is None or change.after is None:
        words = json.loads(change.after or change.before or "{}")
        return " ".join(part for part in (line, _summary(change.kind, words)) if part)
    if change.before == change.after:
        return f"{line} moved"
    return f"{line} {'; '.join(_compared(json.loads(change.before), json.loads(change.after)))}"


def _summary(kind: str, words: Any) -> str:
    if not isinstance(words, dict):
        return _shown(words)
    flat = dict(_flat(words))
    if kind == finding.CODE and words.get("active") is False:
        flat["active"] = "false"
    said = [flat[name] for name in _SUMMARY if name in flat]
    more = [f"{name}: {value}" for name, value in flat.items() if name not in _OMITTED]
    return " ".join(part for part in (*said, "; ".join(more)) if part)


def _compared(before: Any, after: Any) -> Iterator[str]:
    """Each value that is not the same: ``access: 4711 -> 4711, 0815``."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield f"{_shown(before)} -> {_shown(after)}"
        return
    was, now = dict(_flat(before)), dict(_flat(after))
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield f"{name}: {was.get(name, 'none')} -> {now.get(name, 'none')}"


def _flat(words: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        if name == "rights":
            yield from _flat(value)
        elif name == "attributes":
            for key, text in value.items():
                yield f"attributes.{key}", text
        else:
            yield name, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or "nothing"
    return json.dumps(value, ensure_ascii=False)

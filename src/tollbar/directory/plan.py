"""The dial plan as directory.yaml writes it, and what belongs to it: number lists,
classifications of one's own, the codes of far ends.

What a pattern means, and what two of them mean together, is policy's to say.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tollbar.directory.holders import Names, check_name, known_code
from tollbar.document import Value, Wrong, one_of
from tollbar.policy.dialplan import CATEGORIES, DialObject, GroupUse, locations

_LIST_ENTRY: Final = re.compile(r"[0-9]{1,32}")
_LONGEST_PATTERN: Final = 400
_LONGEST_LOCATION: Final = 128
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_number_list(name: str, value: Value) -> tuple[str, ...]:
    check_name(name, value)
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


def read_classification(name: str, value: Value) -> str:
    if name in CATEGORIES:
        value.wrong("is a classification already", "choose a name of your own")
    elif not _WORD.fullmatch(name):
        value.wrong(f'"{name}" is not a name', "small letters, digits and _")
    return value.choice(CATEGORIES)


def read_far_end(pattern: str, value: Value, names: Names) -> str:
    if not pattern.strip() or len(pattern) > _LONGEST_PATTERN:
        what = f"a pattern has 1 to {_LONGEST_PATTERN} characters"
        value.wrong(what, "the number of the far end")
    return value.parsed(lambda text: known_code(text, names.codes), "")


def read_dial_objects(value: Value, names: Names) -> Iterator[tuple[DialObject, Value]]:
    """One entry; it makes an object for each of its patterns, all else being the same."""
    fields = value.fields(
        "pattern list location standardized dial_string display classification description "
        "account_code_verification dial_groups allow_bypass shadow",
        {
            "pattern": 'the dialled number, as in pattern: "NXXNXXXXXX"',
            "classification": f"one of {', '.join(CATEGORIES)}",
        },
    )
    reason = fields.text("allow_bypass")
    if "allow_bypass" in fields and not reason.strip():
        fields.wrong("allow_bypass", "wants the reason why", "a sentence for whoever asks")

    def classification(text: str) -> str:
        return one_of(text, "classification", names.classifications)

    sample = DialObject(
        "",
        fields.parsed("classification", classification, ""),
        list_name=fields.parsed("list", lambda text: one_of(text, "number list", names.lists), ""),
        location=fields.parsed("location", _filter, ""),
        standardized=fields.text("standardized"),
        dial_string=fields.text("dial_string"),
        display=fields.text("display"),
        description=fields.text("description"),
        verification=fields.flag("account_code_verification"),
        groups=tuple(_group(entry, names) for entry in fields.items("dial_groups")),
        allow_bypass=reason,
        shadow=fields.flag("shadow"),
    )
    patterns = fields.items("pattern")
    if "pattern" in fields and not patterns:
        fields.wrong("pattern", "has no value", "Z is every number")
    for entry in patterns:
        pattern = entry.parsed(_pattern, "")
        yield replace(sample, pattern=pattern), entry


def _pattern(text: str) -> str:
    if not text:
        raise Wrong("is empty", "Z is every number")
    return _short(text, _LONGEST_PATTERN)


def _filter(text: str) -> str:
    if text and not locations(text):
        raise Wrong(f'"{text}" names no place', "leave it out for everywhere")
    return _short(text, _LONGEST_LOCATION)


def _short(text: str, longest: int) -> str:
    if len(text) > longest:
        raise Wrong(f"is {len(text)} characters long", f"at most {longest}")
    return text


def _group(value: Value, names: Names) -> GroupUse:
    if value.kind == "a text":
        return GroupUse(value.text())
    fields = value.fields(
        "group location classification dial_string",
        {"group": "the name of a dial group in gateway.yaml"},
    )
    return GroupUse(
        fields.text("group"),
        fields.parsed("location", _filter, ""),
        fields.parsed(
            "classification", lambda text: one_of(text, "classification", names.classifications), ""
        ),
        fields.text("dial_string"),
    )

"""An account code as directory.yaml writes it. It must never turn one into a number."""

import re
from datetime import date
from typing import Final

from tollbar.directory.holders import check_name
from tollbar.document import Value, Wrong
from tollbar.policy.account import LONGEST_DESCRIPTION, Code

_CODE: Final = re.compile(r"[0-9]{1,50}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_code(name: str, value: Value) -> Code:
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
    attributes = {key: _attribute(key, v) for key, v in fields.entries("attributes")}
    code.attributes = {key: text for key, text in attributes.items() if text}
    return code


def _attribute(key: str, value: Value) -> str:
    check_name(key, value)
    return value.text()


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

"""Another code for a record that is there already: what the clerk found wrong after the call.

One transaction: the record, what it was in its own ``code_changes``, and the audit beside it.
Who may do it, and whether the code is known, is asked before, by whoever calls. It must never
change anything else of a record, nor one that somebody else changed since it was read.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlalchemy import update

from tollbar.cdr.record import Record, compact, with_change
from tollbar.policy.account import Code
from tollbar.store import audit
from tollbar.store.audit import AuditLine
from tollbar.store.database import Database
from tollbar.store.errors import StoreError
from tollbar.store.schema import record

SOURCE: Final = "correction"
"""The ``code_source`` of such a code."""

_CHANGED: Final = (
    "account_code",
    "account_code_description",
    "code_source",
    "code_changes",
    "in_report",
)


def correct(
    database: Database,
    found: Record,
    code: Code | None,
    who: str,
    reason: str = "",
    utc: Callable[[], float] = time.time,
) -> Record:
    """Give ``found``, as it was read, this code (None: none); the record as it is now.

    Raises StoreError: it has that code already, or it is not as it was read any more."""
    at = round(utc() * 1000)
    after = corrected(found, code, who, reason, at)
    if after.account_code == found.account_code:
        raise StoreError(f"record {found.record_id} has that account code already")
    values = {name: getattr(after, name) for name in _CHANGED}
    values["in_report"] = int(after.in_report)
    changed = (
        update(record)
        .where(
            record.c.tenant == found.tenant,
            record.c.record_id == found.record_id,
            # Every change is in here, so this says whether there was one since.
            record.c.code_changes == found.code_changes,
        )
        .values(**values)
    )
    line = AuditLine(
        found.tenant,
        who,
        audit.CORRECT,
        found.kind,
        found.record_id,
        _body(found),
        _body(after, reason),
    )
    with database.writing() as connection:
        if connection.execute(changed).rowcount != 1:
            raise StoreError(
                f"record {found.record_id} was changed by somebody else meanwhile; look again"
            )
        audit.write(database, connection, [line], at)
    return after


def corrected(found: Record, code: Code | None, who: str, reason: str, at: int) -> Record:
    """``found`` with another code."""
    given = "" if code is None else code.code
    took_place = found.placed or (found.kind != "call" and found.outcome != "refused")
    return replace(
        found,
        account_code=given,
        account_code_description="" if code is None else code.description,
        code_source="" if code is None else SOURCE,
        code_changes=with_change(
            found.code_changes, at, who, found.account_code, given, SOURCE, reason=reason
        ),
        in_report=took_place and code is not None,
    )


def _body(about: Record, reason: str = "") -> str:
    body = {
        "account_code": about.account_code,
        "account_code_description": about.account_code_description,
        "in_report": about.in_report,
    }
    return compact({**body, "reason": reason} if reason else body)

"""Reports from records in memory, slow and obvious: what the store's reports are compared to."""

from collections.abc import Iterable
from datetime import datetime, tzinfo

from tollbar.cdr.record import Record
from tollbar.cdr.report import DETAIL_ORDER, GROUPS, Summary


def value(record: Record, key: str, zone: tzinfo) -> str:
    if key == "date":
        return datetime.fromtimestamp(record.dated / 1000, zone).date().isoformat()
    return str(getattr(record, key))


def groups(records: Iterable[Record], by: str, zone: tzinfo) -> list[Summary]:
    """``records`` come in the order they arrived in."""
    keys = GROUPS[by]
    found: dict[tuple[str, ...], list[Record]] = {}
    names: dict[str, str] = {}
    for record in records:
        found.setdefault(tuple(value(record, key, zone) for key in keys), []).append(record)
        names[record.account_code] = record.account_code_description
    rows = []
    for place, calls in sorted(found.items()):
        told = dict(zip(keys, place, strict=True))
        row = Summary(**told)  # type: ignore[arg-type]
        row.description = names[told["account_code"]] if "account_code" in told else ""
        row.attempts = len(calls)
        row.answered = sum(call.answer is not None for call in calls)
        row.billable_ms = sum(call.billable_ms for call in calls)
        rows.append(row)
    return rows


def details(records: Iterable[Record], by: str) -> list[str]:
    """The ids of the records in the order of the detail."""
    numbered = enumerate(records)
    order = sorted(
        (*(getattr(r, key) for key in DETAIL_ORDER[by]), r.dated, number, r.record_id)
        for number, r in numbered
    )
    return [place[-1] for place in order]

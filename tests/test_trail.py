"""The audit of a running gateway: what becomes a line, and what while it cannot be written."""

import asyncio

import pytest
from tests.facts import Story

from tollbar import trail as trails
from tollbar.b2bua.facts import Noticed
from tollbar.cdr.record import Record
from tollbar.store.audit import AuditLine
from tollbar.store.errors import StoreError
from tollbar.trail import Trail


class Book:
    """An audit that can be away."""

    def __init__(self) -> None:
        self.lines: list[AuditLine] = []
        self.away = False

    def append(self, lines: list[AuditLine]) -> None:
        if self.away:
            raise StoreError("away")
        self.lines += lines


def notice(kind: str, holder: tuple[str, str], by: str = "") -> Noticed:
    fact = Story().noticed(kind, detail="caller=1001", peer="pbx")
    fact.holder, fact.by = holder, by
    return fact


def told(book: Book) -> list[tuple[str, ...]]:
    return [(n.tenant, n.who, n.action, n.kind, n.key, n.before, n.after) for n in book.lines]


def test_what_is_audited() -> None:
    book, story = Book(), Story()
    trail = Trail(book.append)
    record = Record("id", tenant="office", account_code="001")
    trail.fold(story.assigned("id", "4711"), record)
    trail.fold(story.assigned("id", "99", refused="retired"), record)
    trail.fold(story.assigned("gone", "99"), None)
    trail.fold(notice("guessing_lock", ("office", "alice")), None)
    trail.fold(notice("guessing_alarm", ("", "pbx")), None)
    trail.fold(notice("guessing_lifted", ("office", "alice"), by="root"), None)
    trail.fold(notice("malformed", ("", "")), None)
    trail.write()
    assert told(book) == [
        ("office", "alice", "assign", "call", "id", "001", "4711"),
        ("office", "alice", "refuse", "call", "id", "001", "99"),
        ("office", "gateway", "lock", "caller", "alice", "", ""),
        ("", "gateway", "alarm", "peer", "pbx", "", ""),
        ("office", "root", "lift", "caller", "alice", "", ""),
    ]


async def test_what_waits_is_written_later_in_order_and_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trails, "MOST", 3)
    book = Book()
    book.away = True
    trail = Trail(book.append)
    for name in "abcde":
        trail.fold(notice("guessing_lock", ("office", name)), None)
        trail.flush(asyncio.get_running_loop())
    await trail.finish()
    assert book.lines == []
    book.away = False
    await trail.finish()
    assert [line.key for line in book.lines] == ["a", "b", "c"]
    assert trail.dropped == 2

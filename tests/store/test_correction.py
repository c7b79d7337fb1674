"""Corrections on both databases: the record, its past, the audit; one at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from tests.cdr.story import record
from tests.store.test_report import DatabaseOffice, LocalOffice

from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record
from tollbar.cdr.report import BY_CODE
from tollbar.policy.account import Code
from tollbar.store import correction
from tollbar.store.audit import CORRECT, Audit
from tollbar.store.correction import correct
from tollbar.store.database import Database
from tollbar.store.errors import StoreError
from tollbar.store.records import Records
from tollbar.store.report import Report

NOW = 1_800_000_000.0
SMITH = Code("0214", "Smith estate")
JONES = Code("1", "Jönes")


class Desk:
    """A database whose records are corrected."""

    def __init__(self, office: LocalOffice | DatabaseOffice) -> None:
        self.office = office
        self.database = Database(office.records.url)

    @property
    def records(self) -> Records:
        return self.office.records

    def keep(self, *records: Record) -> None:
        self.office.keep(records)

    def correct(self, code: Code | None, who: str = "alice", reason: str = "") -> Record:
        (found,) = self.records.find()
        return correct(self.database, found, code, who, reason, lambda: NOW)

    def close(self) -> None:
        self.database.close()
        self.office.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    office: LocalOffice | DatabaseOffice
    if request.param == "sqlite":
        office = LocalOffice(tmp_path)
    else:
        office = DatabaseOffice(tmp_path, request.getfixturevalue("postgres_url"))
    desk = Desk(office)
    yield desk
    desk.close()


def untagged(**other: Any) -> Record:
    return record(
        account_code="", account_code_description="", code_source="", in_report=False, **other
    )


def test_a_code_is_added_and_the_call_is_in_the_report(desk: Desk) -> None:
    before = untagged()
    desk.keep(before)
    after = desk.correct(SMITH, reason="told by Smith")
    (found,) = desk.records.find()
    assert found == after
    assert (found.account_code, found.account_code_description) == ("0214", "Smith estate")
    assert (found.code_source, found.in_report) == ("correction", True)
    assert json.loads(found.code_changes) == [
        {
            "at": 1_800_000_000_000,
            "by": "alice",
            "from": "",
            "to": "0214",
            "source": "correction",
            "reason": "told by Smith",
        }
    ]
    report = Report(desk.records, "default", Filters(in_report=True))
    assert [row.account_code for row in report.groups(BY_CODE)] == ["0214"]


def test_a_code_is_changed_and_taken_away_and_its_past_stays(desk: Desk) -> None:
    desk.keep(record(code_changes='[{"at":1,"from":"","to":"1234"}]'))
    desk.correct(SMITH)
    after = desk.correct(None, who="bob")
    assert (after.account_code, after.account_code_description) == ("", "")
    assert (after.code_source, after.in_report) == ("", False)
    changes = [(c.get("by"), c["from"], c["to"]) for c in json.loads(after.code_changes)]
    assert changes == [(None, "", "1234"), ("alice", "1234", "0214"), ("bob", "0214", "")]
    lines = list(Audit(desk.database).lines(action=CORRECT))
    assert [(line.who, line.kind, line.at) for line in lines] == [
        ("bob", "call", 1_800_000_000_000),
        ("alice", "call", 1_800_000_000_000),
    ]
    assert {line.key for line in lines} == {after.record_id}
    assert [
        (json.loads(line.before)["account_code"], json.loads(line.after)["account_code"])
        for line in lines
    ] == [("0214", ""), ("1234", "0214")]
    assert json.loads(lines[-1].before)["account_code_description"] == "Smith"


def test_nothing_else_of_the_record_changes(desk: Desk) -> None:
    before = record(matrix_row=8, workgroup="litigation")
    desk.keep(before, record(2))
    (found, other) = desk.records.find()
    correct(desk.database, found, SMITH, "alice")
    after, untouched = desk.records.find()
    assert untouched == other
    for name in correction._CHANGED:
        setattr(after, name, getattr(before, name))
    assert after == before


@pytest.mark.parametrize(
    ("call", "in_report"),
    [
        (untagged(answer=None, outcome="no_answer"), True),
        (untagged(answer=None, outcome="refused", tries=0), False),
        (untagged(answer=None, outcome="failed", tries=0), False),
        (untagged(kind="email", tries=0), True),
        (untagged(direction="in"), True),
    ],
)
def test_only_what_took_place_is_in_the_report(desk: Desk, call: Record, in_report: bool) -> None:
    desk.keep(call)
    assert desk.correct(JONES).in_report is in_report
    assert next(desk.records.find()).in_report is in_report


def test_the_code_that_is_there_is_no_correction(desk: Desk) -> None:
    desk.keep(record(account_code="0214"))
    with pytest.raises(StoreError, match="already"):
        desk.correct(SMITH)
    assert list(Audit(desk.database).lines()) == []


def test_who_saw_it_as_it_was_is_told_that_it_is_not(desk: Desk) -> None:
    desk.keep(untagged())
    (seen,) = desk.records.find()
    correct(desk.database, seen, SMITH, "alice")
    correct(desk.database, next(desk.records.find()), None, "alice")  # as it was, but for its past
    with pytest.raises(StoreError, match="somebody else"):
        correct(desk.database, seen, JONES, "bob")
    assert next(desk.records.find()).account_code == ""


def test_of_two_at_once_one_wins_and_the_other_is_told(desk: Desk) -> None:
    desk.keep(untagged())
    for _ in range(15):
        (seen,) = desk.records.find()
        barrier, said = Barrier(2), dict[str, str]()

        def one(code: Code, seen: Record, barrier: Barrier, said: dict[str, str]) -> None:
            database = Database(desk.records.url)
            barrier.wait(30)
            try:
                correct(database, seen, code, code.code)
                said[code.code] = "corrected"
            except StoreError as error:
                said[code.code] = str(error)
            database.close()

        other = [code for code in (SMITH, JONES, Code("3")) if code.code != seen.account_code]
        threads = [Thread(target=one, args=(c, seen, barrier, said)) for c in other[:2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        (now,) = desk.records.find()
        assert said.pop(now.account_code) == "corrected"
        assert [text for text in said.values() if "somebody else" in text] == [*said.values()]
        assert len(said) == 1
    assert len(list(Audit(desk.database).lines())) == 15


def test_without_its_audit_there_is_no_correction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.keep(untagged())

    def full(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr("tollbar.store.audit.write", full)
    with pytest.raises(StoreError, match="full"):
        desk.correct(SMITH)
    assert next(desk.records.find()).account_code == ""

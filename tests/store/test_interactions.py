"""Interactions on queues: two files, one file, PostgreSQL; each ends with one record."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.store.directory_contract import Clock

from tollbar.cdr.interaction import Interaction
from tollbar.cdr.record import COLUMNS, Record, from_values
from tollbar.policy.account import Code, Codes
from tollbar.policy.rights import Effective, Rights, User
from tollbar.store import interactions as module
from tollbar.store import schema
from tollbar.store.audit import Audit
from tollbar.store.database import sqlite_url
from tollbar.store.databases import Databases, open_databases
from tollbar.store.errors import Refused, StoreError
from tollbar.store.interactions import Interactions, judged
from tollbar.store.local import LocalFile
from tollbar.store.records import Records

START = 1_700_000_000_000
KINDS = ["callback", "chat", "email"]


@pytest.fixture(params=["two files", "one file", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    url = ""
    if request.param == "one file":
        url = sqlite_url(tmp_path / "all.sqlite")
    elif request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    with closing(open_databases(tmp_path, url)) as databases:
        yield databases


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(databases: Databases, clock: Clock) -> Interactions:
    numbers = itertools.count(1)
    return Interactions(databases, lambda: f"{next(numbers):032x}", clock)


def new(kind: str = "chat", **other: str) -> Interaction:
    values = {"queue_kind": "user", "queue": "alice", "party": "bob@example.com", "source": "crm"}
    return Interaction("default", "", kind, **(values | other))  # type: ignore[arg-type]


def yes(found: Interaction, code: str) -> str:
    return ""


def no(found: Interaction, code: str) -> str:
    return "not_permitted"


def records(databases: Databases) -> list[Record]:
    columns = [schema.record.c[name] for name in COLUMNS]
    with databases.records.reading() as connection:
        rows = connection.execute(select(*columns).order_by(schema.record.c.record_id))
        return [from_values(row) for row in rows]


def audited(databases: Databases) -> list[str]:
    lines = reversed(list(Audit(databases.directory).lines()))
    return [f"{a.who} {a.action} {a.kind} {a.before}>{a.after}" for a in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_from_its_registration_to_its_record(
    store: Interactions, databases: Databases, clock: Clock, kind: str
) -> None:
    made = store.register(new(kind, queue_kind="workgroup", queue="litigation"), "crm")
    assert store.queue("default", "workgroup", "litigation") == [made]
    assert made.registered == START
    clock.now += 30
    store.answer("default", made.interaction_id, "alice")
    clock.now += 5
    store.assign("default", made.interaction_id, "0214", "alice", yes, description="Smith, Jönes")
    assert store.find("default", made.interaction_id) == Interaction(
        *("default", made.interaction_id, kind, "workgroup", "litigation", "in", "crm"),
        *("bob@example.com", "alice", "0214", "Smith, Jönes", "api"),
        code_changes='[{"at":1700000035000,"by":"alice","from":"","to":"0214","source":"api"}]',
        registered=START,
        answered=START + 30_000,
    )
    clock.now += 60
    ended = store.close("default", made.interaction_id, "alice")
    assert records(databases) == [ended]
    assert ended == Record(
        made.interaction_id,
        "default",
        "in",
        "crm",
        user="alice",
        workgroup="litigation",
        caller="bob@example.com",
        account_code="0214",
        account_code_description="Smith, Jönes",
        code_source="api",
        code_changes=ended.code_changes,
        outcome="answered",
        setup=START,
        answer=START + 30_000,
        end=START + 95_000,
        billable_ms=65_000,
        in_report=True,
        kind=kind,
    )
    assert store.queue("default", "workgroup", "litigation") == []
    assert audited(databases) == [
        f"crm register {kind} >workgroup litigation",
        f"alice answer {kind} >alice",
        f"alice assign {kind} >0214",
        f"alice close {kind} >answered",
    ]


def test_one_that_nobody_answered_is_no_longer_in_the_report(
    store: Interactions, databases: Databases
) -> None:
    made = store.register(new(direction="out"), "crm")
    store.close("default", made.interaction_id, "crm")
    (ended,) = records(databases)
    assert (ended.outcome, ended.answer, ended.billable_ms) == ("cancelled", None, 0)
    assert (ended.in_report, ended.user) == (False, "alice")
    assert (ended.caller, ended.dialled) == ("", "bob@example.com")


def test_a_queue_is_one_persons_or_groups_of_one_tenant(store: Interactions, clock: Clock) -> None:
    first = store.register(new("email"), "crm")
    clock.now += 1
    second = store.register(new("callback"), "crm")
    for other in ({"queue": "bob"}, {"queue_kind": "workgroup"}):
        store.register(new(**other), "crm")
    blue = new()
    blue.tenant = "blue"
    store.register(blue, "crm")
    assert store.queue("default", "user", "alice") == [first, second]
    assert len(store.queue("blue", "user", "alice")) == 1
    assert store.find("blue", first.interaction_id) is None


def test_there_is_one_code_which_is_changed_and_deleted(
    store: Interactions, databases: Databases
) -> None:
    made = store.register(new(), "crm")
    for code in ("1", "001", "001", ""):
        store.assign("default", made.interaction_id, code, "alice", yes, description="Smith")
    found = store.find("default", made.interaction_id)
    assert found is not None
    assert (found.account_code, found.account_code_description, found.code_source) == ("",) * 3
    changes = [(c["from"], c["to"]) for c in json.loads(found.code_changes)]
    assert changes == [("", "1"), ("1", "001"), ("001", "")]
    assert audited(databases)[1:] == [
        "alice assign chat >1",
        "alice assign chat 1>001",
        "alice assign chat 001>",
    ]
    assert not store.close("default", made.interaction_id, "alice").in_report


def test_who_may_not_changes_nothing_and_is_told_why(
    store: Interactions, databases: Databases
) -> None:
    made = store.register(new(), "crm")
    store.assign("default", made.interaction_id, "1", "alice", yes)
    asked = []

    def may(found: Interaction, code: str) -> str:
        asked.append((found.queue_kind, found.queue, found.account_code, code))
        return "not_your_queue"

    with pytest.raises(Refused, match="refused: needs the right modify queue") as error:
        store.assign("default", made.interaction_id, "9" * 1000, "eve", may)
    assert error.value.reason == "not_your_queue"
    assert asked == [("user", "alice", "1", "9" * 1000)]
    found = store.find("default", made.interaction_id)
    assert found is not None
    assert found.account_code == "1"
    tried = json.loads(found.code_changes)[-1]
    assert (tried["by"], tried["refused"], len(tried["to"])) == ("eve", "not_your_queue", 50)
    assert audited(databases)[-1] == "alice assign chat >1"


def rights(*workgroups: str, **other: object) -> Effective:
    granted = Rights(**({"verification": True, "codes": frozenset({"1", "2"})} | other))  # type: ignore[arg-type]
    return Effective(User("alice", workgroups=workgroups), [granted], {})


CODES = Codes([Code("1"), Code("2", active=False), Code("3")], UTC)
JUDGED = [
    (rights(), ("user", "alice"), "1", ""),
    (rights(), ("user", "alice"), "", ""),
    (rights(), ("user", "alice"), "2", "retired"),
    (rights(), ("user", "alice"), "3", "not_permitted"),
    (rights(), ("user", "alice"), "9", "unknown"),
    (rights(), ("user", "bob"), "1", "not_your_queue"),
    (rights(), ("workgroup", "alice"), "1", "not_your_queue"),
    (rights(), ("workgroup", "litigation"), "1", "not_your_queue"),
    (rights("litigation"), ("workgroup", "litigation"), "1", ""),
    (rights("litigation"), ("user", "litigation"), "1", "not_your_queue"),
    (rights(modify_queue=frozenset({"bob"})), ("user", "bob"), "1", ""),
    (rights(verification=None), ("user", "alice"), "1", "no_verification"),
]


@pytest.mark.parametrize(("actor", "queue", "code", "reason"), JUDGED)
def test_policy_judges_who_may(
    actor: Effective, queue: tuple[str, str], code: str, reason: str, tmp_path: Path
) -> None:
    with closing(open_databases(tmp_path)) as databases:
        store = Interactions(databases, lambda: "1")
        store.register(new(queue_kind=queue[0], queue=queue[1]), "crm")
        may = judged(actor, CODES, START / 1000)
        try:
            assert store.assign("default", "1", code, "alice", may).account_code == code
            said = ""
        except Refused as error:
            said = error.reason
        assert said == reason


def test_a_callback_takes_its_code_after_the_answer(store: Interactions) -> None:
    made = store.register(new("callback"), "crm")
    with pytest.raises(Refused, match="not answered"):
        store.assign("default", made.interaction_id, "1", "alice", yes)
    store.answer("default", made.interaction_id, "alice")
    assert store.assign("default", made.interaction_id, "1", "alice", yes).account_code == "1"


def test_it_is_answered_once(store: Interactions) -> None:
    made = store.register(new("callback", queue_kind="workgroup"), "crm")
    store.answer("default", made.interaction_id, "alice")
    with pytest.raises(Refused, match="already answered"):
        store.answer("default", made.interaction_id, "bob")


def test_a_transfer_keeps_the_code_and_links_the_parts(
    store: Interactions, databases: Databases, clock: Clock
) -> None:
    first = store.register(new(), "crm")
    store.answer("default", first.interaction_id, "alice")
    store.assign("default", first.interaction_id, "0214", "alice", yes, description="Smith")
    clock.now += 10
    second = store.transfer("default", first.interaction_id, "workgroup", "litigation", "alice")
    assert store.queue("default", "user", "alice") == []
    assert store.queue("default", "workgroup", "litigation") == [second]
    assert (second.account_code, second.account_code_description) == ("0214", "Smith")
    assert (second.answered, second.user, second.registered) == (None, "", START + 10_000)
    third = store.transfer("default", second.interaction_id, "user", "bob", "carl")
    store.answer("default", third.interaction_id, "bob")
    store.assign("default", third.interaction_id, "3", "bob", yes)
    store.close("default", third.interaction_id, "bob")
    ids = [part.interaction_id for part in (first, second, third)]
    assert [
        (r.record_id, r.parent_record_id, r.account_code, r.outcome, r.reason)
        for r in records(databases)
    ] == [
        (ids[0], "", "0214", "answered", "transferred"),
        (ids[1], ids[0], "0214", "cancelled", "transferred"),
        (ids[2], ids[1], "3", "answered", ""),
    ]
    assert "carl transfer chat workgroup litigation>user bob" in audited(databases)


def test_a_transfer_to_where_it_is_is_refused(store: Interactions, databases: Databases) -> None:
    made = store.register(new(), "crm")
    with pytest.raises(Refused, match="same queue"):
        store.transfer("default", made.interaction_id, "user", "alice", "alice")
    assert store.queue("default", "user", "alice") == [made]
    assert records(databases) == []


def test_after_the_end_nothing_can_be_done_with_it(
    store: Interactions, databases: Databases
) -> None:
    made = store.register(new(), "crm")
    store.close("default", made.interaction_id, "alice")
    before = records(databases), audited(databases)
    at = "default", made.interaction_id
    for step in (
        lambda: store.answer(*at, "alice"),
        lambda: store.assign(*at, "1", "alice", yes),
        lambda: store.transfer(*at, "user", "bob", "alice"),
        lambda: store.close(*at, "alice"),
        lambda: store.close("blue", made.interaction_id, "alice"),
    ):
        with pytest.raises(Refused, match="over"):
            step()
    assert (records(databases), audited(databases)) == before


def test_a_clock_that_was_set_back_makes_no_negative_duration(
    store: Interactions, clock: Clock
) -> None:
    made = store.register(new(), "crm")
    clock.now -= 100
    store.answer("default", made.interaction_id, "alice")
    ended = store.close("default", made.interaction_id, "alice")
    assert (ended.answer, ended.end, ended.billable_ms) == (START, START, 0)


def test_what_grows_is_bounded(store: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_LIMIT", 2)
    monkeypatch.setattr(module, "CHANGES_LIMIT", 3)
    first, second = (store.register(new(), "crm") for _ in range(2))
    with pytest.raises(Refused, match="queue full"):
        store.register(new(), "crm")
    other = store.register(new(queue="bob"), "crm")
    with pytest.raises(Refused, match="queue full"):
        store.transfer("default", other.interaction_id, "user", "alice", "bob")
    assert store.find("default", other.interaction_id) == other
    for _ in range(3):
        with pytest.raises(Refused, match="needs access"):
            store.assign("default", first.interaction_id, "1", "alice", no)
    with pytest.raises(Refused, match="too many changes"):
        store.assign("default", first.interaction_id, "1", "alice", yes)
    store.assign("default", second.interaction_id, "1", "alice", yes)


@pytest.mark.parametrize("wrong", [{"kind": "fax"}, {"queue_kind": "role"}])
def test_there_are_no_other_kinds(store: Interactions, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the queue of a"):
        store.register(new(**wrong), "crm")
    made = store.register(new(), "crm")
    with pytest.raises(ValueError, match="the queue of a role"):
        store.transfer("default", made.interaction_id, "role", "partner", "alice")


def test_of_two_who_answer_at_once_one_does(store: Interactions) -> None:
    outcome: dict[str, str] = {}

    def answer(who: str, interaction_id: str, start: threading.Barrier) -> None:
        start.wait()
        try:
            outcome[who] = store.answer("default", interaction_id, who).user
        except Refused as error:
            outcome[who] = error.reason

    for _ in range(10):
        made = store.register(new("callback", queue_kind="workgroup"), "crm")
        start = threading.Barrier(2)
        threads = [
            threading.Thread(target=answer, args=(who, made.interaction_id, start))
            for who in ("alice", "bob")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        found = store.find("default", made.interaction_id)
        assert found is not None
        (other,) = {"alice", "bob"} - {found.user}
        assert outcome == {found.user: found.user, other: "already_answered"}


@pytest.mark.parametrize("after", ["the end", "the record"])
def test_a_process_that_died_leaves_one_record(
    store: Interactions, databases: Databases, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Between the end of an interaction and its record, or between that and its row."""
    made = store.register(new(), "crm")
    store.assign("default", made.interaction_id, "0214", "alice", yes)
    if after == "the end":
        with monkeypatch.context() as patch:
            patch.setattr(store, "_file", lambda record: None)
            store.close("default", made.interaction_id, "alice")
        assert records(databases) == []
    else:
        ended = store.close("default", made.interaction_id, "alice")
        with databases.directory.writing() as connection:
            store._insert(connection, made)
            store._end(connection, ended)
    assert store.find("default", made.interaction_id) is None
    assert store.queue("default", "user", "alice") == []
    with pytest.raises(Refused, match="over"):
        store.assign("default", made.interaction_id, "1", "alice", yes)
    assert store.settle() == 1
    assert store.settle() == 0
    (only,) = records(databases)
    assert (only.record_id, only.kind) == (made.interaction_id, "chat")


def test_records_that_cannot_be_written_now_are_later(
    store: Interactions, databases: Databases
) -> None:
    made = store.register(new(), "crm")
    with databases.records.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE record RENAME TO elsewhere")
    with pytest.raises(StoreError, match="record"):
        store.close("default", made.interaction_id, "alice")
    with databases.records.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO record")
    assert store.settle() == 1
    assert [r.record_id for r in records(databases)] == [made.interaction_id]


def test_beside_a_running_gateway_its_file_takes_the_record(tmp_path: Path) -> None:
    with closing(LocalFile(tmp_path)) as local, closing(open_databases(tmp_path)) as databases:
        store = Interactions(databases, lambda: "1")
        store.register(new(), "crm")
        store.close("default", "1", "alice")
        local.beat(1.0)
        with closing(Records(tmp_path)) as reader:
            assert [(r.record_id, r.kind) for r in reader.find()] == [("1", "chat")]

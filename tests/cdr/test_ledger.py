"""The fold: facts of a call in, what the store is to write out."""

import json

import pytest
from tests.cdr.story import UTC, Story, call_id

from tollbar.b2bua.facts import CHAT, Ended, Fact, Noticed
from tollbar.cdr.ledger import (
    Change,
    Finished,
    Forgotten,
    Kept,
    Ledger,
    OpenCall,
    Opened,
    Progressed,
    Redrafted,
    Refusal,
    Stuck,
)
from tollbar.cdr.record import Record, from_draft, from_values

MS = int(UTC * 1000)


def fold(ledger: Ledger, *facts: Fact) -> list[Change]:
    return [change for fact in facts for change in ledger.fold(fact)]


def finished(changes: list[Change]) -> Record:
    (end,) = [c for c in changes if isinstance(c, Finished)]
    return from_values(end.row)


def test_an_answered_call_step_by_step() -> None:
    story, ledger = Story(), Ledger()
    (opened,) = ledger.fold(story.attempted(0.0, b"one"))
    assert isinstance(opened, Opened)
    assert (opened.kept, opened.durable, opened.tenant) == (b"one", True, "default")
    draft = from_draft(opened.draft)
    assert (draft.record_id, draft.setup, draft.account_code) == (story.call, MS, "0214")

    (tried,) = ledger.fold(story.tried(0.0))
    assert isinstance(tried, Progressed)
    assert tried.progress == ("carrier", 1, "b1@tollbar", None, None)
    assert tried.kept == b""

    (rang,) = ledger.fold(story.rang(1.5))
    assert isinstance(rang, Progressed)
    assert not rang.durable
    assert rang.progress[3] == MS + 1500

    (answered,) = ledger.fold(story.answered(4.0, b"two"))
    assert isinstance(answered, Progressed)
    assert answered.durable
    assert answered.progress == ("carrier", 1, "b1@tollbar", MS + 1500, MS + 4000)
    assert answered.kept == b"two"
    assert [r.record_id for r in ledger.running()] == [story.call]

    (moved,) = ledger.fold(story.moved(30.0, b"three"))
    assert isinstance(moved, Progressed)
    assert (moved.kept, moved.progress) == (b"three", answered.progress)

    (late,) = ledger.fold(story.answered_late(31.0, b"late"))
    assert isinstance(late, Kept)
    assert (late.tenant, late.record_id, late.kept, late.durable) == (
        "default",
        story.call,
        b"late",
        True,
    )

    (ended,) = ledger.fold(story.ended(64.25, kept=b"four"))
    assert isinstance(ended, Finished)
    assert ended.kept == b"four"
    assert list(ledger.running()) == []
    assert ledger.find(story.call) is None

    (late,) = ledger.fold(story.answered_late(65.0, b"later"))
    assert isinstance(late, Kept)
    assert (late.tenant, late.record_id, late.kept) == ("default", story.call, b"later")

    (closed,) = ledger.fold(story.closed(96.0))
    assert isinstance(closed, Forgotten)
    assert (closed.tenant, closed.record_id, closed.durable) == ("default", story.call, False)
    assert ledger.fold(story.closed(97.0)) == []


def test_the_record_of_an_answered_call_has_every_key() -> None:
    story = Story()
    record = finished(
        fold(
            Ledger(),
            story.attempted(0.0),
            story.tried(0.0),
            story.rang(1.5),
            story.answered(4.0),
            story.ended(64.25),
        )
    )
    assert record == Record(
        record_id=story.call,
        tenant="default",
        direction="out",
        peer="pbx",
        trunk="carrier",
        tries=1,
        a_call_id="a@pbx",
        b_call_id="b1@tollbar",
        user="alice",
        extension="1001",
        workgroup="",
        caller="1001",
        dialled="919195551234",
        standardized="+19195551234",
        classification="long_distance",
        dial_group="carriers",
        account_code="0214",
        account_code_description="Smith, vs. Jönes",
        code_source="header",
        code_changes="",
        matrix_row=8,
        outcome="answered",
        reason="",
        sip_status=200,
        q850_cause=16,
        ended_by="caller",
        setup=MS,
        ringing=MS + 1500,
        answer=MS + 4000,
        end=MS + 64_250,
        ring_ms=2500,
        billable_ms=60_250,
        in_report=True,
        parent_record_id="",
        decision='[["caller","alice by P-Asserted-Identity"],["matrix","row 8: \\"placed\\""]]',
    )


def test_a_refused_call_is_in_no_report_even_with_a_code() -> None:
    story = Story()
    record = finished(
        fold(
            Ledger(),
            story.attempted(0.0, reason="not_permitted"),
            story.ended(0.0, "refused", status=403, q850=21, ended_by="gateway"),
        )
    )
    assert (record.outcome, record.reason, record.sip_status) == ("refused", "not_permitted", 403)
    assert (record.tries, record.in_report, record.billable_ms) == (0, False, 0)
    assert (record.setup, record.end) == (MS, MS)


def test_the_reason_of_the_ending_stands_before_that_of_the_decision() -> None:
    story = Story()
    facts = story.attempted(reason="required"), story.ended(1.0, reason="max_duration")
    assert finished(fold(Ledger(), *facts)).reason == "max_duration"


@pytest.mark.parametrize(
    ("code", "outcome", "in_report"),
    [
        ("1", "no_answer", True),
        ("1", "busy", True),
        ("1", "interrupted", True),
        ("1", "refused", False),
        ("", "answered", False),
    ],
)
def test_in_the_report_is_what_was_placed_and_carries_a_code(
    code: str, outcome: str, in_report: bool
) -> None:
    story = Story()
    facts = story.attempted(account_code=code), story.tried(), story.ended(9.0, outcome)
    record = finished(fold(Ledger(), *facts))
    assert (record.in_report, record.billable_ms) == (in_report, 0)


def test_the_last_try_is_the_one_recorded() -> None:
    story = Story()
    record = finished(
        fold(
            Ledger(),
            story.attempted(),
            story.tried(0.0, "carrier", 1),
            story.tried(4.0, "backup", 2),
            story.ended(9.0, "busy", status=486),
        )
    )
    assert (record.trunk, record.tries, record.b_call_id) == ("backup", 2, "b2@tollbar")


def test_ringing_is_the_first_and_lasts_to_the_end_where_nobody_answers() -> None:
    story = Story()
    facts = story.rang(1.0), story.rang(5.0), story.ended(31.0, "no_answer")
    record = finished(fold(Ledger(), story.attempted(), story.tried(), *facts))
    assert (record.ringing, record.ring_ms, record.billable_ms) == (MS + 1000, 30_000, 0)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_changes_no_duration(step: float) -> None:
    story = Story()
    facts: list[Fact] = [story.attempted(), story.tried(), story.rang(1.0), story.answered(2.0)]
    story.skew = step
    facts.append(story.ended(12.0))
    record = finished(fold(Ledger(), *facts))
    assert (record.ring_ms, record.billable_ms) == (1000, 10_000)
    assert record.end is not None
    assert record.end >= record.dated


def restored(*facts: Fact) -> Ledger:
    """A ledger that took the call up from what the facts left on disk."""
    changes = fold(Ledger(), *facts)
    assert isinstance(changes[0], Opened)
    record = from_draft(changes[0].draft)
    last = changes[-1]
    assert isinstance(last, Progressed)
    record.trunk, record.tries, record.b_call_id, record.ringing, record.answer = last.progress
    ledger = Ledger()
    ledger.restore([OpenCall(record, b"", False, "tollbar")])
    return ledger


def test_after_a_restart_durations_are_differences_of_utc() -> None:
    story = Story()
    ledger = restored(story.attempted(), story.tried(), story.rang(1.0), story.answered(2.0))
    story.skew = 1000.0  # a new process: its monotonic clock starts elsewhere
    record = finished(ledger.fold(story.ended(-938.0)))
    assert (record.ring_ms, record.billable_ms) == (1000, 60_000)


def test_after_a_restart_durations_are_never_negative() -> None:
    story = Story()
    ledger = restored(story.attempted(), story.tried(), story.rang(1.0), story.answered(2.0))
    story.skew = -5000.0
    record = finished(ledger.fold(story.ended(3.0)))
    assert (record.billable_ms, record.end) == (0, record.answer)


def test_a_call_found_dead_ends_when_it_was_last_known_alive() -> None:
    story = Story()
    ledger = restored(story.attempted(), story.tried(), story.answered(2.0))
    record = finished(ledger.fold(story.ended(100.0, alive=UTC + 32.0)))
    assert (record.end, record.billable_ms) == (MS + 32_000, 30_000)


def test_a_silent_call_ends_when_it_was_last_known_alive_in_one_process_too() -> None:
    story, ledger = Story(), Ledger()
    changes = fold(ledger, story.attempted(), story.tried(), story.answered(2.0))
    changes += ledger.fold(story.ended(100.0, alive=UTC + 32.0))
    assert finished(changes).billable_ms == 30_000


def test_a_restored_call_that_had_ended_is_only_closed() -> None:
    ledger = Ledger()
    record = Record(call_id(1), tenant="blue")
    ledger.restore([OpenCall(record, b"", True, "tollbar")])
    story = Story()
    assert list(ledger.running()) == []
    assert ledger.fold(story.ended(1.0)) == []
    (closed,) = ledger.fold(story.closed(2.0))
    assert (type(closed), closed.tenant) == (Forgotten, "blue")


def test_a_call_ends_once() -> None:
    story, ledger = Story(), Ledger()
    fold(ledger, story.attempted(), story.ended(1.0))
    assert ledger.fold(story.ended(2.0)) == []
    assert ledger.fold(story.answered(2.0)) == []


def test_what_is_no_call_leaves_no_change() -> None:
    notice = Noticed(1, "", 0.0, UTC)
    notice.kind, notice.peer, notice.detail = "malformed", "", ""
    assert Ledger().fold(notice) == []


def test_the_explanation_is_what_the_ledger_was_given() -> None:
    story, ledger = Story(), Ledger(lambda decision: f'{{"row":{decision.matrix_row}}}')
    changes = fold(ledger, story.attempted(), story.ended(1.0))
    assert finished(changes).decision == '{"row":8}'


def test_calls_do_not_mix() -> None:
    one, two, ledger = Story(call_id(1)), Story(call_id(2)), Ledger()
    facts: list[Fact] = [one.attempted(), two.attempted(tenant="blue"), one.tried(), two.tried()]
    facts += [two.answered(1.0), one.ended(2.0, "busy"), two.ended(3.0)]
    ends = [c for c in fold(ledger, *facts) if isinstance(c, Finished)]
    rows = [from_values(c.row) for c in ends]
    assert [(r.record_id, r.tenant, r.outcome, r.billable_ms) for r in rows] == [
        (call_id(1), "default", "busy", 0),
        (call_id(2), "blue", "answered", 2000),
    ]
    assert Ended.durable


# -- codes of calls in progress, chats, and what is turned away


def test_a_code_changed_in_the_call_counts_and_every_change_is_kept() -> None:
    story, ledger = Story(), Ledger()
    fold(ledger, story.attempted(0.0, account_code=""), story.tried(0.0), story.answered(1.0))
    (change,) = ledger.fold(story.assigned(2.0, "001"))
    assert isinstance(change, Redrafted)
    assert change.durable
    draft = from_draft(change.draft)
    assert (draft.account_code, draft.account_code_description) == ("001", "Miller")
    assert draft.code_source == "api"
    fold(ledger, story.assigned(3.0, "9", refused="unknown"), story.assigned(4.0, "0815"))
    record = finished(fold(ledger, story.ended(5.0)))
    assert (record.account_code, record.in_report) == ("0815", True)
    at = MS
    assert json.loads(record.code_changes) == [
        {"at": at + 2000, "by": "alice", "from": "", "to": "001", "source": "api"},
        {
            "at": at + 3000,
            "by": "alice",
            "from": "001",
            "to": "9",
            "source": "api",
            "refused": "unknown",
        },
        {"at": at + 4000, "by": "alice", "from": "001", "to": "0815", "source": "api"},
    ]


def test_a_code_taken_away_is_out_of_the_report() -> None:
    story, ledger = Story(), Ledger()
    fold(ledger, story.attempted(0.0), story.tried(0.0), story.answered(1.0))
    fold(ledger, story.assigned(2.0, "", description=""))
    record = finished(fold(ledger, story.ended(5.0)))
    assert (record.account_code, record.account_code_description) == ("", "")
    assert (record.code_source, record.in_report) == ("", False)


def test_a_change_outlives_a_restart() -> None:
    story, ledger = Story(), Ledger()
    fold(ledger, story.attempted(0.0, account_code=""), story.tried(0.0), story.answered(1.0))
    (change,) = ledger.fold(story.assigned(2.0, "001"))
    assert isinstance(change, Redrafted)
    after = Ledger()
    after.restore([OpenCall(from_draft(change.draft), b"", False, "i")])
    fold(after, story.assigned(3.0, "0815"))
    record = finished(fold(after, story.ended(5.0)))
    assert record.account_code == "0815"
    assert [change["to"] for change in json.loads(record.code_changes)] == ["001", "0815"]


def test_an_attempt_that_is_turned_away_is_one_record_and_no_open_call() -> None:
    story, ledger = Story(), Ledger()
    (change,) = ledger.fold(story.turned_away(0.0, reason="limit", status=503))
    assert isinstance(change, Refusal)
    assert not change.durable
    record = from_values(change.row)
    assert (record.outcome, record.reason, record.sip_status) == ("refused", "limit", 503)
    assert (record.q850_cause, record.ended_by) == (41, "gateway")
    assert (record.end, record.in_report) == (record.setup, False)
    assert list(ledger.running()) == []


def test_the_workgroup_and_the_kind_are_in_the_record() -> None:
    story, ledger = Story(), Ledger()
    attempted = story.attempted(0.0, workgroup="Litigation")
    attempted.kind = CHAT
    fold(ledger, attempted, story.tried(0.0), story.answered(1.0), story.written(2.0))
    record = finished(fold(ledger, story.ended(1800.0, alive=UTC + 61.0)))
    assert (record.workgroup, record.kind) == ("Litigation", "chat")
    assert (record.billable_ms, record.in_report) == (60_000, True)


def test_a_sticky_code_is_a_change_of_its_own() -> None:
    story, ledger = Story(), Ledger()
    fold(ledger, story.attempted(0.0))
    (change,) = ledger.fold(story.remembered(0.0, ("default", "alice"), "001"))
    assert isinstance(change, Stuck)
    assert (change.tenant, change.holder, change.code) == ("default", "alice", "001")
    assert change.record_id == story.call

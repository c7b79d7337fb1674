"""The record: its keys, and drafts that read back."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cdr.story import record

from tollbar.cdr.record import COLUMNS, Record, from_draft, from_values

KEYS = (
    "record_id, tenant, direction, peer, trunk, tries, a_call_id, b_call_id, user, extension, "
    "workgroup, caller, dialled, standardized, classification, dial_group, account_code, "
    "account_code_description, code_source, code_changes, matrix_row, outcome, reason, "
    "sip_status, q850_cause, ended_by, setup, ringing, answer, end, ring_ms, billable_ms, "
    "in_report, parent_record_id, decision, kind"
)


def test_the_keys_and_their_order_stay_as_they_are() -> None:
    assert ", ".join(COLUMNS) == KEYS


def test_a_record_is_exactly_its_columns() -> None:
    assert tuple(f.name for f in fields(Record)) == COLUMNS
    assert not hasattr(record(), "__dict__")


def test_values_come_in_the_order_of_the_columns() -> None:
    whole = record(account_code="001235")
    assert dict(zip(COLUMNS, whole.values(), strict=True))["account_code"] == "001235"
    assert from_values(whole.values()) == whole


def test_a_row_of_a_database_gives_a_true_bool() -> None:
    row = list(record().values())
    row[COLUMNS.index("in_report")] = 1
    assert from_values(row).in_report is True


@settings(max_examples=60)
@given(st.text(), st.text(), st.integers(0, 2**60) | st.none(), st.booleans())
def test_a_draft_reads_back(text: str, found: str, moment: int | None, flag: bool) -> None:
    decision = json.dumps([["code", found]], ensure_ascii=False, separators=(",", ":"))
    before = record(caller=text, answer=moment, in_report=flag, decision=decision)
    assert from_draft(before.draft()) == before


BEGIN = [
    *("record_id", "tenant", "direction", "peer", "a_call_id", "user", "extension", "workgroup"),
    *("caller", "dialled", "standardized", "classification", "dial_group", "account_code"),
    *("account_code_description", "code_source", "reason", "kind"),
]


@settings(max_examples=60)
@given(st.lists(st.text(), min_size=len(BEGIN), max_size=len(BEGIN)), st.integers(0, 2**60))
def test_a_draft_of_a_call_that_has_only_begun_reads_back(texts: list[str], setup: int) -> None:
    before = Record(**dict(zip(BEGIN, texts, strict=True)), setup=setup, matrix_row=8)  # type: ignore[arg-type]
    assert from_draft(before.begun()) == before
    before.decision = '{"steps":[["peer","pbx"]]}'
    assert from_draft(before.begun()) == before


@pytest.mark.parametrize("odd", ['say "x"', "a\\b", "x\ny", '","', "\x00", '\\"'])
def test_nothing_in_a_text_breaks_the_draft_of_a_call_that_has_begun(odd: str) -> None:
    before = Record("1", caller=odd, a_call_id=odd, kind=odd)
    assert from_draft(before.begun()) == before


def test_a_draft_of_the_second_form_reads_back() -> None:
    """What a call that has begun left before there was a form for it."""
    second = FIRST.replace("[1,", "[2,").replace(',"",[[', ',"","chat",[[')
    assert from_draft(second) == replace(from_draft(FIRST), kind="chat")


def test_a_draft_without_a_decision_reads_back() -> None:
    before = Record("1")
    assert from_draft(before.draft()) == before


FIRST = (
    '[1,"7","default","out","pbx","carrier",1,"a@pbx","b@tollbar","alice","1001","","1001","911",'
    '"911","emergency","","0214","Smith","header","",8,"","",0,0,"",5,6,7,null,0,0,false,"",'
    '[["matrix","row 8"]]]'
)


def test_a_draft_of_the_first_release_is_a_calls() -> None:
    read = from_draft(FIRST)
    assert (read.record_id, read.account_code, read.answer, read.end) == ("7", "0214", 7, None)
    assert (read.decision, read.kind) == ('[["matrix","row 8"]]', "call")


def test_a_draft_keeps_the_kind() -> None:
    before = record(kind="chat", parent_record_id="6")
    assert from_draft(before.draft()) == before


def test_a_draft_is_one_line_of_json_and_keeps_leading_zeros() -> None:
    draft = record(account_code="0021", decision='{"a":[1]}').draft()
    assert "\n" not in draft
    assert "0021" in json.loads(draft)
    assert json.loads(draft)[-1] == {"a": [1]}


@pytest.mark.parametrize(
    "draft", ["", "{}", "[]", "[1]", "[2]", "[3" + ",null" * len(COLUMNS) + "]", "[1,"]
)
def test_anything_else_is_no_draft(draft: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one as well
        from_draft(draft)


def test_reports_file_a_record_under_its_answer_else_its_setup() -> None:
    assert record(setup=5, answer=9).dated == 9
    assert record(setup=5, answer=None).dated == 5


def test_as_json_the_explanation_is_an_object_not_a_text() -> None:
    opened = record(decision='{"row":8}', code_changes="").as_dict()
    assert opened["decision"] == {"row": 8}
    assert opened["code_changes"] == []
    assert Record("1").as_dict()["decision"] is None

"""Who may change the code of an interaction, and the pick list."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.office import NOON, OFFICE, build

from tollbar.policy.account import Code, Codes
from tollbar.policy.queue import choices, may_assign, may_correct, why
from tollbar.policy.rights import ALL, Effective, Rights, User

CODES = build().tenants["default"].codes
FULL = Rights(verification=True, codes=frozenset({ALL}), view_codes=True)


def actor(rights: Rights = FULL, user: User | None = None) -> Effective:
    return Effective(user, [rights], {})


@pytest.mark.parametrize(
    ("rights", "own", "code", "reason"),
    [
        (FULL, True, "4711", ""),
        (FULL, True, "", ""),
        (FULL, True, "x", "malformed"),
        (FULL, True, "8", "unknown"),
        (FULL, True, "99", "retired"),
        (FULL, True, "2020", "expired"),
        (replace(FULL, codes=frozenset({"1"})), True, "4711", "not_permitted"),
        (replace(FULL, codes=frozenset()), True, "4711", "not_permitted"),
        (replace(FULL, verification=None), True, "4711", "no_verification"),
        (replace(FULL, verification=None), True, "", "no_verification"),
        (FULL, False, "4711", "not_your_queue"),
        (replace(FULL, modify_queue=frozenset({"carol"})), False, "4711", "not_your_queue"),
        (replace(FULL, modify_queue=frozenset({"bob"})), False, "4711", ""),
        (replace(FULL, modify_queue=frozenset({ALL})), False, "4711", ""),
        (replace(FULL, modify_queue=frozenset({ALL})), False, "8", "unknown"),
        (Rights(modify_queue=frozenset({ALL})), False, "4711", "no_verification"),
    ],
)
def test_assigning_takes_the_right_the_access_and_the_queue(
    rights: Rights, own: bool, code: str, reason: str
) -> None:
    assert may_assign(actor(rights), own, "bob", code, NOON, CODES) == reason


def test_verification_switched_off_for_the_user_forbids_it() -> None:
    off = User("bob", rights=Rights(verification=False))
    assert may_assign(actor(FULL, off), True, "bob", "4711", NOON, CODES) == "no_verification"


@pytest.mark.parametrize(
    ("rights", "code", "reason"),
    [
        (FULL, "4711", "no_correction"),
        (replace(FULL, correct_records=True), "4711", ""),
        (Rights(correct_records=True), "4711", "not_permitted"),
        (Rights(correct_records=True), "", ""),
        (Rights(correct_records=True), "99", "not_permitted"),
        (replace(FULL, correct_records=True), "99", ""),
        (replace(FULL, correct_records=True), "2020", ""),
        (replace(FULL, correct_records=True), "8", "unknown"),
        (replace(FULL, correct_records=True), "x", "malformed"),
    ],
)
def test_correcting_takes_its_own_right(rights: Rights, code: str, reason: str) -> None:
    assert may_correct(actor(rights), code, NOON, CODES) == reason


def test_every_reason_can_be_said() -> None:
    for reason in ("no_verification", "not_your_queue", "no_correction", "unknown", "malformed"):
        assert why(reason) != reason


def chosen(rights: Rights, prefix: str = "", codes: Codes = CODES, **more: int) -> list[str]:
    by_number = bool(more.pop("by_number", False))
    found = choices(actor(rights), codes, NOON, prefix, by_number=by_number, **more)
    return [code.code for code in found]


def test_a_pick_list_holds_what_may_be_used_in_string_order() -> None:
    mine = Rights(codes=frozenset({"4711", "0815", "99", "2020"}), view_codes=True)
    assert chosen(mine) == ["0815", "4711"]
    everything = chosen(FULL)
    assert everything[:2] == ["001235", "0214"]
    assert everything == sorted(everything)
    assert not {"99", "2020"} & set(everything)


def test_without_view_account_codes_the_list_is_empty() -> None:
    assert chosen(replace(FULL, view_codes=False)) == []


def test_the_first_digits_jump_to_the_first_match() -> None:
    assert chosen(FULL, "2") == ["20", "213"]
    assert chosen(FULL, "2", limit=1) == ["20"]
    assert chosen(FULL, "02") == ["0214"]
    assert chosen(FULL, "5") == []


def test_the_codes_of_the_specification_by_string_and_by_number() -> None:
    codes = of(["20", "3", "1", "001235", "213", "1234", "0214", "01", "001"])
    assert chosen(FULL, codes=codes) == [
        *("001", "001235", "01", "0214", "1", "1234", "20", "213", "3")
    ]
    assert chosen(FULL, codes=codes, by_number=1) == [
        *("001", "01", "1", "3", "20", "213", "0214", "1234", "001235")
    ]


def of(texts: list[str]) -> Codes:

    return Codes([Code(text) for text in texts], UTC)


def test_a_few_codes_of_ones_own_are_ordered_alike() -> None:
    mine = Rights(codes=frozenset({"1234", "20", "0214", "3", "77"}), view_codes=True)
    assert chosen(mine) == ["0214", "1234", "20", "3"]
    assert chosen(mine, by_number=1) == ["3", "20", "0214", "1234"]
    assert chosen(mine, "2", by_number=1) == ["20"]


TEXTS = st.text("0123", min_size=1, max_size=5)


@given(
    st.lists(TEXTS, unique=True, max_size=30),
    st.one_of(st.just({ALL}), st.sets(TEXTS, max_size=8)),
    st.text("0123", max_size=2),
    st.booleans(),
    st.integers(0, 10),
)
def test_a_pick_list_is_what_looking_at_every_code_finds(
    texts: list[str], access: set[str], prefix: str, by_number: bool, limit: int
) -> None:
    fitting = [
        text for text in texts if text.startswith(prefix) and (ALL in access or text in access)
    ]
    fitting.sort(key=lambda text: (int(text), text) if by_number else (0, text))
    rights = Rights(codes=frozenset(access), view_codes=True)
    found = chosen(rights, prefix, of(texts), by_number=by_number, limit=limit)
    assert found == fitting[:limit]


def test_what_queues_and_pages_ask_for_is_the_union() -> None:
    both = Effective(
        None,
        [
            Rights(view_reports="viewable"),
            Rights(view_reports="all", view_codes=True, modify_queue=frozenset({"bob"})),
        ],
        {},
    )
    assert (both.view_reports, both.view_codes, both.correct_records) == ("all", True, False)
    assert both.may_modify("bob")
    assert not both.may_modify("alice")
    assert Effective(None, [], {}).view_reports == ""
    assert build(OFFICE).tenants["default"].users["alice"].named_codes() is None

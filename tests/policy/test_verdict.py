"""The twelve rows, read from the data the decision reads."""

from itertools import product

import pytest
from tests.policy.office import build, call

from tollbar.policy.attempt import FORWARD, REJECT
from tollbar.policy.verdict import INVALID, NONE, ROW, ROWS, VALID, Row

# The table as the specification has it: right, code, asks, placed, in report.
TABLE = """
    no  valid   no   placed      yes
    no  valid   yes  placed      yes
    no  invalid no   not-placed  no
    no  invalid yes  not-placed  no
    no  none    no   placed      no
    no  none    yes  not-placed  no
    yes valid   no   placed      yes
    yes valid   yes  placed      yes
    yes invalid no   not-placed  no
    yes invalid yes  not-placed  no
    yes none    yes  not-placed  no
    yes none    no   placed      no
"""
CALLERS = {
    # right, code valid: who calls. Carol has the right and no code, bob two codes without it.
    (True, VALID): "1001",
    (True, INVALID): "1003",
    (True, NONE): "1003",
    (False, VALID): "1002",
    (False, INVALID): "1004",
    (False, NONE): "1004",
}


def test_the_rows_are_those_of_the_specification() -> None:
    written = [line.split() for line in TABLE.split("\n") if line.strip()]
    rows = [
        [
            "yes" if row.right else "no",
            row.code,
            "yes" if row.asks else "no",
            "placed" if row.placed else "not-placed",
            "yes" if row.in_report else "no",
        ]
        for row in ROWS
    ]
    assert rows == written
    assert [row.number for row in ROWS] == list(range(1, 13))


def test_every_combination_has_one_row() -> None:
    assert set(ROW) == set(product((True, False), (VALID, INVALID, NONE), (True, False)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_a_call_gets_what_its_row_says(row: Row) -> None:
    decision = call(
        build(),
        "9195551234" if row.asks else "3175551234",
        CALLERS[row.right, row.code],
        None if row.code == NONE else "4711",
    )
    assert decision.matrix_row == row.number
    assert decision.action == (FORWARD if row.placed else REJECT)
    assert decision.in_report == row.in_report
    assert bool(decision.routes) == row.placed
    assert decision.account_code == ("4711" if row.code == VALID else "")
    assert decision.status == (0 if row.placed else 403)
    expected = {VALID: "", INVALID: "not_permitted", NONE: "required"}[row.code]
    assert decision.reason == ("" if row.placed else expected)

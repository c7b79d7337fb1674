"""Which Q.850 cause goes with which status (RFC 3398 8.2.6.1)."""

import pytest

from tollbar.b2bua.causes import q850_of


@pytest.mark.parametrize(
    ("status", "cause"),
    [(404, 1), (421, 127), (423, 127), (486, 17), (499, 31), (580, 31), (603, 21), (699, 31)],
)
def test_a_status_has_its_cause_and_any_other_is_normal_unspecified(
    status: int, cause: int
) -> None:
    assert q850_of(None, status) == cause

"""Records whose fields try a format: quotes, commas, zeros, other alphabets, no answer."""

from tests.cdr.story import record

from tollbar.cdr.record import Record

CODE = "00" + "1" * 14
"""The longest code that fits every format."""


def odd() -> list[Record]:
    return [
        record(1, account_code="0021"),
        record(2, account_code=CODE, caller='"Jönes", 1001', user="böb", peer="p,b"),
        record(3, account_code="", answer=None, billable_ms=0, outcome="no_answer", q850_cause=19),
        record(4, dialled="+1919", standardized="", answer=None, outcome="busy", q850_cause=17),
        record(5, direction="in", user="ålice", caller="=1+1", ended_by="callee"),
        record(
            6,
            account_code="",
            answer=None,
            billable_ms=0,
            ended_by="gateway",
            outcome="refused",
            q850_cause=21,
            reason="unknown",
            tries=0,
            trunk="",
            b_call_id="",
        ),
        record(7, ringing=None, billable_ms=59_999, end=record(7).setup + 60_999),
        record(8, billable_ms=90_000, end=record(8).setup + 1_000),  # the clock was set back
        record(9, account_code="", answer=None, outcome="cancelled", caller="", q850_cause=16),
    ]

"""Facts of invented calls, for the tests of ``cdr`` and ``store``."""

from typing import Any

from tollbar.b2bua.facts import (
    CALL,
    Answered,
    AnsweredLate,
    Assigned,
    Attempted,
    Closed,
    Ended,
    Moved,
    Rang,
    Remembered,
    Tried,
    TurnedAway,
    Written,
)
from tollbar.cdr.record import Record
from tollbar.policy.attempt import FORWARD, REJECT, Attempt, Decision

UTC = 1_700_000_000.0
"""What the wall clock shows when the monotonic one shows 0 (2023-11-14 22:13:20)."""


def call_id(number: int) -> str:
    return f"{number:032x}"


def decision(**other: Any) -> Decision:
    values: dict[str, Any] = {
        "user": "alice",
        "extension": "1001",
        "caller": "1001",
        "dialled": "919195551234",
        "standardized": "+19195551234",
        "classification": "long_distance",
        "dial_group": "carriers",
        "account_code": "0214",
        "account_code_description": "Smith, vs. Jönes",
        "code_source": "header",
        "matrix_row": 8,
        "steps": [("caller", "alice by P-Asserted-Identity"), ("matrix", 'row 8: "placed"')],
    }
    return Decision(FORWARD, **(values | other))


class Story:
    """The facts of one call; each takes the monotonic second it happened at."""

    def __init__(self, call: str = "", skew: float = 0.0) -> None:
        self.call = call or call_id(1)
        self.skew = skew  # of the wall clock; change it for a clock step
        self.number = 0

    def _at(self, now: float, kept: bytes) -> tuple[int, str, float, float, bytes]:
        self.number += 1
        return self.number, self.call, now, UTC + now + self.skew, kept

    def attempted(self, now: float = 0.0, kept: bytes = b"", **other: Any) -> Attempted:
        fact = Attempted(*self._at(now, kept))
        fact.kind = CALL
        fact.attempt = Attempt("pbx", "919195551234")
        fact.decision = decision(**other)
        fact.peer = "pbx"
        fact.a_call_id = "a@pbx"
        return fact

    def turned_away(self, now: float, **other: Any) -> TurnedAway:
        fact = TurnedAway(*self._at(now, b""))
        fact.kind = CALL
        fact.attempt = Attempt("pbx", "919195551234")
        fact.decision = decision(**other)
        fact.decision.action = REJECT
        fact.peer = "pbx"
        fact.a_call_id = "a@pbx"
        return fact

    def assigned(
        self, now: float, code: str, description: str = "Miller", refused: str = ""
    ) -> Assigned:
        fact = Assigned(*self._at(now, b""))
        fact.code = code
        fact.description = description
        fact.source = "api"
        fact.by = "alice"
        fact.refused = refused
        return fact

    def remembered(self, now: float, holder: tuple[str, str], code: str) -> Remembered:
        fact = Remembered(*self._at(now, b""))
        fact.holder = holder
        fact.code = code
        return fact

    def written(self, now: float, kept: bytes = b"") -> Written:
        return Written(*self._at(now, kept))

    def tried(
        self, now: float = 0.0, trunk: str = "carrier", tries: int = 1, kept: bytes = b""
    ) -> Tried:
        fact = Tried(*self._at(now, kept))
        fact.b_call_id = f"b{tries}@tollbar"
        fact.trunk = trunk
        fact.tries = tries
        return fact

    def rang(self, now: float, kept: bytes = b"") -> Rang:
        return Rang(*self._at(now, kept))

    def answered(self, now: float, kept: bytes = b"") -> Answered:
        return Answered(*self._at(now, kept))

    def answered_late(self, now: float, kept: bytes) -> AnsweredLate:
        return AnsweredLate(*self._at(now, kept))

    def moved(self, now: float, kept: bytes) -> Moved:
        return Moved(*self._at(now, kept))

    def ended(
        self,
        now: float,
        outcome: str = "answered",
        reason: str = "",
        status: int = 200,
        q850: int = 16,
        ended_by: str = "caller",
        alive: float = 0.0,
        kept: bytes = b"",
    ) -> Ended:
        fact = Ended(*self._at(now, kept))
        fact.outcome = outcome
        fact.reason = reason
        fact.status = status
        fact.q850 = q850
        fact.ended_by = ended_by
        fact.alive = alive
        return fact

    def closed(self, now: float) -> Closed:
        return Closed(*self._at(now, b""))


def record(number: int = 1, **other: Any) -> Record:
    """A finished, answered call of one minute."""
    setup = int(UTC * 1000) + number * 1000
    values: dict[str, Any] = {
        "record_id": call_id(number),
        "peer": "pbx",
        "trunk": "carrier",
        "tries": 1,
        "user": "alice",
        "extension": "1001",
        "caller": "1001",
        "dialled": "919195551234",
        "standardized": "+19195551234",
        "account_code": "1234",
        "account_code_description": "Smith",
        "outcome": "answered",
        "sip_status": 200,
        "q850_cause": 16,
        "ended_by": "caller",
        "setup": setup,
        "ringing": setup + 200,
        "answer": setup + 1000,
        "end": setup + 61_000,
        "ring_ms": 800,
        "billable_ms": 60_000,
        "in_report": True,
        "decision": '[["matrix","row 8"]]',
    }
    return Record(**(values | other))

"""Facts for tests of what folds them."""

from tollbar.b2bua.facts import (
    CALL,
    Answered,
    Assigned,
    Attempted,
    Closed,
    Ended,
    Fact,
    Noticed,
    Rang,
    Tried,
    TurnedAway,
)
from tollbar.policy.attempt import FORWARD, REJECT, Attempt, Decision

UTC = 1_767_225_600.0  # 2026-01-01 00:00:00


class Story:
    """Tells calls as facts, numbered, at the moments given."""

    def __init__(self) -> None:
        self.number = 0

    def _opening(self, call: str, at: float) -> tuple[int, str, float, float]:
        self.number += 1
        return self.number, call, at, UTC + at

    def attempted(self, call: str, at: float = 0.0, **decided: object) -> Attempted:
        fact = Attempted(*self._opening(call, at))
        dialled = str(decided.pop("dialled", "3175551234"))
        fact.kind = CALL
        fact.attempt = Attempt(peer="pbx", dialled=dialled, from_user="1001")
        fields: dict[str, object] = {
            "action": FORWARD,
            "caller": "1001",
            "dialled": dialled,
            "classification": "local",
            **decided,
        }
        fact.decision = Decision(**fields)  # type: ignore[arg-type]
        fact.peer = "pbx"
        fact.a_call_id = f"{call}@a"
        return fact

    def turned_away(self, call: str, reason: str, at: float = 0.0) -> TurnedAway:
        fact = TurnedAway(*self._opening(call, at))
        whole = self.attempted(call, at, action=REJECT, reason=reason, status=403)
        fact.kind, fact.attempt, fact.decision = CALL, whole.attempt, whole.decision
        fact.peer, fact.a_call_id = whole.peer, whole.a_call_id
        return fact

    def assigned(self, call: str, code: str, at: float = 0.0, refused: str = "") -> Assigned:
        fact = Assigned(*self._opening(call, at))
        fact.code = code
        fact.description = "Miller"
        fact.source = "api"
        fact.by = "alice"
        fact.refused = refused
        return fact

    def tried(self, call: str, at: float = 0.0, trunk: str = "carrier", tries: int = 1) -> Tried:
        fact = Tried(*self._opening(call, at))
        fact.trunk = trunk
        fact.tries = tries
        fact.b_call_id = f"{call}@b"
        return fact

    def rang(self, call: str, at: float) -> Rang:
        return Rang(*self._opening(call, at))

    def answered(self, call: str, at: float) -> Answered:
        return Answered(*self._opening(call, at))

    def ended(self, call: str, at: float, outcome: str = "answered", **more: object) -> Ended:
        fact = Ended(*self._opening(call, at))
        fact.outcome = outcome
        fact.reason = str(more.get("reason", ""))
        fact.status = int(str(more.get("status", 200)))
        fact.q850 = 16
        fact.ended_by = "caller"
        fact.alive = 0.0
        return fact

    def closed(self, call: str, at: float) -> Closed:
        return Closed(*self._opening(call, at))

    def noticed(self, kind: str, at: float = 0.0, detail: str = "", peer: str = "") -> Noticed:
        fact = Noticed(*self._opening("", at))
        fact.kind = kind
        fact.detail = detail
        fact.peer = peer
        return fact

    def whole(self, call: str, **decided: object) -> list[Fact]:
        """A call that was answered after 2 s and lasted 7."""
        return [
            self.attempted(call, 0.0, **decided),
            self.tried(call, 0.0),
            self.rang(call, 0.3),
            self.answered(call, 2.0),
            self.ended(call, 9.0),
            self.closed(call, 9.0),
        ]

    def refused(self, call: str, reason: str, at: float = 0.0, **decided: object) -> list[Fact]:
        return [
            self.attempted(call, at, action=REJECT, reason=reason, **decided),
            self.ended(call, at, "refused", reason=reason, status=403),
            self.closed(call, at),
        ]

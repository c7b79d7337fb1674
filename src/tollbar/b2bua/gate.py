"""What becomes of an attempt now: policy's decision, then the gateway's own state.

Policy holds rules, never counts; the counts it asks for are kept here, each table bounded.
An emergency passes all of it while there is memory.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua import causes
from tollbar.b2bua.facts import TurnedAway
from tollbar.b2bua.guesses import Guesses
from tollbar.b2bua.sticky import Sticky
from tollbar.policy.attempt import REJECT, Attempt, Decision, Route, Situation
from tollbar.policy.decision import decide
from tollbar.policy.guess import Guess, Key, peer_key
from tollbar.sip.message import Message
from tollbar.sip.transaction import InviteServer, Server

if TYPE_CHECKING:
    from tollbar.b2bua.engine import Engine

EMERGENCY_ROOM: Final = 10_000  # calls beyond ``max_calls`` that may be emergencies
MOST_GROUPS: Final = 10_000  # dial groups whose turn is kept
AT_ONCE: Final = frozenset(("limit", "draining", "locked"))
"""Refusals that wait for no record: they come in floods."""


class Gate:
    """``situation`` is the one every decision is given: what it refers to is kept here."""

    __slots__ = ("cursor", "draining", "engine", "guesses", "situation", "sticky")

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.draining = False
        self.cursor: dict[str, int] = {}
        self.guesses = Guesses()
        self.sticky = Sticky()
        self.situation = Situation(
            0.0, cursor=self.cursor, sticky=self.sticky.codes, guesses=self.guesses.held
        )

    def decide(
        self, attempt: Attempt, utc: float, draw: float, live: int, most: int, now: float
    ) -> Decision:
        """``live`` of ``most`` are in progress; ``draw`` is in [0, 1)."""
        engine = self.engine
        situation = self.situation
        situation.utc = utc
        situation.draw = draw
        decision = decide(engine.snapshot, attempt, situation)
        if decision.guessed:
            self._weigh(attempt, decision, utc, now)
        if decision.action == REJECT:
            return decision
        if decision.emergency:
            # No policy refuses it, but memory ends somewhere, for all calls at once.
            if live < most + EMERGENCY_ROOM:
                return decision
            word = "limit"
        elif self.draining:
            word = "draining"
        elif engine.steps.disk_failed:
            word = "disk"
        elif live >= most:
            word = "limit"
        else:
            return decision
        return turned_away(decision, word)

    def _weigh(self, attempt: Attempt, decision: Decision, utc: float, now: float) -> None:
        """Hold a code that was not accepted against who gave it."""
        rules = self.engine.snapshot.settings.guessing
        for key in self.guesses.count(decision.holder, attempt.peer, rules, utc):
            locks = rules.peer_locks or key != peer_key(attempt.peer)
            self.guesses.made += locks
            caller = decision.caller or attempt.from_user
            self.engine.notice(
                "guessing_lock" if locks else "guessing_alarm",
                attempt.peer,
                f"caller={caller}",
                now,
                holder=key,
            )

    def turn(self, decision: Decision, route: Route) -> None:
        """A try goes through this dial group: the next one begins with its next member."""
        group = route.dial_group
        if group in decision.hunted:
            if len(self.cursor) >= MOST_GROUPS and group not in self.cursor:
                self.cursor.clear()
            self.cursor[group] = self.cursor.get(group, 0) + 1

    def locks(self, utc: float) -> list[tuple[Key, Guess]]:
        """The locks in force; a peer's is none while it only raises the alarm."""
        found = self.guesses.locks(utc)
        if found and not self.engine.snapshot.settings.guessing.peer_locks:
            found = [item for item in found if item[0][0]]
        return found

    def lift(self, key: Key, by: str, now: float) -> bool:
        """Let someone who is locked try again; False where nothing is held against them."""
        found = self.guesses.lift(key)
        if found:
            self.engine.notice("guessing_lifted", "", f"by={by}", now, holder=key, by=by)
        return found

    def refuse(
        self,
        server: InviteServer | Server,
        message: Message,
        attempt: Attempt,
        decision: Decision,
        record_id: str,
        kind: str,
        now: float,
    ) -> None:
        """Refuse without a call to keep; the record follows when it can."""
        engine = self.engine
        fact = engine.happened(TurnedAway, record_id, now)
        fact.attempt = attempt
        fact.decision = decision
        fact.peer = attempt.peer
        fact.a_call_id = message.call_id.decode("latin-1")
        fact.kind = kind
        headers = causes.refusal_headers(decision, engine.host)
        engine.refuse(server, decision.status, headers, now)


def turned_away(decision: Decision, word: str) -> Decision:
    """The same attempt, refused by the state the gateway is in."""
    decision.action = REJECT
    decision.status = 503
    decision.q850 = 0
    decision.reason = word
    decision.text = "Service Unavailable"
    decision.in_report = False
    decision.routes = ()
    return decision

"""The one pure function that decides about a call (SPEC C)."""

from tollbar.policy.attempt import Attempt, Decision, Situation
from tollbar.policy.snapshot import Snapshot


def decide(snapshot: Snapshot, attempt: Attempt, situation: Situation) -> Decision:
    """Decide what happens with an attempt; the checks run in the order of SPEC C8."""
    raise NotImplementedError

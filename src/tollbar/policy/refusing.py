"""A decision turned into a refusal: status, cause and the text the caller may read."""

from tollbar.policy.attempt import REJECT, Decision
from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.refusal import revealed


def refuse(
    snapshot: Snapshot, peer: PeerPolicy | None, decision: Decision, reason: str
) -> Decision:
    """The same decision, refused."""
    answer = snapshot.answers[reason]
    decision.action = REJECT
    decision.reason = reason
    decision.status = answer.status
    decision.q850 = answer.q850
    decision.text = answer.text
    if peer is not None and peer.rules.reveal_reason:
        decision.text = revealed(reason, answer.text)
    decision.routes = ()
    decision.in_report = False
    return decision

"""Calls from a trunk: to the PBX the trunk names, or by its table of called numbers.

The matrix does not judge them and nobody is asked for a code. A code that comes with one
counts only from a trusted trunk, valid, and for a called user who may assign it.
"""

from tollbar.policy.attempt import FORWARD, IN, Attempt, Decision, Route, Situation
from tollbar.policy.caller import outside_caller
from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.given import gather
from tollbar.policy.number import normalise
from tollbar.policy.refusal import NO_MATCH, NO_TRUNK, NOT_PERMITTED
from tollbar.policy.refusing import refuse
from tollbar.policy.rights import Effective
from tollbar.policy.verdict import VALID


def decide_incoming(
    snapshot: Snapshot, peer: PeerPolicy, attempt: Attempt, situation: Situation
) -> Decision | None:
    """Where a call from a trunk goes; None where transit leaves it to the dial plan."""
    dialled = normalise(attempt.dialled)
    called = called_user(peer, dialled)
    target = peer.called.find(dialled)
    if not target:
        if peer.rules.transit and called is None and leaves(peer, dialled):
            return None
        target = peer.rules.incoming
    decision = Decision(
        action=FORWARD,
        tenant=peer.tenant.name,
        direction=IN,
        caller=outside_caller(peer, attempt),
        dialled=dialled,
        standardized=dialled,
    )
    if called is not None and called.user is not None:
        decision.user = called.user.name
        decision.extension = called.user.extensions[0] if called.user.extensions else dialled
    steps: list[tuple[str, str]] = [("peer", peer.rules.name), ("called user", decision.user)]
    decision.steps = steps
    if not target or not dialled.isprintable():
        return refuse(snapshot, peer, decision, NO_MATCH)
    steps.append(("incoming to", target))
    if snapshot.settings.account_codes and attempt.codes:
        _take_code(peer, attempt, situation, called, decision, steps)
    if target in situation.down:
        return refuse(snapshot, peer, decision, NO_TRUNK)
    decision.routes = [Route(target, dialled)]
    decision.in_report = bool(decision.account_code)
    return decision


def called_user(peer: PeerPolicy, dialled: str) -> Effective | None:
    """The user an outside caller dialled, by extension or by any spelling of the number."""
    tenant = peer.tenant
    found = tenant.by_number.get(dialled)
    if found is None:
        entry = tenant.plan.match(dialled, peer.rules.location)
        if entry is not None and not entry.emergency:
            found = tenant.by_standardized.get(entry.standardized.render(dialled))
    return found


def leaves(peer: PeerPolicy, dialled: str) -> bool:
    """Whether the dial plan would carry a transit call on."""
    return peer.tenant.plan.match(dialled, peer.rules.location) is not None


def _take_code(
    peer: PeerPolicy,
    attempt: Attempt,
    situation: Situation,
    called: Effective | None,
    decision: Decision,
    steps: list[tuple[str, str]],
) -> None:
    if not peer.rules.trust_code:
        steps.append(("code ignored", "the peer is not trusted for it"))
        return
    source, code, conflict = gather(attempt.codes, "")
    if not source:
        return
    tenant = peer.tenant
    holder = tenant.nobody if called is None else called
    check = conflict or tenant.codes.check(code, situation.utc, holder)
    if check == VALID and not holder.verification:
        check = NOT_PERMITTED
    decision.code_check = check
    decision.code_source = source
    if check == VALID:
        decision.account_code = code
        decision.account_code_description = tenant.codes.by_code[code].description
    else:
        steps.append(("code dropped", check))

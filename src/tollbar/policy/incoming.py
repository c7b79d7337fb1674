"""Calls from a trunk: to the PBX the trunk names, or by its table of called numbers.

They belong to the tenant of the PBX they go to. The matrix does not judge them and nobody is
asked for a code. One that comes with a call counts only from a trusted trunk, or if it is tied
to the caller's number, and for a called user who may assign it.
"""

from tollbar.policy.attempt import FORWARD, IN, Attempt, Decision, Route, Situation
from tollbar.policy.caller import outside_caller
from tollbar.policy.compiled import PeerPolicy, Snapshot, TenantPolicy
from tollbar.policy.given import gather
from tollbar.policy.implicit import FAR_END, accept
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
    target = peer.called.find(dialled)
    listed = bool(target)
    target = target or peer.rules.incoming
    home = snapshot.peers[target].tenant if target else peer.tenant
    called = called_user(home, dialled, peer.rules.location)
    if not listed and peer.rules.transit and called is None and leaves(peer, dialled):
        return None
    decision = Decision(
        action=FORWARD,
        tenant=home.name,
        direction=IN,
        caller=outside_caller(peer, attempt),
        dialled=dialled,
        standardized=dialled,
    )
    steps = decision.steps
    if called is not None and called.user is not None:
        decision.user = called.user.name
        decision.extension = called.extension(dialled)
    steps += (("peer", peer.rules.name), ("called user", decision.user))
    if not target or not dialled.isprintable():
        return refuse(snapshot, peer, decision, NO_MATCH)
    steps.append(("incoming to", target))
    if attempt.workgroups:
        steps.append(("workgroup ignored", "outside callers are in none"))
    if snapshot.settings.account_codes and (attempt.codes or home.far_end is not None):
        _take_code(peer, home, attempt, situation, called, decision)
    if target in situation.down:
        return refuse(snapshot, peer, decision, NO_TRUNK)
    decision.routes = [Route(target, dialled)]
    decision.in_report = bool(decision.account_code)
    return decision


def called_user(tenant: TenantPolicy, dialled: str, location: str) -> Effective | None:
    """The user an outside caller dialled, by extension or by any spelling of the number."""
    found = tenant.by_number.get(dialled)
    if found is None:
        entry = tenant.plan.match(dialled, location)
        if entry is not None and not entry.emergency:
            found = tenant.by_standardized.get(entry.standardized.render(dialled))
    return found


def leaves(peer: PeerPolicy, dialled: str) -> bool:
    """Whether the dial plan would carry a transit call on."""
    plan, location = peer.tenant.plan, peer.rules.location
    return plan.match(dialled, location) is not None or plan.sos(dialled, location) is not None


def _take_code(
    peer: PeerPolicy,
    home: TenantPolicy,
    attempt: Attempt,
    situation: Situation,
    called: Effective | None,
    decision: Decision,
) -> None:
    """A code counts as if the called user assigned it."""
    steps = decision.steps
    codes = attempt.codes
    if codes and not peer.rules.trust_code:
        steps.append(("code ignored", "the peer is not trusted for it"))
        codes = ()
    source, code, reason = gather(codes, ())
    holder = home.nobody if called is None else called
    if source:
        reason = reason or _against(home, holder, situation, code)
        if reason:
            decision.code_source = source
            decision.code_check = reason
            steps.append(("code dropped", reason))
        else:
            accept(home, decision, source, code)
    elif home.far_end is not None:
        code = home.far_end.of_calling(decision.caller, peer.rules.location)
        if code:
            reason = _against(home, holder, situation, code)
            if reason:
                steps.append((f"{FAR_END} code not used", reason))
            else:
                accept(home, decision, FAR_END, code)


def _against(home: TenantPolicy, holder: Effective, situation: Situation, code: str) -> str:
    check = home.codes.check(code, situation.utc, holder)
    if check != VALID:
        return check
    return "" if holder.verification else NOT_PERMITTED

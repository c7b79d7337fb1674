"""The one pure function that decides about a call.

The checks run in the order of docs/reference/reasons.md, and the first that fails gives the
reason. Emergency calls pass them all. It reads the snapshot and never writes it, holds no
counts, and never lets an account code into anything but ``Decision.account_code``.
"""

from tollbar.policy.attempt import ANSWER, FORWARD, INTERNAL, OUT, Attempt, Decision, Situation
from tollbar.policy.caller import find_caller, outside_caller
from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.dialplan import Entry
from tollbar.policy.feature import CLEAR
from tollbar.policy.given import gather
from tollbar.policy.guess import locked, number_holder, peer_key
from tollbar.policy.implicit import accept, take_implicit
from tollbar.policy.incoming import decide_incoming
from tollbar.policy.lookup import Looked, look_up
from tollbar.policy.number import destination, normalise
from tollbar.policy.refusal import (
    BLOCKED,
    CLASSIFICATION,
    INCOMPLETE,
    LOCKED,
    NO_MATCH,
    NO_TRUNK,
    PEER,
    REQUIRED,
    UNKNOWN_CALLER,
    WORKGROUP,
)
from tollbar.policy.refusing import refuse
from tollbar.policy.rights import Effective
from tollbar.policy.routing import emergency_routes, routes
from tollbar.policy.settings import AS_ENTERED, REFUSE
from tollbar.policy.verdict import INVALID, NONE, ROW, VALID
from tollbar.policy.workgroup import is_member, named


def decide(snapshot: Snapshot, attempt: Attempt, situation: Situation) -> Decision:
    """Decide what happens with an attempt."""
    peer = snapshot.peers.get(attempt.peer)
    if peer is None:
        unknown = Decision(FORWARD, dialled=normalise(attempt.dialled))
        unknown.steps = [("peer", "unknown")]
        return refuse(snapshot, None, unknown, PEER)
    if peer.trunk:
        incoming = decide_incoming(snapshot, peer, attempt, situation)
        if incoming is not None:
            return incoming
        rights, extension, by = peer.tenant.nobody, "", "trunk"
        number = outside_caller(peer, attempt)
    else:
        rights, number, extension, by = find_caller(peer, attempt)
    location = rights.location or peer.rules.location
    looked = look_up(snapshot, peer, attempt.dialled, location)
    user = rights.user
    if user is None:
        name = ""
        holder = number_holder(number)
        if not peer.trunk:
            by += ", unknown"
    else:
        name = holder = user.name
        extension = rights.extension(extension)
    tenant = peer.tenant.name
    decision = Decision(
        FORWARD,
        tenant,
        OUT,
        name,
        extension,
        number,
        looked.urn or looked.number,
        location,
        (tenant, holder),
        [("peer", attempt.peer), ("caller found by", by)],
    )
    if looked.template:
        decision.steps.append(("template", looked.template))
    return _Call(snapshot, peer, rights, looked, decision).decide(attempt, situation)


class _Call:
    """One call on its way through the checks."""

    __slots__ = ("decision", "looked", "peer", "rights", "snapshot")

    def __init__(
        self,
        snapshot: Snapshot,
        peer: PeerPolicy,
        rights: Effective,
        looked: Looked,
        decision: Decision,
    ) -> None:
        self.snapshot = snapshot
        self.peer = peer
        self.rights = rights
        self.looked = looked
        self.decision = decision

    def decide(self, attempt: Attempt, situation: Situation) -> Decision:
        """Run the checks in order."""
        looked, rights, decision = self.looked, self.rights, self.decision
        entry = looked.entry
        if entry is not None and entry.emergency:
            return self._emergency(entry, attempt, situation)
        settings = self.snapshot.settings
        trunk = self.peer.trunk
        reason = ""
        if settings.unknown_callers == REFUSE and rights.user is None and not trunk:
            reason = UNKNOWN_CALLER
        workgroup = ""
        if attempt.workgroups or looked.workgroups:
            workgroup = self._workgroup(attempt)
        if looked.feature:
            return self._feature(attempt, situation, reason or workgroup)
        if entry is not None and entry.hollow and not entry.dials(looked.number):
            entry, looked.begun = None, True
        if entry is None:
            entry, unmatched = self._unmatched()
            reason = reason or unmatched
            if entry is None:
                return refuse(self.snapshot, self.peer, decision, reason)
        shadow = settings.shadow or entry.shadow
        limited = self._limits(entry)
        reason = reason or limited or workgroup
        if trunk or not settings.account_codes:
            # An outside caller passing through is never asked and may not bill anyone.
            decision.verification = False
        elif shadow or not reason:
            reason = self._judge(attempt, situation, reason)
        if reason and not shadow:
            return refuse(self.snapshot, self.peer, decision, reason)
        found = routes(decision, entry, looked.number, rights, situation)
        if trunk:
            found = [route for route in found if route.peer != self.peer.rules.name]
        if not found:
            return refuse(self.snapshot, self.peer, decision, NO_TRUNK)
        decision.routes = found
        decision.dial_group = found[0].dial_group
        if reason:
            decision.reason = reason
            decision.shadow = True
        return decision

    def _unmatched(self) -> tuple[Entry | None, str]:
        """What becomes of a number that matches nothing."""
        looked = self.looked
        plan = self.peer.tenant.plan
        if not looked.dialable:
            return None, NO_MATCH
        more = looked.begun or plan.incomplete(looked.number, self.decision.location)
        reason = INCOMPLETE if more else NO_MATCH
        as_entered = self.peer.tenant.as_entered
        if looked.begun or not looked.number or as_entered is None:
            return None, reason
        settings = self.snapshot.settings
        if settings.unmatched == AS_ENTERED:
            self.decision.steps.append(("matches nothing", "dialled as entered"))
            return as_entered, ""
        return (as_entered if settings.shadow else None), reason

    def _describe(self, entry: Entry) -> None:
        decision = self.decision
        number = self.looked.number
        decision.dial_object = entry.key
        decision.classification = entry.classification
        decision.standardized = entry.standardized.render(number)
        decision.display = entry.display.render(number)
        decision.verification = entry.verification
        if entry.uses and entry.uses[0].internal:
            decision.direction = INTERNAL

    def _limits(self, entry: Entry) -> str:
        """What the entry says of the call, and what forbids it.

        The entry that the standardized number matches is looked at as well: regular
        expressions escape the check at load, so the stricter of the two holds.
        """
        self._describe(entry)
        decision, looked = self.decision, self.looked
        allowed = self.rights.classifications
        blocked = entry.blocked
        limited = allowed is not None and entry.classification not in allowed
        reached = destination(decision.standardized)
        if reached != looked.number and not entry.allow_bypass:
            second = self.peer.tenant.plan.match(reached, decision.location)
            if second is not None and not (
                second is entry or second.emergency or second.allow_bypass
            ):
                decision.steps.append(("standardized number matches", second.key))
                decision.verification = entry.verification or second.verification
                blocked = blocked or second.blocked
                limited = limited or (allowed is not None and second.classification not in allowed)
        if blocked:
            return BLOCKED
        return CLASSIFICATION if limited else ""

    def _workgroup(self, attempt: Attempt) -> str:
        """The reason against the workgroup that is named; none may be named, and only one."""
        given = attempt.workgroups
        if given and not self.peer.rules.trust_workgroup:
            self.decision.steps.append(("workgroup ignored", "the peer is not trusted for it"))
            given = ()
        names = named(given, self.looked.workgroups)
        if not names:
            return ""
        if len(names) > 1:
            self.decision.steps.append(("workgroup", "more than one is named"))
            return WORKGROUP
        if not is_member(self.rights.user, names[0]):
            known = names[0] in self.peer.tenant.holders.workgroups
            said = "the caller is no member" if known else "there is none of this name"
            self.decision.steps.append(("workgroup", said))
            return WORKGROUP
        self.decision.workgroup = names[0]
        return ""

    def _take_code(self, attempt: Attempt, situation: Situation) -> str:
        """Check the explicit code; what is accepted goes into the decision."""
        codes = attempt.codes
        if codes and not self.peer.rules.trust_code:
            self.decision.steps.append(("code ignored", "the peer is not trusted for it"))
            codes = ()
        source, code, conflict = gather(codes, self.looked.codes)
        if not source:
            return NONE
        decision = self.decision
        tenant = self.peer.tenant
        decision.code_source = source
        if situation.guesses and not decision.emergency and self._is_locked(situation):
            decision.code_check = LOCKED
            return LOCKED
        check = conflict or tenant.codes.check(code, situation.utc, self.rights)
        if check == VALID:
            accept(tenant, decision, source, code)
        else:
            decision.code_check = check
            decision.guessed = not decision.emergency
        return check

    def _is_locked(self, situation: Situation) -> bool:
        """Whether too many codes were not accepted lately."""
        guesses, utc = situation.guesses, situation.utc
        if locked(guesses, self.decision.holder, utc):
            self.decision.steps.append(
                ("locked", "too many codes of this caller were not accepted")
            )
            return True
        if self.snapshot.settings.guessing.peer_locks and locked(
            guesses, peer_key(self.peer.rules.name), utc
        ):
            self.decision.steps.append(
                ("locked", "too many codes from this peer were not accepted")
            )
            return True
        return False

    def _judge(self, attempt: Attempt, situation: Situation, reason: str) -> str:
        """The matrix; the reason it adds to none."""
        check = self._take_code(attempt, situation)
        if check == LOCKED:
            return reason or LOCKED
        rights, decision = self.rights, self.decision
        if check == NONE:
            user, tenant = rights.user, self.peer.tenant
            if (
                (user is not None and user.default_code)
                or situation.sticky
                or tenant.far_end is not None
            ) and take_implicit(tenant, rights, decision, situation):
                check = VALID
        code = check if check in (VALID, NONE) else INVALID
        row = ROW[rights.verification, code, decision.verification]
        decision.in_report = row.in_report
        if reason:
            return reason
        decision.matrix_row = row.number
        if row.placed:
            return ""
        return REQUIRED if check == NONE else check

    def _feature(self, attempt: Attempt, situation: Situation, reason: str) -> Decision:
        """Set or clear the sticky code: the code is checked like one that comes with a call."""
        decision = self.decision
        decision.direction = INTERNAL
        self.decision.steps.append(("feature code", f"sticky code, {self.looked.feature}"))
        if not self.snapshot.settings.account_codes:
            reason = reason or NO_MATCH
        elif not reason and self.looked.feature != CLEAR:
            check = self._take_code(attempt, situation)
            if check == VALID:
                decision.sticky = decision.account_code
            else:
                reason = REQUIRED if check == NONE else check
            # It is kept for calls to come; this one carries none.
            decision.account_code = decision.account_code_description = ""
        if reason:
            return refuse(self.snapshot, self.peer, decision, reason)
        decision.action = ANSWER
        return decision

    def _emergency(self, entry: Entry, attempt: Attempt, situation: Situation) -> Decision:
        """Always placed: a code that is not accepted is dropped."""
        decision = self.decision
        self._describe(entry)
        decision.emergency = True
        user = self.rights.user
        numbers = () if user is None else user.numbers
        decision.callback = normalise(numbers[0]) if numbers else decision.caller
        if attempt.workgroups or self.looked.workgroups:
            self._workgroup(attempt)
        if self.snapshot.settings.account_codes and (attempt.codes or self.looked.codes):
            check = self._take_code(attempt, situation)
            if check not in (VALID, NONE):
                self.decision.steps.append(("code dropped", check))
        decision.in_report = bool(decision.account_code)
        decision.routes = emergency_routes(
            entry, self.looked.number, self.decision.location, situation.down
        )
        if self.peer.trunk:
            # Back to where it came from only when nothing else is left.
            source = self.peer.rules.name
            decision.routes = sorted(decision.routes, key=lambda route: route.peer == source)
        decision.dial_group = decision.routes[0].dial_group
        return decision

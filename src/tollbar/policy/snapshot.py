"""Everything policy knows, compiled into one object that is swapped whole.

Why: docs/decisions/0008-snapshot.md. Built only by ``compile_snapshot``; nothing in it
changes afterwards. What a tenant's next snapshot has in common with this one is taken over.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from tollbar.policy import finding
from tollbar.policy.compiled import PeerPolicy, Snapshot, TenantPolicy
from tollbar.policy.feature import compile_features
from tollbar.policy.finding import Finding, PatternError, PlanError
from tollbar.policy.hunting import Group
from tollbar.policy.refusal import ANSWERS, TELLING, answers
from tollbar.policy.settings import AS_ENTERED, DEFAULT_USER, REFUSE, Settings, Tenant
from tollbar.policy.template import Templates, compile_templates
from tollbar.policy.tenancy import Shared, Tenancy
from tollbar.policy.trunk import HUNTS, PBX, TRUNK, WEIGHTED, Called, DialGroup, PeerRules, Rewrite

__all__ = ["PeerPolicy", "Settings", "Snapshot", "Tenant", "TenantPolicy", "compile_snapshot"]


def compile_snapshot(
    tenants: Mapping[str, Tenant],
    peers: Sequence[PeerRules],
    dial_groups: Sequence[DialGroup],
    settings: Settings,
    previous: Snapshot | None = None,
) -> Snapshot:
    """Check and compile everything; raises PlanError with every finding that stops it.

    From ``previous`` is taken over what was compiled from the very same objects: pass on those
    of ``tenants`` that did not change.
    """
    build = _Build(peers, dial_groups, settings, previous)
    templates, wrong = compile_templates(settings.templates)
    build.errors += wrong
    features, wrong = compile_features(settings.sticky_set, settings.sticky_clear, templates)
    build.errors += wrong
    shared = Shared(
        groups=build.groups,
        peers=peers,
        zone=build.zone,
        templates=templates,
        features=features,
        as_entered=settings.unmatched == AS_ENTERED,
        unmatched=settings.unmatched_group,
    )
    compiled: dict[str, TenantPolicy] = {}
    for name, source in tenants.items():
        known = None if build.previous is None else build.previous.tenants.get(name)
        tenancy = Tenancy(name, source, shared, known)
        compiled[name] = tenancy.policy
        build.errors += tenancy.errors
        build.warnings += tenancy.warnings
    by_name = build.peers(peers, compiled)
    if build.errors:
        raise PlanError(build.errors)
    return Snapshot(
        settings=settings,
        tenants=compiled,
        peers=by_name,
        dial_groups=build.groups,
        templates=Templates(templates),
        features=features,
        answers=answers(settings.statuses),
        warnings=build.warnings,
        basis=build.basis,
    )


class _Build:
    """One compilation: what was found wrong so far, and what all tenants share.

    ``previous`` is None unless its tenants were compiled on the same ``basis``.
    """

    def __init__(
        self,
        peers: Sequence[PeerRules],
        dial_groups: Sequence[DialGroup],
        settings: Settings,
        previous: Snapshot | None,
    ) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.groups: dict[str, Group] = {}
        self.basis = (
            [(peer.name, peer.role, peer.tenant) for peer in peers],
            list(dial_groups),
            settings.timezone,
            settings.unmatched,
        )
        self.previous = previous if previous and previous.basis == self.basis else None
        self.zone = self._time_zone(settings.timezone)
        self._settings = settings
        self._roles = {peer.name: peer.role for peer in peers}
        for index, group in enumerate(dial_groups):
            self._group(index, group)
        if self.previous is not None:
            self.groups = dict(self.previous.dial_groups)
        self._check_settings()

    def _say(self, kind: str, key: str, text: str, index: int = -1) -> None:
        self.errors.append(Finding(kind, key, text, index))

    def _time_zone(self, name: str) -> ZoneInfo:
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            self._say(finding.SETTINGS, "timezone", f"timezone: no time zone {name!r}")
            return ZoneInfo("UTC")

    def _check_settings(self) -> None:
        settings = self._settings
        if settings.unknown_callers not in (DEFAULT_USER, REFUSE):
            self._say(
                finding.SETTINGS,
                "unknown_callers",
                f"unknown_callers: {settings.unknown_callers!r} is neither default nor refuse",
            )
        if settings.unmatched not in (REFUSE, AS_ENTERED):
            self._say(
                finding.SETTINGS,
                "unmatched",
                f"unmatched: {settings.unmatched!r} is neither refuse nor as_entered",
            )
        elif settings.unmatched == AS_ENTERED and not self._leads_out():
            self._say(
                finding.SETTINGS, "unmatched", "unmatched: as_entered needs a dial group of trunks"
            )
        for reason, status in settings.statuses.items():
            if reason not in ANSWERS:
                self._say(finding.SETTINGS, "statuses", f"statuses: no reason {reason!r}")
            elif not 400 <= status <= 699 or status in (401, 407):
                self._say(
                    finding.SETTINGS,
                    "statuses",
                    f"statuses: {reason} cannot be answered with {status}",
                )
            elif reason in TELLING:
                self.warnings.append(
                    Finding(
                        finding.SETTINGS,
                        "statuses",
                        f"statuses: {status} for {reason} tells a guesser which codes exist",
                    )
                )

    def _group(self, index: int, group: DialGroup) -> None:
        def say(text: str) -> None:
            self._say(finding.DIAL_GROUP, group.name, f"dial group {group.name}: {text}", index)

        if group.name in self.groups:
            say("is there twice")
        if not group.members:
            say("has no members")
        if group.hunt not in HUNTS:
            say(f"no hunting rule {group.hunt!r}")
        for member in group.members:
            if member not in self._roles:
                say(f"no peer {member!r}")
        if group.weights and group.hunt != WEIGHTED:
            say(f"weights have no meaning when hunting is {group.hunt}")
        for member, weight in group.weights.items():
            if member not in group.members or weight < 1:
                say(f"{weight} is no weight of {member}")
        for line in group.schedule:
            try:
                Group(DialGroup("", (), schedule=(line,)), self.zone)
            except PatternError as error:
                key = f"{group.name} {line}"
                text = f"dial group {group.name}: schedule: {error}"
                self._say(finding.SCHEDULE, key, text, index)
                group = DialGroup(group.name, group.members, group.hunt, group.weights)
        self.groups[group.name] = Group(group, self.zone)

    def _leads_out(self) -> bool:
        """Whether there is a dial group for numbers dialled as entered."""
        if self._settings.unmatched_group:
            return self._settings.unmatched_group in self.groups
        return any(
            self._roles.get(member) == TRUNK
            for group in self.groups.values()
            for member in group.members
        )

    def peers(
        self, peers: Sequence[PeerRules], tenants: Mapping[str, TenantPolicy]
    ) -> dict[str, PeerPolicy]:
        """Compile the peers."""
        found: dict[str, PeerPolicy] = {}
        for index, rules in enumerate(peers):
            compiled = self._peer(index, rules, tenants)
            if compiled is not None:
                found[rules.name] = compiled
        return found

    def _peer(
        self, index: int, rules: PeerRules, tenants: Mapping[str, TenantPolicy]
    ) -> PeerPolicy | None:
        def say(text: str) -> None:
            self._say(finding.PEER, rules.name, f"peer {rules.name}: {text}", index)

        if rules.role not in (PBX, TRUNK):
            say(f"no role {rules.role!r}")
        targets = [rules.incoming] if rules.incoming else []
        for target in [*targets, *rules.incoming_numbers.values()]:
            if self._roles.get(target) != PBX:
                say(f"incoming calls cannot go to {target!r}, it is no pbx")
        if rules.role == TRUNK and not (targets or rules.incoming_numbers or rules.transit):
            self.warnings.append(
                Finding(
                    finding.PEER,
                    rules.name,
                    f"peer {rules.name}: names no pbx, calls from it are refused",
                    index,
                )
            )
        tenant = tenants.get(rules.tenant)
        if tenant is None:
            say(f"no tenant {rules.tenant!r}")
            return None
        try:
            rewrite = Rewrite(rules.rewrite)
            called = Called(rules.incoming_numbers)
        except PatternError as error:
            say(str(error))
            return None
        return PeerPolicy(rules, tenant, rewrite, called, rules.role == TRUNK)

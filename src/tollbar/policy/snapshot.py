"""Everything policy knows, compiled into one object that is swapped whole.

Why: docs/decisions/0008-snapshot.md. Built only by ``compile_snapshot``; nothing in it
changes afterwards.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from tollbar.policy import finding
from tollbar.policy.account import Codes, check_codes
from tollbar.policy.bypass import Search
from tollbar.policy.compiled import PeerPolicy, Snapshot, TenantPolicy
from tollbar.policy.dialplan import CATEGORIES, DialObject, DialPlan, Entry, Use
from tollbar.policy.finding import Finding, PatternError, PlanError
from tollbar.policy.members import Roll
from tollbar.policy.output import Output
from tollbar.policy.pattern import Pattern
from tollbar.policy.planning import Planner
from tollbar.policy.refusal import ANSWERS, NOT_ACCEPTED, answers
from tollbar.policy.rights import Effective
from tollbar.policy.settings import AS_ENTERED, DEFAULT_USER, REFUSE, Settings, Tenant
from tollbar.policy.template import Templates, compile_templates
from tollbar.policy.trunk import HUNTS, PBX, TRUNK, Called, DialGroup, PeerRules, Rewrite

__all__ = ["PeerPolicy", "Settings", "Snapshot", "Tenant", "TenantPolicy", "compile_snapshot"]


def compile_snapshot(
    tenants: Mapping[str, Tenant],
    peers: Sequence[PeerRules],
    dial_groups: Sequence[DialGroup],
    settings: Settings,
) -> Snapshot:
    """Check and compile everything; raises PlanError with every finding that stops it."""
    build = _Build(peers, dial_groups, settings)
    compiled = {name: build.tenant(name, tenant) for name, tenant in tenants.items()}
    by_name = build.peers(peers, compiled)
    templates, wrong = compile_templates(settings.templates)
    build.errors += wrong
    if build.errors:
        raise PlanError(build.errors)
    return Snapshot(
        settings=settings,
        tenants=compiled,
        peers=by_name,
        dial_groups=build.groups,
        templates=Templates(templates),
        answers=answers(settings.statuses),
        warnings=build.warnings,
    )


class _Build:
    """One compilation: what was found wrong so far, and what all tenants share."""

    def __init__(
        self, peers: Sequence[PeerRules], dial_groups: Sequence[DialGroup], settings: Settings
    ) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.groups: dict[str, DialGroup] = {}
        self._settings = settings
        self._roles = {peer.name: peer.role for peer in peers}
        for index, group in enumerate(dial_groups):
            self._group(index, group)
        self._zone = self._time_zone(settings.timezone)
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
        elif settings.unmatched == AS_ENTERED and self._unmatched_group() is None:
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
            elif reason in NOT_ACCEPTED:
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
        self.groups[group.name] = group

    def _unmatched_group(self) -> DialGroup | None:
        if self._settings.unmatched_group:
            return self.groups.get(self._settings.unmatched_group)
        for group in self.groups.values():
            if any(self._roles.get(member) == TRUNK for member in group.members):
                return group
        return None

    def tenant(self, name: str, tenant: Tenant) -> TenantPolicy:
        """Compile one tenant."""
        self.errors += check_codes(tenant.codes, name)
        self._check_names(name, tenant)
        roll = Roll(name, tenant, {**{c: c for c in CATEGORIES}, **tenant.classifications})
        trunks = {peer for peer, role in self._roles.items() if role == TRUNK}
        planner = Planner(name, tenant.lists, tenant.classifications, self.groups, trunks)
        plan = planner.compile(tenant.dial_plan)
        self.errors += [*roll.errors, *planner.errors]
        self.warnings += planner.warnings
        if not planner.errors:
            search = Search(plan, name)
            search.run()
            self.errors += search.errors
            if not search.complete:
                self.warnings.append(
                    Finding(
                        finding.DIAL_OBJECT,
                        "",
                        "dial plan: too involved to be searched wholly for two spellings of "
                        "one destination",
                        tenant=name,
                    )
                )
        return TenantPolicy(
            name=name,
            codes=Codes(tenant.codes, self._zone),
            holders=roll.holders,
            users=roll.users,
            by_number=roll.by_number,
            by_standardized=_standardized(roll.by_number, plan),
            nobody=roll.holders.effective(None),
            plan=plan,
            as_entered=self._as_entered(plan),
        )

    def _check_names(self, name: str, tenant: Tenant) -> None:
        for own, category in tenant.classifications.items():
            if own in CATEGORIES and category != own:
                text = f"classification {own}: cannot be made another"
            elif category not in CATEGORIES:
                text = f"classification {own}: no category {category!r}"
            else:
                continue
            self.errors.append(Finding(finding.CLASSIFICATION, own, text, tenant=name))
        for key, entries in tenant.lists.items():
            for entry in entries:
                if not (entry.isascii() and entry.isdigit()):
                    self.errors.append(
                        Finding(
                            finding.LIST,
                            key,
                            f"number list {key}: {entry!r} is not digits",
                            tenant=name,
                        )
                    )

    def _as_entered(self, plan: DialPlan) -> Entry | None:
        """What stands for numbers that match nothing; it asks for a code if any object does."""
        group = self._unmatched_group()
        if group is None:
            return None
        pattern = Pattern("Z")
        same = Output(pattern, "")
        source = DialObject("Z", "", verification=plan.asks)
        return Entry(
            source=source,
            index=-1,
            key="(as entered)",
            pattern=pattern,
            standardized=same,
            display=same,
            dial_string=same,
            category="",
            classification="",
            locations=frozenset(),
            verification=plan.asks,
            emergency=False,
            blocked=False,
            uses=[Use(group, frozenset(), "", same, internal=False)],
            allow_bypass=False,
            shadow=False,
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


def _standardized(by_number: Mapping[str, Effective], plan: DialPlan) -> dict[str, Effective]:
    """The users by the standardized form of their numbers, so that any spelling finds them."""
    found: dict[str, Effective] = {}
    for number, effective in by_number.items():
        entry = plan.match(number, effective.location)
        if entry is not None:
            found.setdefault(entry.standardized.render(number), effective)
    return found

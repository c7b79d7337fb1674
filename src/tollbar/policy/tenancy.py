"""One tenant compiled: codes, holders, dial plan, prefixes, far ends.

What was compiled before from the very same objects is taken over, so that a change of one code
does not cost a plan of ten thousand objects. It must never take over what could come out
otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from tollbar.policy import finding
from tollbar.policy.account import Codes, check_codes
from tollbar.policy.bypass import Search
from tollbar.policy.compiled import TenantPolicy
from tollbar.policy.dialplan import CATEGORIES, DialObject, DialPlan, Entry, Use
from tollbar.policy.far_end import compile_far_end
from tollbar.policy.feature import Features
from tollbar.policy.finding import Finding
from tollbar.policy.hunting import Group
from tollbar.policy.members import Roll
from tollbar.policy.output import Output
from tollbar.policy.pattern import LITERAL, Pattern
from tollbar.policy.planning import Planner
from tollbar.policy.rights import Effective
from tollbar.policy.settings import Tenant
from tollbar.policy.template import Template, Templates
from tollbar.policy.trunk import PBX, TRUNK, PeerRules
from tollbar.policy.workgroup import LONGEST_PREFIX, Prefixes, check_prefixes


@dataclass(slots=True)
class Shared:
    """What all tenants are compiled with.

    With ``as_entered`` numbers that match nothing are dialled, by the dial group ``unmatched``
    ("": the first that leads out).
    """

    groups: Mapping[str, Group]
    peers: Sequence[PeerRules]
    zone: tzinfo
    templates: Sequence[Template]
    features: Features | None
    as_entered: bool
    unmatched: str


class Tenancy:
    """Compiles one tenant; see ``policy``, ``errors`` and ``warnings``.

    ``previous`` is the same tenant compiled before with the same groups, peers and zone.
    """

    def __init__(
        self, name: str, source: Tenant, shared: Shared, previous: TenantPolicy | None
    ) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self._name = name
        self._source = source
        self._shared = shared
        self._previous = previous
        self._foreign = {
            peer.name for peer in shared.peers if peer.role == PBX and peer.tenant != name
        }
        self._trunks = {peer.name for peer in shared.peers if peer.role == TRUNK}
        self._check_names()
        self.policy = self._compile()

    def _compile(self) -> TenantPolicy:
        source = self._source
        codes = self._codes()
        roll = self._roll(codes)
        plan, plan_warnings = self._plan()
        self.warnings += plan_warnings
        known = self._previous
        if known is not None and roll.by_number is known.by_number and plan is known.plan:
            by_standardized = known.by_standardized
        else:
            by_standardized = _standardized(roll.by_number, plan)
        prefixes = Prefixes(source.workgroups)
        self.errors += check_prefixes(
            source.workgroups, self._shared.templates, self._shared.features, self._name
        )
        self._warn_of_owned(plan, prefixes)
        if known is not None and plan is known.plan and self._has_far_ends_of(known, codes):
            far_end = known.far_end
        else:
            far_end, wrong = compile_far_end(source.far_end, plan, codes.by_code, self._name)
            self.errors += wrong
        return TenantPolicy(
            name=self._name,
            source=source,
            codes=codes,
            holders=roll.holders,
            users=roll.users,
            by_number=roll.by_number,
            by_standardized=by_standardized,
            nobody=roll.holders.effective(None),
            plan=plan,
            as_entered=self._as_entered(plan),
            plan_warnings=plan_warnings,
            prefixes=prefixes if prefixes.texts else None,
            far_end=far_end,
        )

    def _codes(self) -> Codes:
        known = self._previous
        given = self._source.codes
        if known is not None and known.source.codes is given:
            return known.codes
        self.errors += check_codes(given, self._name, {} if known is None else known.codes.by_code)
        return Codes(given, self._shared.zone)

    def _roll(self, codes: Codes) -> "Roll | TenantPolicy":
        """The users; those of before where they are the same and no code they name is gone."""
        known, source = self._previous, self._source
        if (
            known is not None
            and known.source.default_user is source.default_user
            and known.source.roles is source.roles
            and known.source.workgroups is source.workgroups
            and known.source.users is source.users
            and known.source.classifications is source.classifications
            and _holds(codes, known.codes)
        ):
            return known
        roll = Roll(self._name, source, {**{c: c for c in CATEGORIES}, **source.classifications})
        self.errors += roll.errors
        return roll

    def _has_far_ends_of(self, known: TenantPolicy, codes: Codes) -> bool:
        return known.source.far_end is self._source.far_end and _holds(codes, known.codes)

    def _plan(self) -> tuple[DialPlan, Sequence[Finding]]:
        known, source = self._previous, self._source
        if (
            known is not None
            and known.source.dial_plan is source.dial_plan
            and known.source.lists is source.lists
            and known.source.classifications is source.classifications
        ):
            return known.plan, known.plan_warnings
        planner = Planner(
            self._name,
            source.lists,
            source.classifications,
            self._shared.groups,
            self._trunks,
            self._foreign,
        )
        plan = planner.compile(source.dial_plan)
        self.errors += planner.errors
        warnings = list(planner.warnings)
        if not planner.errors:
            search = Search(plan, self._name)
            search.run()
            if self._shared.as_entered:
                search.run_as_entered()
            self.errors += search.errors
            if not search.complete:
                warnings.append(
                    Finding(
                        finding.DIAL_OBJECT,
                        "",
                        "dial plan: too involved to be searched wholly for two spellings of "
                        "one destination",
                        tenant=self._name,
                    )
                )
        return plan, warnings

    def _check_names(self) -> None:
        for own, category in self._source.classifications.items():
            if own in CATEGORIES and category != own:
                text = f"classification {own}: cannot be made another"
            elif category not in CATEGORIES:
                text = f"classification {own}: no category {category!r}"
            else:
                continue
            self.errors.append(Finding(finding.CLASSIFICATION, own, text, tenant=self._name))
        for key, entries in self._source.lists.items():
            for entry in entries:
                if not (entry.isascii() and entry.isdigit()):
                    text = f"number list {key}: {entry!r} is not digits"
                    self.errors.append(Finding(finding.LIST, key, text, tenant=self._name))

    def _warn_of_owned(self, plan: DialPlan, prefixes: Prefixes) -> None:
        """Warn of objects whose numbers a template, feature code or prefix takes before them."""
        owned = {text: f"prefix {text}" for text in prefixes.texts}
        for head in Templates(self._shared.templates).owned:
            owned[head] = f"template {head}..."
        features = self._shared.features
        if features is not None:
            owned[features.head] = f"sticky code {features.text}"
        if not owned:
            return
        lengths = sorted({len(text) for text in owned})
        for entry in plan.entries:
            if entry.emergency:
                continue
            lead = _leading(entry.pattern)
            taker = next((owned[lead[:n]] for n in lengths if lead[:n] in owned), "")
            if taker:
                text = f"dial-plan object {entry.key}: is never reached, {taker} comes before it"
                self.warnings.append(
                    Finding(finding.DIAL_OBJECT, entry.key, text, entry.index, self._name)
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

    def _unmatched_group(self) -> Group | None:
        """The first dial group that leads out, and to no PBX of another tenant."""
        groups: Iterable[Group | None] = self._shared.groups.values()
        if self._shared.unmatched:
            groups = [self._shared.groups.get(self._shared.unmatched)]
        for group in groups:
            if (
                group is not None
                and not self._trunks.isdisjoint(group.members)
                and self._foreign.isdisjoint(group.members)
            ):
                return group
        return None


def _holds(codes: Codes, before: Codes) -> bool:
    """Whether no code is gone; one by one, since sets are compared in one breath, and many
    would hold up whoever shares the interpreter."""
    return codes is before or all(code in codes.by_code for code in before.by_code)


def _leading(pattern: Pattern) -> str:
    """The text that every number of a pattern begins with, as far as a prefix may be long."""
    found = ""
    for token in pattern.tokens[:LONGEST_PREFIX]:
        if token.kind != LITERAL:
            break
        found += token.text
    return found


def _standardized(by_number: Mapping[str, Effective], plan: DialPlan) -> dict[str, Effective]:
    """The users by the standardized form of their numbers, so that any spelling finds them."""
    found: dict[str, Effective] = {}
    for number, effective in by_number.items():
        entry = plan.match(number, effective.location)
        if entry is not None:
            found.setdefault(entry.standardized.render(number), effective)
    return found

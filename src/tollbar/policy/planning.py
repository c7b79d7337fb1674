"""A dial plan from its objects: what is refused when it is loaded, and what is warned of.

Every object that is wrong is named, all at once; the plan is then not used at all.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from tollbar.policy import charset, finding
from tollbar.policy.dialplan import (
    BLOCKED,
    CATEGORIES,
    EMERGENCY,
    INTERCOM,
    DialObject,
    DialPlan,
    Entry,
    GroupUse,
    Use,
    locations,
)
from tollbar.policy.finding import Finding, PatternError
from tollbar.policy.hunting import Group
from tollbar.policy.matcher import Cover
from tollbar.policy.number import SOS
from tollbar.policy.output import Output
from tollbar.policy.pattern import Pattern

_FIELDS: Final = {
    "standardized": "standardized number",
    "dial_string": "dial string",
    "display": "display string",
}


class Planner:
    """Compiles one tenant's dial plan and collects what it finds.

    ``foreign`` are the PBXs of other tenants, where no call of this one may go.
    """

    def __init__(
        self,
        tenant: str,
        lists: Mapping[str, Sequence[str]],
        classifications: Mapping[str, str],
        groups: Mapping[str, Group],
        trunks: Collection[str],
        foreign: Collection[str],
    ) -> None:
        self.tenant = tenant
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self._lists = lists
        self._categories = {**{name: name for name in CATEGORIES}, **classifications}
        self._groups = groups
        self._trunks = trunks
        self._foreign = foreign
        self._index = -1
        self._key = ""

    def compile(self, objects: Sequence[DialObject]) -> DialPlan:
        """The plan of those objects that can be compiled; see ``errors``."""
        entries: list[Entry] = []
        seen: set[tuple[str, str, frozenset[str]]] = set()
        for index, source in enumerate(objects):
            self._index, self._key = index, source.key
            identity = (source.pattern, source.list_name, locations(source.location))
            if identity in seen:
                self._error("is there twice")
            seen.add(identity)
            entry = self._entry(source)
            if entry is not None:
                entries.append(entry)
        plan = DialPlan(entries)
        if not any(entry.emergency for entry in entries):
            self.warnings.append(
                Finding(
                    finding.DIAL_OBJECT,
                    "",
                    "dial plan: no object is classified emergency",
                    tenant=self.tenant,
                )
            )
        elif plan.sos(SOS, "") is None:
            self.warnings.append(
                Finding(
                    finding.DIAL_OBJECT,
                    "",
                    "dial plan: urn:service:sos stands for no number; give an emergency object "
                    "a pattern, or a dial string that is the same for all numbers",
                    tenant=self.tenant,
                )
            )
        self._look_for_shadows(plan)
        return plan

    def _error(self, text: str) -> None:
        self.errors.append(self._finding(text))

    def _warn(self, text: str) -> None:
        self.warnings.append(self._finding(text))

    def _finding(self, text: str) -> Finding:
        return Finding(
            finding.DIAL_OBJECT,
            self._key,
            f"dial-plan object {self._key}: {text}",
            self._index,
            self.tenant,
        )

    def _entry(self, source: DialObject) -> Entry | None:
        category = self._categories.get(source.classification)
        if category is None:
            self._error(f"no classification {source.classification!r}")
            category = ""
        if source.verification and category in (EMERGENCY, INTERCOM):
            self._error(f"an {category} object cannot ask for an account code")
        pattern = self._pattern(source)
        if pattern is None:
            return None
        outputs = {
            name: self._output(pattern, getattr(source, name), said, formatted=name == "display")
            for name, said in _FIELDS.items()
        }
        uses = [
            use
            for line in source.groups
            for use in self._use(pattern, source, line, outputs["dial_string"])
        ]
        if not source.groups and category != BLOCKED:
            if category == EMERGENCY:
                self._error("an emergency object needs a dial group")
            else:
                self._warn("has no dial group, its calls go nowhere")
        return Entry(
            source=source,
            index=self._index,
            key=self._key,
            pattern=pattern,
            standardized=outputs["standardized"],
            display=outputs["display"],
            dial_string=outputs["dial_string"],
            category=category,
            classification=source.classification,
            locations=locations(source.location),
            verification=source.verification,
            emergency=category == EMERGENCY,
            blocked=category == BLOCKED,
            uses=uses,
            allow_bypass=bool(source.allow_bypass),
            shadow=source.shadow,
            hollow=any(use.dial_string.hollow for use in uses),
        )

    def _pattern(self, source: DialObject) -> Pattern | None:
        entries = None
        if source.list_name:
            entries = self._lists.get(source.list_name)
            if entries is None:
                self._error(f"no number list {source.list_name!r}")
                return None
        try:
            pattern = Pattern(source.pattern, entries)
        except PatternError as error:
            self._error(str(error))
            return None
        if entries is not None and pattern.listed is None:
            self._warn(f"the list {source.list_name} is not used, there is no $ in the pattern")
        return pattern

    def _output(self, pattern: Pattern, text: str, said: str, *, formatted: bool) -> Output:
        try:
            return Output(pattern, text, formatted=formatted)
        except PatternError as error:
            self._error(f"the {said} {error}")
            return Output(pattern, "")

    def _use(
        self, pattern: Pattern, source: DialObject, line: GroupUse, default: Output
    ) -> list[Use]:
        group = self._groups.get(line.group)
        if group is None:
            self._error(f"no dial group {line.group!r}")
            return []
        classification = line.classification or source.classification
        if line.classification and line.classification not in self._categories:
            self._error(f"dial group {line.group}: no classification {line.classification!r}")
        category = self._categories.get(line.classification, "")
        if category == BLOCKED:
            self._error(f"dial group {line.group}: blocked never goes out")
        if source.verification and category in (EMERGENCY, INTERCOM):
            self._error(f"dial group {line.group}: {category} cannot ask for an account code")
        for member in group.members:
            if member in self._foreign:
                self._error(f"dial group {line.group} leads to {member}, a PBX of another tenant")
        output = default
        if line.dial_string:
            said = f"dial string for {line.group}"
            output = self._output(pattern, line.dial_string, said, formatted=False)
        internal = not any(member in self._trunks for member in group.members)
        return [Use(group, locations(line.location), classification, output, internal)]

    def _look_for_shadows(self, plan: DialPlan) -> None:
        """Warn of objects that an earlier one takes everything from."""
        cover = Cover(plan.matcher)
        last = max((entry.index for entry in plan.entries), default=-1)
        caught = False
        for place, entry in enumerate(plan.entries):
            self._index, self._key = entry.index, entry.key
            earlier = [
                plan.entries[n]
                for n in cover.before(place)
                if (plan.entries[n].emergency and not entry.emergency)
                or not plan.entries[n].locations
                or (entry.locations and entry.locations <= plan.entries[n].locations)
            ]
            if earlier:
                if not caught:
                    self._warn(f"is never reached, {earlier[0].key} comes before it")
            elif _catches_all(entry.pattern) and entry.index != last and not entry.locations:
                self._warn("matches everything but is not the last")
                caught = True


def _catches_all(pattern: Pattern) -> bool:
    return not pattern.regular and pattern.shortest == 0 and pattern.tail == charset.ANY

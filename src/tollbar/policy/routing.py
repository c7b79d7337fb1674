"""The tries of a call in order: dial groups that fit and are open, their trunks by hunting rule.

What it lists is only tried; whether a call may be placed at all is decided before.
"""

from collections.abc import Collection, Sequence

from tollbar.policy.attempt import Decision, Route, Situation
from tollbar.policy.dialplan import Entry
from tollbar.policy.hunting import Group
from tollbar.policy.rights import Effective
from tollbar.policy.trunk import SEQUENTIAL


def routes(
    decision: Decision, entry: Entry, number: str, rights: Effective, situation: Situation
) -> list[Route]:
    """Every try for a call that is allowed, over all dial groups that fit and are open."""
    found: list[Route] = []
    down = situation.down
    for use in entry.uses:
        if use.locations and decision.location not in use.locations:
            continue
        if use.classification != entry.classification and not rights.may_call(use.classification):
            continue
        group = use.group
        members: Sequence[str] = group.members
        if not group.plain:
            members = _hunt(decision, group, situation)
        dial_string = use.dial_string.render(number)
        for member in members:
            if member not in down:
                found.append(Route(member, dial_string, group.name))  # noqa: PERF401
    return found


def _hunt(decision: Decision, group: Group, situation: Situation) -> Sequence[str]:
    """The members of a group with a rule or a schedule; the decision says who take turns."""
    steps = decision.steps
    if group.schedule is not None and not group.schedule.open(situation.utc):
        steps.append((f"dial group {group.name}", "closed by its schedule"))
        return ()
    members = group.order(situation.down, situation.cursor.get(group.name, 0), situation.draw)
    if members and group.source.hunt != SEQUENTIAL:
        steps.append((f"dial group {group.name}", f"{group.source.hunt}, {members[0]} first"))
        if group.turns and group.name not in decision.hunted:
            decision.hunted = [*decision.hunted, group.name]
    return members


def emergency_routes(
    entry: Entry, number: str, location: str, down: Collection[str]
) -> list[Route]:
    """Every try there is: groups that fit first, then the others, trunks that are down last.

    Members stand as they were written, open or not: an emergency call takes no turn.
    """
    working: list[Route] = []
    last: list[Route] = []
    uses = sorted(entry.uses, key=lambda use: bool(use.locations) and location not in use.locations)
    for use in uses:
        dial_string = use.dial_string.render(number)
        for member in use.group.members:
            route = Route(member, dial_string, use.group.name)
            (last if member in down else working).append(route)
    return working + last

"""The tries of a call in order: dial groups that fit, their trunks by hunting rule.

What it lists is only tried; whether a call may be placed at all is decided before.
"""

from collections.abc import Collection

from tollbar.policy.attempt import Route
from tollbar.policy.dialplan import Entry
from tollbar.policy.rights import Effective
from tollbar.policy.trunk import hunt


def routes(
    entry: Entry, number: str, location: str, rights: Effective, down: Collection[str]
) -> list[Route]:
    """Every try for a call that is allowed, over all dial groups that fit."""
    found: list[Route] = []
    for use in entry.uses:
        if use.locations and location not in use.locations:
            continue
        if use.classification != entry.classification and not rights.may_call(use.classification):
            continue
        dial_string = use.dial_string.render(number)
        for member in hunt(use.group, down):
            found.append(Route(member, dial_string, use.group.name))  # noqa: PERF401
    return found


def emergency_routes(
    entry: Entry, number: str, location: str, down: Collection[str]
) -> list[Route]:
    """Every try there is: groups that fit first, then the others, trunks that are down last."""
    working: list[Route] = []
    last: list[Route] = []
    uses = sorted(entry.uses, key=lambda use: bool(use.locations) and location not in use.locations)
    for use in uses:
        dial_string = use.dial_string.render(number)
        for member in use.group.members:
            route = Route(member, dial_string, use.group.name)
            (last if member in down else working).append(route)
    return working + last

"""One entry of the directory as a database keeps it, and the model made into entries.

An entry stands alone: a code, a user, a pattern of the dial plan. Its body is canonical text,
so that two entries are the same where their bodies are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tollbar.directory import wording
from tollbar.directory.wording import body
from tollbar.policy import finding
from tollbar.policy.settings import Tenant

GAP: Final = 1024
"""Between the places of two neighbours in an order, so that one more fits between them."""

ORDERED: Final = (finding.DIAL_OBJECT, finding.FAR_END)
"""The kinds whose entries stand in an order; the first that matches decides."""


@dataclass(slots=True)
class Entry:
    """``kind`` is one of ``policy.finding``, ``key`` the entry's own name, "" for the default
    user. ``place`` orders the kinds that have an order, else 0. ``version`` counts the changes
    of this entry; 0 is one that was never kept.
    """

    tenant: str
    kind: str
    key: str
    place: int
    body: str
    version: int = 0


def entries(name: str, tenant: Tenant) -> list[Entry]:
    """A tenant's entries: those without an order by their keys, the others in theirs.

    The default user is always among them: it is what says that there is such a tenant.
    """
    found = [Entry(name, finding.DEFAULT_USER, "", 0, body(_default_user(tenant)))]
    for kind, bodies in _unordered(tenant):
        found += [Entry(name, kind, key, 0, bodies[key]) for key in sorted(bodies)]
    for kind, ordered in _ordered(tenant):
        found += [
            Entry(name, kind, key, number * GAP, text)
            for number, (key, text) in enumerate(ordered, 1)
        ]
    return found


def _default_user(tenant: Tenant) -> wording.Words:
    return wording.default_user_words(tenant.default_user)


def _unordered(tenant: Tenant) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield finding.CODE, {code.code: body(wording.code_words(code)) for code in tenant.codes}
    yield finding.ROLE, {role.name: body(wording.role_words(role)) for role in tenant.roles}
    yield (
        finding.WORKGROUP,
        {group.name: body(wording.workgroup_words(group)) for group in tenant.workgroups},
    )
    yield finding.USER, {user.name: body(wording.user_words(user)) for user in tenant.users}
    yield finding.LIST, {name: body(list(digits)) for name, digits in tenant.lists.items()}
    yield finding.CLASSIFICATION, {name: body(c) for name, c in tenant.classifications.items()}


def _ordered(tenant: Tenant) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    yield (
        finding.DIAL_OBJECT,
        [(entry.key, body(wording.dial_object_words(entry))) for entry in tenant.dial_plan],
    )
    yield finding.FAR_END, [(pattern, body(code)) for pattern, code in tenant.far_end.items()]

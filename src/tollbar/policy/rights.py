"""Rights and access: who holds them and what a user ends up with.

Four kinds of holder grant: the default user, roles, workgroups and users. What a user has is
the union, each grant knowing where it comes from. Only *account code verification* can be
switched off again, and only for one user.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tollbar.policy.number import normalise

ALL: Final = "*"


@dataclass(slots=True)
class Rights:
    """What one holder grants.

    ``verification`` is True, None (says nothing) or, for a user only, False (switched off).
    ``codes`` is the access to account codes: a set of codes, or ALL in it for every code.
    ``classifications`` is None where the holder states none.
    ``modify_queue`` names users and workgroups (or ALL); ``view_reports`` is "", "viewable"
    (codes one may view) or "all"; ``administer`` names kinds (or ALL).
    """

    verification: bool | None = None
    view_codes: bool = False
    modify_queue: frozenset[str] = frozenset()
    correct_records: bool = False
    view_reports: str = ""
    administer: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    classifications: frozenset[str] | None = None


@dataclass(slots=True)
class Role:
    """A named bundle of rights for users and workgroups."""

    name: str
    rights: Rights = field(default_factory=Rights)
    description: str = ""


@dataclass(slots=True)
class Workgroup:
    """A group of users; it passes its own rights and its roles on to its members.

    ``prefix`` is dialled before a number to make the call on the workgroup's behalf.
    """

    name: str
    rights: Rights = field(default_factory=Rights)
    roles: Sequence[str] = ()
    description: str = ""
    prefix: str = ""


@dataclass(slots=True)
class User:
    """Someone with extensions and numbers. Both are compared without formatting.

    ``default_code`` is the account code of calls for which no other came.
    """

    name: str
    display: str = ""
    extensions: Sequence[str] = ()
    numbers: Sequence[str] = ()
    location: str = ""
    rights: Rights = field(default_factory=Rights)
    roles: Sequence[str] = ()
    workgroups: Sequence[str] = ()
    default_code: str = ""


@dataclass(slots=True)
class Grant:
    """One effective right and where it comes from; ``source`` is "" for the user's own.

    ``right`` is a field of ``Rights``; ``value`` is "on", "off" or what it is granted for.
    """

    right: str
    value: str
    source: str


class Effective:
    """What one caller may do: the union, ready for a decision.

    What only queues, records and pages ask for is worked out when they ask.
    """

    __slots__ = (
        "_all_codes",
        "_codes",
        "_extensions",
        "_holders",
        "classifications",
        "location",
        "user",
        "verification",
    )

    def __init__(
        self,
        user: User | None,
        holders: Sequence[Rights],
        expand: Mapping[str, frozenset[str]],
    ) -> None:
        self.user = user
        self._extensions = () if user is None else tuple(map(normalise, user.extensions))
        self.location = user.location if user is not None else ""
        self.verification = any(rights.verification for rights in holders)
        if user is not None and user.rights.verification is False:
            self.verification = False
        self._holders = holders
        self._all_codes = any(ALL in rights.codes for rights in holders)
        self._codes = tuple(rights.codes for rights in holders if rights.codes)
        stated = [r.classifications for r in holders if r.classifications is not None]
        self.classifications: frozenset[str] | None = None
        if stated:
            names = frozenset().union(*stated)
            self.classifications = frozenset().union(*(expand.get(n, {n}) for n in names))

    def extension(self, number: str) -> str:
        """The extension for one of the user's numbers: itself if it is one, else the first."""
        if not self._extensions or number in self._extensions:
            return number
        return self._extensions[0]

    def may_use(self, code: str) -> bool:
        """Whether the caller has access to a code."""
        if self._all_codes:
            return True
        for codes in self._codes:  # noqa: SIM110
            if code in codes:
                return True
        return False

    def named_codes(self) -> frozenset[str] | None:
        """The codes the caller has access to; None for all there are."""
        return None if self._all_codes else frozenset().union(*self._codes)

    def may_call(self, classification: str) -> bool:
        """Whether calls of a classification are allowed; blocked is not asked here."""
        return self.classifications is None or classification in self.classifications

    @property
    def view_codes(self) -> bool:
        """Whether account codes are shown at all."""
        return any(rights.view_codes for rights in self._holders)

    @property
    def correct_records(self) -> bool:
        """Whether codes of finished calls may be changed."""
        return any(rights.correct_records for rights in self._holders)

    @property
    def view_reports(self) -> str:
        """ "all", "viewable" or "": the most that anyone grants."""
        granted = {rights.view_reports for rights in self._holders}
        return next((which for which in ("all", "viewable") if which in granted), "")

    def may_modify(self, queue: str) -> bool:
        """Whether interactions on the queue of this user or workgroup may be changed."""
        return any(not {queue, ALL}.isdisjoint(r.modify_queue) for r in self._holders)


class Holders:
    """A tenant's holders, by which a user's effective rights are found.

    ``expand`` maps a category to the names of one's own that are of it, itself included.
    """

    __slots__ = ("default_user", "expand", "roles", "workgroups")

    def __init__(
        self,
        default_user: Rights,
        roles: Sequence[Role],
        workgroups: Sequence[Workgroup],
        expand: Mapping[str, frozenset[str]],
    ) -> None:
        self.default_user = default_user
        self.roles = {role.name: role for role in roles}
        self.workgroups = {workgroup.name: workgroup for workgroup in workgroups}
        self.expand = expand

    def sources(self, user: User | None) -> Iterator[tuple[str, Rights]]:
        """Every holder that grants something to the user, and how it is called."""
        yield "default user", self.default_user
        if user is None:
            return
        for name in user.workgroups:
            workgroup = self.workgroups[name]
            yield f"workgroup {name}", workgroup.rights
            for role in workgroup.roles:
                yield f"role {role} of workgroup {name}", self.roles[role].rights
        for role in user.roles:
            yield f"role {role}", self.roles[role].rights
        yield "", user.rights

    def effective(self, user: User | None) -> Effective:
        """The union for a user; for None the rights of a caller nobody knows."""
        return Effective(user, [rights for _, rights in self.sources(user)], self.expand)

    def grants(self, user: User | None) -> list[Grant]:
        """The same with provenance, one grant a line, for CLI, API and pages."""
        found: list[Grant] = []
        off = user is not None and user.rights.verification is False
        for source, rights in self.sources(user):
            if rights.verification and not off:
                found.append(Grant("verification", "on", source))
            if rights.view_codes:
                found.append(Grant("view_codes", "on", source))
            if rights.correct_records:
                found.append(Grant("correct_records", "on", source))
            if rights.view_reports:
                found.append(Grant("view_reports", rights.view_reports, source))
            for right, names in (
                ("modify_queue", rights.modify_queue),
                ("administer", rights.administer),
                ("codes", rights.codes),
                ("classifications", rights.classifications or ()),
            ):
                found.extend(Grant(right, name, source) for name in sorted(names))
        if off:
            found.append(Grant("verification", "off", ""))
        return found

"""A tenant's users, roles and workgroups, checked and compiled.

Whoever is named must exist, and an extension or number has one owner.
"""

from collections.abc import Collection, Mapping

from tollbar.policy import finding
from tollbar.policy.finding import Finding
from tollbar.policy.number import normalise
from tollbar.policy.rights import ALL, Effective, Holders, Rights, User
from tollbar.policy.settings import Tenant

_REPORTS = ("", "viewable", "all")


class Roll:
    """Reads one tenant's holders; ``errors`` holds what is wrong with them."""

    def __init__(self, name: str, tenant: Tenant, categories: Mapping[str, str]) -> None:
        self.errors: list[Finding] = []
        self.users: dict[str, Effective] = {}
        self.by_number: dict[str, Effective] = {}
        self._name = name
        self._broken: set[str] = set()
        self._codes = {code.code for code in tenant.codes} | {ALL}
        self._categories = categories
        self._roles = {role.name for role in tenant.roles}
        self._workgroups = {workgroup.name for workgroup in tenant.workgroups}
        self._queues = self._workgroups | {user.name for user in tenant.users} | {ALL}
        expand: dict[str, set[str]] = {name: {name} for name in categories}
        for own, category in categories.items():
            expand.setdefault(category, set()).add(own)
        self.holders = Holders(
            tenant.default_user,
            tenant.roles,
            tenant.workgroups,
            {category: frozenset(names) for category, names in expand.items()},
        )
        self._rights(finding.DEFAULT_USER, "default user", -1, tenant.default_user)
        self._check_bundles(tenant)
        for index, user in enumerate(tenant.users):
            self._user(index, user)

    def _check_bundles(self, tenant: Tenant) -> None:
        for kind, bundles in (
            (finding.ROLE, [(role.name, role.rights) for role in tenant.roles]),
            (finding.WORKGROUP, [(group.name, group.rights) for group in tenant.workgroups]),
        ):
            seen: set[str] = set()
            for index, (name, rights) in enumerate(bundles):
                if name in seen:
                    self._error(kind, name, index, "is there twice")
                seen.add(name)
                self._rights(kind, name, index, rights)
        for index, group in enumerate(tenant.workgroups):
            if not self._named(
                finding.WORKGROUP, group.name, index, "role", group.roles, self._roles
            ):
                self._broken.add(group.name)

    def _user(self, index: int, user: User) -> None:
        if user.name in self.users:
            self._error(finding.USER, user.name, index, "is there twice")
            return
        roles = self._named(finding.USER, user.name, index, "role", user.roles, self._roles)
        workgroups = self._named(
            finding.USER, user.name, index, "workgroup", user.workgroups, self._workgroups
        )
        sound = roles and workgroups and self._broken.isdisjoint(user.workgroups)
        self._rights(finding.USER, user.name, index, user.rights)
        default = user.default_code
        if default and (default == ALL or default not in self._codes):
            self._error(finding.USER, user.name, index, f"no account code {default!r}")
        effective = self.holders.effective(user if sound else None)
        self.users[user.name] = effective
        for given in (*user.extensions, *user.numbers):
            number = normalise(given)
            if not number:
                self._error(finding.USER, user.name, index, f"{given!r} is not a number")
                continue
            owner = self.by_number.setdefault(number, effective)
            if owner is not effective:
                other = owner.user.name if owner.user is not None else "another"
                self._error(finding.USER, user.name, index, f"{given} already belongs to {other}")

    def _rights(self, kind: str, key: str, index: int, rights: Rights) -> None:
        if rights.verification is False and kind != finding.USER:
            self._error(
                kind, key, index, "only a user can have account code verification switched off"
            )
        if rights.view_reports not in _REPORTS:
            self._error(kind, key, index, f"no such reports: {rights.view_reports!r}")
        self._named(kind, key, index, "account code", rights.codes, self._codes)
        self._named(kind, key, index, "user or workgroup", rights.modify_queue, self._queues)
        self._named(
            kind, key, index, "classification", rights.classifications or (), self._categories
        )

    def _named(
        self,
        kind: str,
        key: str,
        index: int,
        what: str,
        names: Collection[str],
        known: Collection[str],
    ) -> bool:
        """Whether all these names are known; each that is not is an error."""
        unknown = sorted(name for name in names if name not in known)
        for name in unknown:
            self._error(kind, key, index, f"no {what} {name!r}")
        return not unknown

    def _error(self, kind: str, key: str, index: int, text: str) -> None:
        said = key if kind == finding.DEFAULT_USER else f"{kind} {key}"
        self.errors.append(Finding(kind, key, f"{said}: {text}", index, self._name))

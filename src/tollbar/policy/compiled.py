"""The parts of a snapshot: tenants and peers as decisions read them. Nothing here changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tollbar.policy.account import Codes
from tollbar.policy.dialplan import DialPlan, Entry
from tollbar.policy.far_end import FarEnd
from tollbar.policy.feature import Features
from tollbar.policy.finding import Finding
from tollbar.policy.hunting import Group
from tollbar.policy.refusal import Answer
from tollbar.policy.rights import Effective, Holders
from tollbar.policy.settings import Settings, Tenant
from tollbar.policy.template import Templates
from tollbar.policy.trunk import Called, PeerRules, Rewrite
from tollbar.policy.workgroup import Prefixes


@dataclass(slots=True)
class TenantPolicy:
    """One tenant, compiled.

    ``by_number`` finds a caller by extension or number, ``by_standardized`` a called user by
    the standardized form of the same; ``nobody`` is the caller nobody knows. ``as_entered``
    is the entry for numbers that match nothing, where there is a dial group to send them to.
    ``source`` is what it was compiled from, ``plan_warnings`` what was said of its plan.
    ``prefixes`` and ``far_end`` are None where there are none.
    """

    name: str
    source: Tenant
    codes: Codes
    holders: Holders
    users: Mapping[str, Effective]
    by_number: Mapping[str, Effective]
    by_standardized: Mapping[str, Effective]
    nobody: Effective
    plan: DialPlan
    as_entered: Entry | None
    plan_warnings: Sequence[Finding]
    prefixes: Prefixes | None
    far_end: FarEnd | None


@dataclass(slots=True)
class PeerPolicy:
    """One peer, compiled."""

    rules: PeerRules
    tenant: TenantPolicy
    rewrite: Rewrite
    called: Called
    trunk: bool


@dataclass(slots=True)
class Snapshot:
    """The compiled whole. ``warnings`` are findings that did not stop the load.

    ``basis`` is what all tenants were compiled with; a tenant's parts can be taken over into
    the next snapshot where it is the same.
    """

    settings: Settings
    tenants: Mapping[str, TenantPolicy]
    peers: Mapping[str, PeerPolicy]
    dial_groups: Mapping[str, Group]
    templates: Templates
    features: Features | None
    answers: Mapping[str, Answer]
    warnings: Sequence[Finding]
    basis: Any  # mypyc cannot compile a dataclass with a field that is an object

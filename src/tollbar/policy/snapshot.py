"""Everything policy knows, compiled into one object that is swapped whole (DESIGN decision 8).

Built only by ``compile_snapshot``; nothing in it changes afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.finding import Finding
from tollbar.policy.rights import Rights, Role, User, Workgroup
from tollbar.policy.trunk import DialGroup, PeerRules


@dataclass(slots=True)
class Settings:
    """What holds for the whole system.

    ``account_codes`` is the switch of SPEC A1, ``templates`` those of E3 in order.
    ``unknown_callers`` is "default" or "refuse"; ``unmatched`` is "refuse" or "as_entered"
    (D7), then through ``unmatched_group``, "" being the first dial group with a trunk.
    ``statuses`` overrides the SIP status by reason (C4).
    """

    account_codes: bool = True
    templates: Sequence[str] = ()
    unknown_callers: str = "default"
    unmatched: str = "refuse"
    unmatched_group: str = ""
    shadow: bool = False
    timezone: str = "UTC"
    statuses: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tenant:
    """One tenant's directory as it was configured.

    ``lists`` are the number lists by name; ``classifications`` maps names of one's own to
    one of ``dialplan.CATEGORIES``. ``dial_plan`` is in order.
    """

    codes: Sequence[Code] = ()
    default_user: Rights = field(default_factory=Rights)
    roles: Sequence[Role] = ()
    workgroups: Sequence[Workgroup] = ()
    users: Sequence[User] = ()
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classifications: Mapping[str, str] = field(default_factory=dict)
    dial_plan: Sequence[DialObject] = ()


class Snapshot:
    """The compiled whole. ``warnings`` are findings that did not stop the load."""

    __slots__ = ("settings", "warnings")
    settings: Settings
    warnings: Sequence[Finding]


def compile_snapshot(
    tenants: Mapping[str, Tenant],
    peers: Sequence[PeerRules],
    dial_groups: Sequence[DialGroup],
    settings: Settings,
) -> Snapshot:
    """Check and compile everything; raises PlanError with every finding that stops it."""
    raise NotImplementedError

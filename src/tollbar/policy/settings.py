"""What policy is configured with: the system's settings and each tenant's directory.

Plain data as an administrator means it; ``snapshot`` checks and compiles it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.guess import Guessing
from tollbar.policy.rights import Rights, Role, User, Workgroup

REFUSE: Final = "refuse"
DEFAULT_USER: Final = "default"
AS_ENTERED: Final = "as_entered"


@dataclass(slots=True)
class Settings:
    """What holds for the whole system.

    ``account_codes`` off takes codes off and asks for none; ``templates`` are in order.
    ``unknown_callers`` is "default" or "refuse"; ``unmatched`` is "refuse" or "as_entered",
    then through ``unmatched_group``, "" being the first dial group with a trunk.
    ``statuses`` overrides the SIP status by reason. ``sticky_set`` and ``sticky_clear`` are the
    feature codes of sticky account codes, "" for none.
    """

    account_codes: bool = True
    templates: Sequence[str] = ()
    unknown_callers: str = DEFAULT_USER
    unmatched: str = REFUSE
    unmatched_group: str = ""
    shadow: bool = False
    timezone: str = "UTC"
    statuses: Mapping[str, int] = field(default_factory=dict)
    sticky_set: str = ""
    sticky_clear: str = ""
    guessing: Guessing = field(default_factory=Guessing)


@dataclass(slots=True)
class Tenant:
    """One tenant's directory as it was configured.

    ``lists`` are the number lists by name; ``classifications`` maps names of one's own to
    one of ``dialplan.CATEGORIES``. ``dial_plan`` is in order. ``far_end`` ties account codes to
    the numbers of far ends: pattern to code, first match.
    """

    codes: Sequence[Code] = ()
    default_user: Rights = field(default_factory=Rights)
    roles: Sequence[Role] = ()
    workgroups: Sequence[Workgroup] = ()
    users: Sequence[User] = ()
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classifications: Mapping[str, str] = field(default_factory=dict)
    dial_plan: Sequence[DialObject] = ()
    far_end: Mapping[str, str] = field(default_factory=dict)

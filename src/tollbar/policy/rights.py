"""Rights and access: who holds them and what a user ends up with (SPEC B1-B4).

Four kinds of holder grant: the default user, roles, workgroups and users. What a user has is
the union, each grant knowing where it comes from. Only *account code verification* can be
switched off again, and only for one user.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

ALL: Final = "*"


@dataclass(slots=True)
class Rights:
    """What one holder grants.

    ``verification`` is True, None (says nothing) or, for a user only, False (switched off).
    ``codes`` is the access to account codes: a set of codes, or ALL in it for every code.
    ``classifications`` is None where the holder states none (SPEC D4).
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
    """A group of users; it passes its own rights and its roles on to its members."""

    name: str
    rights: Rights = field(default_factory=Rights)
    roles: Sequence[str] = ()
    description: str = ""


@dataclass(slots=True)
class User:
    """Someone with extensions and numbers (SPEC B5). Both are compared without formatting."""

    name: str
    display: str = ""
    extensions: Sequence[str] = ()
    numbers: Sequence[str] = ()
    location: str = ""
    rights: Rights = field(default_factory=Rights)
    roles: Sequence[str] = ()
    workgroups: Sequence[str] = ()

"""The directory as an administrator edits it: each tenant's codes, holders and dial plan.

The entries are policy's own plain objects; what is added here is where each one stands, so
that whatever is wrong with an entry can be told with its line. It must never decide a call.
"""

from dataclasses import dataclass, field

from tollbar.document import Place
from tollbar.policy.snapshot import Tenant

DEFAULT_TENANT = "default"


@dataclass(slots=True)
class Directory:
    """All tenants. ``places`` finds an entry by (tenant, kind, key), kinds as in policy."""

    source: Place
    tenants: dict[str, Tenant] = field(default_factory=dict)
    places: dict[tuple[str, str, str], Place] = field(default_factory=dict, repr=False)

    def place(self, tenant: str, kind: str, key: str) -> Place:
        return self.places.get((tenant, kind, key), self.source)

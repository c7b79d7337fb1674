"""A directory made into policy's snapshot, and policy's findings given their lines.

It must never let a broken directory through half: either the whole compiles or it is refused.
"""

from collections.abc import Iterable, Mapping, Sequence

from tollbar.directory.model import Directory
from tollbar.document import Finding, Place, Rejected
from tollbar.policy import finding
from tollbar.policy.finding import PlanError
from tollbar.policy.snapshot import Settings, Snapshot, compile_snapshot
from tollbar.policy.trunk import DialGroup, PeerRules


def compile_directory(
    directory: Directory,
    peers: Sequence[PeerRules],
    dial_groups: Sequence[DialGroup],
    settings: Settings,
    places: Mapping[tuple[str, str], Place] | None = None,
    previous: Snapshot | None = None,
) -> tuple[Snapshot, list[Finding]]:
    """The snapshot and what is doubtful about it; raises ``Rejected`` when it cannot be used.

    ``places`` finds by (kind, key) what stands outside the directory: peers, dial groups,
    templates. From ``previous`` is taken over what did not change.
    """

    def located(found: finding.Finding) -> Finding:
        place = (places or {}).get((found.kind, found.key))
        if place is None:
            place = directory.place(found.tenant, found.kind, found.key)
        return Finding(place, "", found.text)

    try:
        snapshot = compile_snapshot(directory.tenants, peers, dial_groups, settings, previous)
    except PlanError as error:
        raise Rejected(_in_order(map(located, error.findings))) from None
    return snapshot, _in_order(map(located, snapshot.warnings))


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.place.file, f.place.line, f.place.column))

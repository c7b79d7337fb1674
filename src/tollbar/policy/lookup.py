"""From what was dialled to the dial-plan entry, through feature codes, prefixes and templates.

Emergency numbers are recognised before all of these and after each, and as an urn. Where a
code was dialled, it is apart from the number from here on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.dialplan import Entry
from tollbar.policy.number import SOS, normalise


@dataclass(slots=True)
class Looked:
    """What was found. ``number`` never holds a code; ``begun`` says that only the beginning of
    a template, prefix or feature code was dialled, and ``dialable`` is false for what no number
    may hold. ``urn`` is what was dialled where ``number`` only stands for it. ``feature`` is the
    feature code, ``workgroups`` are those named by a prefix."""

    number: str
    entry: Entry | None
    code: str = ""
    template: str = ""
    begun: bool = False
    dialable: bool = True
    urn: str = ""
    feature: str = ""
    workgroups: Sequence[str] = ()


def look_up(snapshot: Snapshot, peer: PeerPolicy, dialled: str, location: str) -> Looked:
    """The entry for what was dialled."""
    plan = peer.tenant.plan
    number = normalise(dialled)
    if not number.isprintable():
        return Looked("", None, dialable=False)
    entry = plan.match(number, location)
    prefixes = peer.tenant.prefixes
    if entry is not None and (
        entry.emergency
        # As most are: neither a template nor a feature code is met with digits alone.
        or (prefixes is None and snapshot.templates.signed and number.isdigit())
    ):
        return Looked(number, entry)
    if entry is None and number.startswith(SOS) and number[len(SOS) : len(SOS) + 1] in ("", "."):
        sos = plan.sos(location)
        return Looked(number, None) if sos is None else Looked(sos[1], sos[0], urn=number)
    features = snapshot.features
    if (features is None and prefixes is None) or peer.trunk:
        return _behind_template(snapshot, peer, number, entry, location)
    if features is not None and number.startswith(features.heads):
        feature = features.find(number)
        if feature is not None:
            return Looked(features.head, None, feature[1], feature=feature[0])
        if features.begun(number):
            return Looked(features.head, None, begun=True)
    workgroups: list[str] = []
    taken = None if prefixes is None else prefixes.take(number)
    if taken is not None:
        workgroups.append(taken[0])
        number = normalise(taken[1])
        entry = plan.match(number, location)
        if entry is not None and entry.emergency:
            return Looked(number, entry, workgroups=workgroups)
    looked = _behind_template(snapshot, peer, number, entry, location)
    if looked.template:
        taken = None if prefixes is None else prefixes.take(looked.number)
        if taken is not None and not (looked.entry is not None and looked.entry.emergency):
            workgroups.append(taken[0])
            looked.number = normalise(taken[1])
            looked.entry = plan.match(looked.number, location)
    elif looked.entry is None and looked.number:
        begins = (prefixes is not None and prefixes.begins(number)) or (
            features is not None and features.begins(number)
        )
        looked.begun = looked.begun or (begins and not workgroups)
    looked.workgroups = workgroups
    return looked


def _behind_template(
    snapshot: Snapshot, peer: PeerPolicy, number: str, entry: Entry | None, location: str
) -> Looked:
    """The entry for a number that may hold a code by a digit template."""
    templates = snapshot.templates
    split = templates.split(number)
    if split is not None:
        number = normalise(split[0])
        return Looked(number, peer.tenant.plan.match(number, location), split[1], split[2])
    if entry is None or number.startswith(templates.owned):
        begun = templates.begun(number)
        if begun:
            return Looked(begun, None, begun=True)
        if number and templates.begins(number):
            return Looked(number, None, begun=True)
    return Looked(number, entry)

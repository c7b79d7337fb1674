"""From what was dialled to the dial-plan entry, through the digit templates.

Emergency numbers are recognised before the templates and after them, and as an urn. Where a
template was used, the code it held is apart from the number from here on.
"""

from dataclasses import dataclass

from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.dialplan import Entry
from tollbar.policy.number import SOS, normalise


@dataclass(slots=True)
class Looked:
    """What was found. ``number`` never holds a code; ``begun`` says that only the beginning
    of a template was dialled, and ``dialable`` is false for what no number may hold. ``urn``
    is what was dialled where ``number`` only stands for it."""

    number: str
    entry: Entry | None
    code: str = ""
    template: str = ""
    begun: bool = False
    dialable: bool = True
    urn: str = ""


def look_up(snapshot: Snapshot, peer: PeerPolicy, dialled: str, location: str) -> Looked:
    """The entry for what was dialled."""
    plan = peer.tenant.plan
    number = normalise(dialled)
    if not number.isprintable():
        return Looked("", None, dialable=False)
    entry = plan.match(number, location)
    if entry is not None and entry.emergency:
        return Looked(number, entry)
    if entry is None and number.startswith(SOS) and number[len(SOS) : len(SOS) + 1] in ("", "."):
        sos = plan.sos(location)
        return Looked(number, None) if sos is None else Looked(sos[1], sos[0], urn=number)
    templates = snapshot.templates
    split = templates.split(number)
    if split is not None:
        number = normalise(split[0])
        return Looked(number, plan.match(number, location), split[1], split[2])
    if entry is None:
        begun = templates.begun(number)
        if begun:
            return Looked(begun, None, begun=True)
    return Looked(number, entry)

"""From what was dialled to the dial-plan entry, through feature codes, prefixes and templates.

Emergency numbers are recognised before all of these and after each, and as an urn. Where a
code was dialled, it is apart from the number from here on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tollbar.policy.compiled import PeerPolicy, Snapshot
from tollbar.policy.dialplan import DialPlan, Entry
from tollbar.policy.feature import CLEAR, Features
from tollbar.policy.number import normalise
from tollbar.policy.template import DEEPEST, Templates
from tollbar.policy.workgroup import Prefixes


@dataclass(slots=True)
class Looked:
    """What was found. ``number`` never holds a code; ``codes`` are those that were dialled.
    ``begun`` says that only the beginning of a template, prefix or feature code was dialled,
    and ``dialable`` is false for what no number may hold. ``urn`` is what was dialled where
    ``number`` only stands for it. ``feature`` is the feature code, ``workgroups`` are those
    named by a prefix."""

    number: str
    entry: Entry | None
    codes: Sequence[str] = ()
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
    sos = plan.sos(number, location)
    if sos is not None:
        return Looked(sos[1], sos[0], urn=number)
    features = snapshot.features
    if peer.trunk:
        features = prefixes = None
    if features is not None and number.startswith(features.heads):
        feature = features.find(number)
        if feature is not None:
            dialled = features.clear if feature[0] == CLEAR else features.head
            return Looked(dialled, None, feature[1:], feature=feature[0])
        if features.begun(number):
            return Looked(features.head, None, begun=True)
    looked = Looked(number, entry)
    _undress(looked, snapshot.templates, prefixes, plan, location)
    if looked.dialable and (looked.entry is None or not looked.entry.emergency):
        _finish(looked, snapshot.templates, prefixes, features)
    return looked


def _undress(
    looked: Looked,
    templates: Templates,
    prefixes: Prefixes | None,
    plan: DialPlan,
    location: str,
) -> None:
    """Take prefixes and templates off until an emergency number or none of them is left.

    Who redials a number with its template behind another dials a code twice, and so it is with
    prefixes.
    """
    codes: list[str] = []
    workgroups: list[str] = []
    prefixed = False
    while looked.entry is None or not looked.entry.emergency:
        if len(codes) + len(workgroups) > DEEPEST:
            looked.number, looked.entry, looked.dialable = "", None, False
            return
        number = looked.number
        # Behind a prefix, too, digits alone are the number.
        whole = prefixes is None or (prefixed and number.isdigit())
        taken = None if prefixes is None or whole else prefixes.take(number)
        if taken is not None:
            workgroups.append(taken[0])
            behind = taken[1]
        else:
            # Behind a template digits alone are the number, whatever they begin with.
            split = None if looked.template and number.isdigit() else templates.split(number)
            if split is None:
                break
            behind, code, text = split
            codes.append(code)
            looked.template = looked.template or text
        prefixed = taken is not None
        looked.number = normalise(behind)
        looked.entry = plan.match(looked.number, location)
    looked.codes, looked.workgroups = codes, workgroups


def _finish(
    looked: Looked, templates: Templates, prefixes: Prefixes | None, features: Features | None
) -> None:
    """Of what may be a code no more than its beginning goes on; nobody dials nothing."""
    number = looked.number
    undressed = bool(looked.template or looked.workgroups)
    begun = ""
    if undressed and features is not None:
        begun = features.begun(number)
    if not begun and (looked.entry is None or number.startswith(templates.owned)):
        begun = templates.begun(number)
    if begun:
        looked.number, looked.entry, looked.begun = begun, None, True
    elif not number:
        looked.entry = None
    elif looked.entry is None:
        looked.begun = templates.begins(number) or (
            not undressed
            and (
                (prefixes is not None and prefixes.begins(number))
                or (features is not None and features.begins(number))
            )
        )

"""Who is calling: from the peer, its asserted identity, From, or a diverter.

Headers of peers that are not trusted for identity, and of trunks, give nobody's rights. An
identity that a trusted peer asserts is final: where nobody has that number, From is not asked.
"""

from dataclasses import dataclass
from typing import Final

from tollbar.policy.attempt import Attempt
from tollbar.policy.compiled import PeerPolicy
from tollbar.policy.number import normalise
from tollbar.policy.rights import Effective

FROM: Final = "From"
ASSERTED: Final = "P-Asserted-Identity"
DIVERTER: Final = "diverter"


@dataclass(slots=True)
class Caller:
    """The caller found: ``number`` as received, ``extension`` as the directory knows it.

    ``rights`` are those of nobody where ``known`` is false; ``by`` says what it was found by.
    """

    number: str
    extension: str
    by: str
    rights: Effective
    known: bool


def find_caller(peer: PeerPolicy, attempt: Attempt) -> Caller:
    """The caller of an attempt from a PBX."""
    by = FROM
    given = attempt.from_user
    if peer.rules.trust_identity:
        if attempt.diverters:
            by = DIVERTER
            given = attempt.diverters[0]
        elif attempt.asserted:
            by = ASSERTED
            given = attempt.asserted[0]
    tenant = peer.tenant
    number = normalise(given)
    extension = peer.rewrite.apply(number)
    rights = tenant.by_number.get(extension)
    if rights is None and by == ASSERTED:
        # A peer may assert a number and a name for one caller, in either order.
        for other in attempt.asserted[1:]:
            candidate = normalise(other)
            rewritten = peer.rewrite.apply(candidate)
            rights = tenant.by_number.get(rewritten)
            if rights is not None:
                number, extension = candidate, rewritten
                break
    if rights is None:
        return Caller(number, "", by, tenant.nobody, False)
    return Caller(number, extension, by, rights, True)


def outside_caller(peer: PeerPolicy, attempt: Attempt) -> str:
    """The number of a caller from a trunk, for the record; it gives no rights."""
    if peer.rules.trust_identity and attempt.asserted:
        return normalise(attempt.asserted[0])
    return normalise(attempt.from_user)

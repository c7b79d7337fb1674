"""Who is calling: from the peer, its asserted identity, From, or a diverter.

Headers of peers that are not trusted for identity, and of trunks, give nobody's rights. An
identity that a trusted peer asserts is final: where nobody has that number, From is not asked.
"""

from typing import Final

from tollbar.policy.attempt import Attempt
from tollbar.policy.compiled import PeerPolicy
from tollbar.policy.number import normalise
from tollbar.policy.rights import Effective

FROM: Final = "From"
ASSERTED: Final = "P-Asserted-Identity"
DIVERTER: Final = "diverter"


def find_caller(peer: PeerPolicy, attempt: Attempt) -> tuple[Effective, str, str, str]:
    """The caller of an attempt from a PBX: rights, number as received, extension, found by what.

    Where nobody has that number the rights are those of nobody, and there is no extension.
    """
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
    if rights is not None:
        return rights, number, extension, by
    if by == ASSERTED:
        # A peer may assert a number and a name for one caller, in either order.
        for other in attempt.asserted[1:]:
            candidate = normalise(other)
            extension = peer.rewrite.apply(candidate)
            rights = tenant.by_number.get(extension)
            if rights is not None:
                return rights, candidate, extension, by
    return tenant.nobody, number, "", by


def outside_caller(peer: PeerPolicy, attempt: Attempt) -> str:
    """The number of a caller from a trunk, for the record; it gives no rights."""
    if peer.rules.trust_identity and attempt.asserted:
        return normalise(attempt.asserted[0])
    return normalise(attempt.from_user)

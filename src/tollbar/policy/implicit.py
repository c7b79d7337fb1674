"""Account codes nobody gave with the call: sticky, of the far end, the user's own default.

They count only where no explicit code came, in this order. One that is not valid counts as
none, and the steps say so; it is never held against the caller as a guess.
"""

from collections.abc import Iterator
from typing import Final

from tollbar.policy.attempt import Decision, Situation
from tollbar.policy.compiled import TenantPolicy
from tollbar.policy.rights import Effective
from tollbar.policy.verdict import VALID

STICKY: Final = "sticky"
FAR_END: Final = "far_end"
DEFAULT: Final = "default"


def take_implicit(
    tenant: TenantPolicy,
    rights: Effective,
    decision: Decision,
    situation: Situation,
) -> bool:
    """Put the first implicit code that is valid into the decision of a call out."""
    for source, code in _offered(tenant, rights, decision, situation):
        check = tenant.codes.check(code, situation.utc, rights)
        if check == VALID:
            accept(tenant, decision, source, code)
            return True
        decision.steps.append((f"{source} code not used", check))
    return False


def accept(tenant: TenantPolicy, decision: Decision, source: str, code: str) -> None:
    """Let a call carry a code that was found valid."""
    decision.code_source = source
    decision.code_check = VALID
    decision.account_code = code
    decision.account_code_description = tenant.codes.by_code[code].description


def _offered(
    tenant: TenantPolicy, rights: Effective, decision: Decision, situation: Situation
) -> Iterator[tuple[str, str]]:
    sticky = situation.sticky.get(decision.holder)
    if sticky:
        yield STICKY, sticky
    if tenant.far_end is not None:
        code = tenant.far_end.of_called(decision.standardized)
        if code:
            yield FAR_END, code
    user = rights.user
    if user is not None and user.default_code:
        yield DEFAULT, user.default_code

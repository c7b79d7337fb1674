"""Who may change the account code of a live interaction, or of a finished one, and choose it.

Reading rights only: it never changes an interaction. A code that is assigned takes the right
*account code verification* and access to it, unlike one that is dialled with a call.
"""

from typing import Final

from tollbar.policy.account import Code, Codes
from tollbar.policy.refusal import EXPIRED, RETIRED
from tollbar.policy.rights import Effective
from tollbar.policy.verdict import VALID

NO_VERIFICATION: Final = "no_verification"
NOT_YOUR_QUEUE: Final = "not_your_queue"
NO_CORRECTION: Final = "no_correction"

_WHY: Final = {
    NO_VERIFICATION: "needs the right account code verification",
    NOT_YOUR_QUEUE: "needs the right modify queue",
    NO_CORRECTION: "needs the right correct records",
    "malformed": "a code is 1 to 50 digits",
    "unknown": "there is no such account code",
    "retired": "the account code is retired",
    "expired": "the account code is not valid today",
    "not_permitted": "needs access to the account code",
}


def why(reason: str) -> str:
    """A reason of this file, or of a code not accepted, as a sentence's end."""
    return _WHY.get(reason, reason)


def may_assign(
    actor: Effective, on_own_queue: bool, queue: str, code: str, utc: float, codes: Codes
) -> str:
    """The reason against assigning a code, or "".

    ``queue`` names the user or workgroup whose queue the interaction is on. An empty ``code``
    deletes the one that is there.
    """
    if not on_own_queue and not actor.may_modify(queue):
        return NOT_YOUR_QUEUE
    if not actor.verification:
        return NO_VERIFICATION
    if not code:
        return ""
    check = codes.check(code, utc, actor)
    return "" if check == VALID else check


def may_correct(actor: Effective, code: str, utc: float, codes: Codes) -> str:
    """The reason against giving a finished interaction this code ("" takes it away), or "".

    A code that was retired or has run out since may have been the right one then.
    """
    if not actor.correct_records:
        return NO_CORRECTION
    if not code:
        return ""
    check = codes.check(code, utc, actor)
    if check in (RETIRED, EXPIRED):
        check = VALID if actor.may_use(code) else "not_permitted"
    return "" if check == VALID else check


def choices(
    actor: Effective,
    codes: Codes,
    utc: float,
    prefix: str = "",
    limit: int = 50,
    *,
    by_number: bool = False,
) -> list[Code]:
    """The pick list: active codes the actor may use that begin so; none for who may not view."""
    if not actor.view_codes:
        return []
    found: list[Code] = []
    for code in codes.beginning(prefix, actor, by_number=by_number):
        if len(found) >= limit:
            break
        if codes.check(code, utc, actor) == VALID:
            found.append(codes.by_code[code])
    return found

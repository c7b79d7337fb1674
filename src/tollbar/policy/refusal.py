"""How each reason of a refusal is answered: status, Q.850 cause and text.

The texts go to the caller. Those of codes not accepted, and of whoever gave too many of them,
are one and the same, so that nobody
learns from them which codes exist; 401 and 407 are never used, clients would loop on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PEER: Final = "peer"
UNKNOWN_CALLER: Final = "unknown_caller"
NO_MATCH: Final = "no_match"
INCOMPLETE: Final = "incomplete"
BLOCKED: Final = "blocked"
CLASSIFICATION: Final = "classification"
WORKGROUP: Final = "workgroup"
LOCKED: Final = "locked"
REQUIRED: Final = "required"
MALFORMED: Final = "malformed"
UNKNOWN: Final = "unknown"
RETIRED: Final = "retired"
EXPIRED: Final = "expired"
NOT_PERMITTED: Final = "not_permitted"
CONFLICT: Final = "conflict"
NO_TRUNK: Final = "no_trunk"

NOT_ACCEPTED: Final = (MALFORMED, UNKNOWN, RETIRED, EXPIRED, NOT_PERMITTED, CONFLICT)

TELLING: Final = (LOCKED, *NOT_ACCEPTED)
"""Reasons that all sound the same, because to know which it was helps a guesser."""

NOT_ACCEPTED_TEXT: Final = "Account Code Not Accepted"


@dataclass(slots=True, frozen=True)
class Answer:
    """What a refused caller gets: SIP status, Q.850 cause, text of the Warning."""

    status: int
    q850: int
    text: str


ANSWERS: Final[Mapping[str, Answer]] = {
    PEER: Answer(403, 21, "Call Not Permitted"),
    UNKNOWN_CALLER: Answer(403, 21, "Caller Not Permitted"),
    NO_MATCH: Answer(404, 1, "Number Not In Dial Plan"),
    INCOMPLETE: Answer(484, 28, "Number Incomplete"),
    BLOCKED: Answer(403, 21, "Call Not Permitted"),
    CLASSIFICATION: Answer(403, 21, "Call Not Permitted"),
    WORKGROUP: Answer(403, 21, "Workgroup Not Permitted"),
    LOCKED: Answer(403, 21, NOT_ACCEPTED_TEXT),
    REQUIRED: Answer(403, 21, "Account Code Required"),
    **{reason: Answer(403, 21, NOT_ACCEPTED_TEXT) for reason in NOT_ACCEPTED},
    NO_TRUNK: Answer(503, 34, "No Trunk Available"),
}


def answers(statuses: Mapping[str, int]) -> Mapping[str, Answer]:
    """The answers with the statuses an operator set instead."""
    return {
        reason: Answer(statuses.get(reason, answer.status), answer.q850, answer.text)
        for reason, answer in ANSWERS.items()
    }


def revealed(reason: str, text: str) -> str:
    """The text for a peer that may be told why (``reveal_reason``)."""
    return f"{text}: {reason}" if reason in TELLING else text

"""Why a call ended, as SIP, Q.850 and the record say it (RFC 3398 8.2.6.1, RFC 3326)."""

import re
from typing import Final

from tollbar.policy.attempt import Decision
from tollbar.sip.message import Message

CALLER: Final = "caller"
CALLEE: Final = "callee"
GATEWAY: Final = "gateway"
OPERATOR: Final = "operator"

ANSWERED: Final = "answered"
BUSY: Final = "busy"
NO_ANSWER: Final = "no_answer"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
REFUSED: Final = "refused"
INTERRUPTED: Final = "interrupted"
OUTCOMES: Final = (ANSWERED, BUSY, NO_ANSWER, CANCELLED, FAILED, REFUSED, INTERRUPTED)

_Q850_OF_STATUS: Final = {
    400: 41,
    401: 21,
    402: 21,
    403: 21,
    404: 1,
    405: 63,
    406: 79,
    407: 21,
    408: 102,
    410: 22,
    413: 127,
    414: 127,
    415: 79,
    416: 127,
    420: 127,
    421: 127,
    423: 127,
    480: 18,
    481: 41,
    482: 25,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    487: 16,
    488: 88,
    500: 41,
    501: 79,
    502: 38,
    503: 41,
    504: 102,
    505: 127,
    513: 127,
    600: 17,
    603: 21,
    604: 1,
    606: 88,
}
_OUTCOME_OF_STATUS: Final = {486: BUSY, 600: BUSY, 408: NO_ANSWER, 480: NO_ANSWER}
_CAUSE: Final = re.compile(rb";[ \t]*+cause[ \t]*+=[ \t]*+([0-9]{1,3})(?![0-9])", re.IGNORECASE)


def q850_of(message: Message | None, status: int) -> int:
    """The Q.850 cause a message states in its Reason, else the one its status maps to."""
    if message is not None and b"Reason" in message.fields:
        for value in message.all(b"Reason"):
            for part in value.split(b","):
                protocol, semicolon, rest = part.partition(b";")
                if protocol.strip().upper() == b"Q.850":
                    stated = _CAUSE.search(semicolon + rest)
                    if stated:
                        return int(stated[1])
    return _Q850_OF_STATUS.get(status, 31 if status >= 300 else 16)


def outcome_of(status: int) -> str:
    """The record's word for a call the far end did not take."""
    return _OUTCOME_OF_STATUS.get(status, FAILED)


def status_towards_caller(status: int) -> int:
    """The status the caller gets for the callee's final failure.

    A challenge is for us, not for the caller; a redirection names contacts that do not cross.
    """
    if status in (401, 407):
        return 502
    if status < 400:
        return 480
    return status


def reason_line(q850: int, text: str) -> bytes:
    """A Reason header line (RFC 3326); ``text`` is one of our own words."""
    return b'Reason: Q.850;cause=%d;text="%b"\r\n' % (q850, text.encode())


def refusal_headers(decision: Decision, host: bytes) -> bytes:
    """What a refused caller may know."""
    text = " ".join(decision.text.replace("\\", "").replace('"', "").split())
    q850 = decision.q850 or q850_of(None, decision.status)
    headers = reason_line(q850, text)
    headers += b'Warning: 399 %b "%b"\r\n' % (host, text.encode())
    if decision.status == 503:
        headers += b"Retry-After: 10\r\n"
    return headers

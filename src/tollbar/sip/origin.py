"""Where a request came from: what it is matched by (RFC 3261 17.2.3) and what its responses
repeat (8.2.6.2, 18.2.1; RFC 3581).

The key is read without parsing, because repeats are absorbed by it before anything else. It
comes from the topmost Via or not at all: a lower one belongs to another request.
"""

import re
from typing import Final

from tollbar.sip.flow import Flow
from tollbar.sip.message import Message

# The topmost Via, wherever it stands, and of it sent-by and branch if that has the cookie.
_VIA: Final = re.compile(
    rb"\n(?:v|via)[ \t]*:(?:[ \t]*SIP/2\.0/[A-Za-z]{2,4}[ \t]+([^\s;,]++)[^\r\n,]*?;"
    rb"branch=(z9hG4bK[^\s;,]++))?",
    re.IGNORECASE,
)
_received: Final = re.compile(rb";[ \t]*received[ \t]*(?:=[^;,]*)?(?=;|$)", re.IGNORECASE)


def mirror(message: Message, flow: Flow) -> bytes:
    """The lines every response repeats (8.2.6.2), To left out; received and rport filled in."""
    via = message.via
    values = message.all(b"Via")
    top = via.text
    added = top
    address = flow.address.encode()
    if b"received" in via.params:
        # What a sender says of its own address is not known until we have seen it.
        added = _received.sub(b"", added)
    if b"rport" in via.params and not via.params[b"rport"]:
        added = _fill_rport(added, flow.port) + b";received=" + address
    elif via.host.strip(b"[]") != address:
        added = added + b";received=" + address
    if added is not top:
        value = values[0]
        at = value.index(top)  # an empty element may stand before it
        values[0] = value[:at] + added + value[at + len(top) :]
    lines = [b"Via: %b\r\n" % value for value in values]
    lines.append(
        b"From: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n"
        % (message.from_.text, message.call_id, message.cseq, message.cseq_method)
    )
    if b"Timestamp" in message.fields:
        lines.append(b"Timestamp: %b\r\n" % (message.first(b"Timestamp") or b""))
    return b"".join(lines)


def _fill_rport(text: bytes, port: int) -> bytes:
    return re.sub(
        rb";[ \t]*rport[ \t]*(?==|;|$)(?:=[ \t]*)?", b";rport=%d" % port, text, count=1, flags=re.I
    )


def server_key(data: bytes, flow: Flow) -> bytes:
    """What a request is matched by (17.2.3), read without parsing; ACK shares its INVITE's.

    Empty where the branch lacks the magic cookie.
    """
    via = _VIA.search(data)
    if via is None or via[2] is None:
        return b""
    sent_by, branch = via.groups()
    method = data[: data.find(b" ", 0, 64)]
    kind = b"INVITE" if method == b"ACK" else method
    return b" ".join((branch, sent_by, kind, flow.address.encode()))


def plain_key(message: Message, flow: Flow) -> bytes:
    """17.2.3 for a branch without the magic cookie (RFC 2543 peers); ACK finds its INVITE."""
    method = b"INVITE" if message.method == b"ACK" else message.method
    return b"2543 %b %b %d %b %b %b" % (
        message.call_id,
        message.from_.tag,
        message.cseq,
        method,
        message.via.text,
        flow.address.encode(),
    )

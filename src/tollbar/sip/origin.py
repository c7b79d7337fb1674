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
# The same in the first line, as nearly everyone writes it: a quarter of the time.
_plain_via: Final = re.compile(
    rb"\nVia: SIP/2\.0/[A-Z]++ ([^\s;,]++)(?:;(?!branch=)[^\s;,]*+)*"
    rb";branch=(z9hG4bK[^\s;,]++)"
).match
_rport: Final = re.compile(rb";[ \t]*rport[ \t]*(?==|;|$)(?:=[ \t]*)?", re.IGNORECASE)
_received: Final = re.compile(rb";[ \t]*received[ \t]*(?:=[^;,]*)?(?=;|$)", re.IGNORECASE)


def mirror(message: Message, flow: Flow) -> bytes:
    """The lines every response repeats (8.2.6.2), To left out; received and rport filled in."""
    via = message.via
    params = via.params
    top = via.text
    added = top
    if b"received" in params:
        # What a sender says of its own address is not known until we have seen it.
        added = _received.sub(b"", added)
    if b"rport" in params and not params[b"rport"]:
        before, plain, after = added.partition(b";rport;")
        if plain:
            added = b"%b;rport=%d;%b;received=%b" % (before, flow.port, after, flow.host)
        elif added[-6:] == b";rport":
            added = b"%b=%d;received=%b" % (added, flow.port, flow.host)
        else:
            added = _rport.sub(b";rport=%d" % flow.port, added, count=1)
            added = b"%b;received=%b" % (added, flow.host)
    elif via.host.strip(b"[]") != flow.host:
        added = b"%b;received=%b" % (added, flow.host)
    fields = message.fields
    first = fields[b"Via"]
    if first is top:
        first = added
    elif added is not top:
        at = first.index(top)  # an empty element may stand before it
        first = first[:at] + added + first[at + len(top) :]
    more = b""
    if len(fields) != len(message.lines):
        more = b"".join([b"Via: %b\r\n" % value for value in message.all(b"Via")[1:]])
    data = b"Via: %b\r\n%bFrom: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n" % (
        first,
        more,
        fields.get(b"From", b""),
        message.call_id,
        message.cseq,
        message.cseq_method,
    )
    if b"Timestamp" in fields:
        data += b"Timestamp: %b\r\n" % fields[b"Timestamp"]
    return data


def server_key(data: bytes, method: bytes, flow: Flow) -> bytes:
    """What a ``method`` request is matched by (17.2.3), read without parsing; ACK shares its
    INVITE's.

    Empty where the branch lacks the magic cookie.
    """
    via = _plain_via(data, data.find(b"\n")) or _VIA.search(data)
    if via is None:
        return b""
    sent_by, branch = via.groups()
    if branch is None:
        return b""
    kind = b"INVITE" if method == b"ACK" else method
    return b" ".join((branch, sent_by, kind, flow.host))


def plain_key(message: Message, flow: Flow) -> bytes:
    """17.2.3 for a branch without the magic cookie (RFC 2543 peers); ACK finds its INVITE."""
    method = b"INVITE" if message.method == b"ACK" else message.method
    return b"2543 %b %b %d %b %b %b" % (
        message.call_id,
        message.from_tag,
        message.cseq,
        method,
        message.via.text,
        flow.host,
    )

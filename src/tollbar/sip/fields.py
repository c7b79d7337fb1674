"""Header values with an inner structure: Via (RFC 3261 20.42), addresses (20.10), CSeq (20.16).

Each is parsed from the bytes of one value, white space already unfolded. Nothing here reads
a message or writes one.
"""

import re

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.memo import Memo
from tollbar.sip.uri import Uri

_TOKEN = rb"[A-Za-z0-9\-.!%*_+`'~]++"
_WS = rb"[ \t]*+"
_sender = re.compile(
    rb"SIP" + _WS + rb"/" + _WS + _TOKEN + _WS + rb"/" + _WS + rb"(" + _TOKEN + rb")"
    rb"[ \t]++([A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])"
    rb"(?:" + _WS + rb":" + _WS + rb"([0-9]{1,5}+))?+",
    re.IGNORECASE,
).fullmatch
# What stands before the tag, as nearly everyone writes it: half the time of `_parse`.
_plain_front = re.compile(rb'(?:"([^"\\]*+)"[ \t]*+|([^"<]*+))<([^<> \t]++)>').fullmatch
_plain_tag = re.compile(rb'[^\x00-\x20\x7f",;<>=]++').fullmatch


def _sent_by(text: bytes) -> tuple[bytes, bytes, int, bytes]:
    """Transport, host, port and sent-by of what stands before the parameters of a Via."""
    match = _sender(text)
    if match is None:
        raise SipError(400, "Bad Via")
    transport, host, digits = match.groups()
    host = grammar.host(host)
    port = grammar.number(digits, 65535) if digits else 0
    sent_by = host.lower()
    return transport.upper(), host, port, b"%b:%d" % (sent_by, port) if port else sent_by


def _front(text: bytes) -> tuple[bytes, bytes] | None:
    """Display name and URI of an address without parameters; None where it is not plain."""
    match = _plain_front(text)
    if match is None:
        return None
    quoted, plain, uri = match.groups()
    return plain.strip() if quoted is None else quoted, uri


_senders: Memo[tuple[bytes, bytes, int, bytes]] = Memo(_sent_by)
_fronts: Memo[tuple[bytes, bytes] | None] = Memo(_front)
uris: Memo[Uri] = Memo(Uri.parse)
"""URIs taken apart, for reading only."""


class Via:
    """One Via value.

    ``transport`` is in upper case, ``host`` as received, ``port`` 0 where none is given,
    ``sent_by`` the two in lower case as one key, ``text`` the value as received.
    """

    __slots__ = ("branch", "host", "params", "port", "sent_by", "text", "transport")

    def __init__(self, text: bytes) -> None:
        self.text = text
        sender, semicolon, rest = text.partition(b";")
        if semicolon:
            sender = sender.rstrip(b" \t")
        self.transport, self.host, self.port, self.sent_by = _senders[sender]
        self.params = grammar.params(b";" + rest) if semicolon else {}
        self.branch = self.params.get(b"branch", b"")


class Address:
    """One name-addr or addr-spec with its parameters (From, To, Contact, Route and so on).

    ``display`` is the name without quotes and escapes (``grammar.quote`` writes it back),
    ``uri`` the bytes inside <>, ``text`` the value as received. Without <> every parameter
    belongs to the header, never to the URI (RFC 3261 20.10).
    """

    __slots__ = ("_parsed", "display", "params", "tag", "text", "uri")

    _parsed: Uri | None
    params: dict[bytes, bytes]

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._parsed = None
        front, bracket, tag = text.rpartition(b">")
        if not tag or (tag[:5] == b";tag=" and _plain_tag(tag, 5)):
            known = _fronts[front + bracket]
            if known is not None:
                self.display, self.uri = known
                self.tag = tag[5:]
                self.params = {b"tag": self.tag} if tag else {}
                return
        self._parse(text)

    def _parse(self, text: bytes) -> None:
        start = grammar.quoted_end(text) if text[:1] == b'"' else 0
        opened = text.find(b"<", start)
        if opened >= 0:
            closed = text.find(b">", opened)
            self.uri = text[opened + 1 : closed]
            if closed < 0 or not self.uri or b" " in self.uri or b"\t" in self.uri:
                raise SipError(400, "Bad Address")
            if start:
                if text[start:opened].strip(b" \t"):
                    raise SipError(400, "Bad Address")
                self.display = grammar.unquote(text[:start])
            else:
                # By the grammar only tokens; peers leave the quotes off `Bell, Alexander`
                # and off UTF-8 names, and nothing but a quote could be misread here.
                self.display = text[:opened].strip()
                if b'"' in self.display:
                    raise SipError(400, "Unbalanced Quotes")
            rest = text[closed + 1 :]
        elif start:
            raise SipError(400, "Bad Address")
        else:
            uri, semicolon, rest = text.partition(b";")
            self.uri = uri.strip(b" \t")
            # A URI with a question mark or comma has to stand in <>.
            if not self.uri or any(map(self.uri.__contains__, b' \t?,>"')):
                raise SipError(400, "Bad Address")
            self.display = b""
            rest = semicolon + rest
        if rest:
            self.params = grammar.params(rest)
            self.tag = self.params.get(b"tag", b"")
        else:
            self.params = {}
            self.tag = b""

    @classmethod
    def unread(cls, text: bytes) -> "Address":
        """A value that is only to be copied: nothing in it is looked at."""
        address = cls(b"sip:nobody")
        address.text = text
        address.display = address.uri = address.tag = b""
        address.params = {}
        address._parsed = None
        return address

    @property
    def parsed(self) -> Uri:
        """The URI taken apart, once; SipError(400) when it is broken."""
        found = self._parsed
        if found is None:
            found = self._parsed = uris[self.uri]
        return found


def cseq(value: bytes) -> tuple[int, bytes]:
    """Number and method of a CSeq value."""
    parts = value.split()
    if len(parts) != 2 or not grammar.is_token(parts[1]):
        raise SipError(400, "Bad CSeq")
    return grammar.number(parts[0], 2**31 - 1), parts[1]


cseqs: Memo[tuple[int, bytes]] = Memo(cseq)

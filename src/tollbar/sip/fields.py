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
    rb"(?:" + _WS + rb":" + _WS + rb"([0-9]{1,5}+))?",
    re.IGNORECASE,
).fullmatch
# What stands before the tag, as nearly everyone writes it: half the time of `_parse`.
_plain_front = re.compile(rb'(?:"([^"\\]*+)"[ \t]*+|([^"<]*+))<([^<> \t]++)').fullmatch
_plain_value = re.compile(rb'[^\x00-\x20\x7f",;<>=]++').fullmatch


Shape = tuple[bytes, bytes, int, bytes, dict[bytes, bytes]]


def _shape(text: bytes) -> Shape:
    """Transport, host, port, sent-by and parameters of a Via."""
    sender, semicolon, rest = text.partition(b";")
    match = _sender(sender.rstrip(b" \t"))
    if match is None:
        raise SipError(400, "Bad Via")
    transport, host, digits = match.groups()
    host = grammar.host(host)
    port = grammar.number(digits, 65535) if digits else 0
    sent_by = host.lower()
    if port:
        sent_by += b":%d" % port
    params = grammar.params(b";" + rest) if semicolon else {}
    return transport.upper(), host, port, sent_by, params


def _shape_around(text: bytes) -> Shape | None:
    """The shape of a Via whose branch was cut out; None where that may not have been one."""
    if b'"' in text:
        return None
    shape = _shape(text)
    if b"branch" in shape[4]:
        raise SipError(400, "Repeated Parameter")
    return shape


def _front(text: bytes) -> tuple[bytes, bytes] | None:
    """Display name and URI of an address up to its ``>``; None where it is not plain."""
    match = _plain_front(text)
    if match is None:
        return None
    quoted, plain, uri = match.groups()
    return plain.strip() if quoted is None else quoted, uri


_shapes: Memo[Shape | None] = Memo(_shape_around)
_fronts: Memo[tuple[bytes, bytes] | None] = Memo(_front)
uris: Memo[Uri] = Memo(Uri.parse)
"""URIs taken apart, for reading only."""


class Via:
    """One Via value.

    ``transport`` is in upper case, ``host`` as received, ``port`` 0 where none is given,
    ``sent_by`` the two in lower case as one key, ``params`` all parameters but ``branch``,
    for reading only, ``text`` the value as received.
    """

    __slots__ = ("branch", "host", "params", "port", "sent_by", "text", "transport")

    def __init__(self, text: bytes) -> None:
        self.text = text
        # What a peer says in all of its requests, and the branch that it says in one.
        front, _, rest = text.partition(b";branch=")
        branch, semicolon, tail = rest.partition(b";")
        shape = None
        if branch.replace(b"-", b"").isalnum() or _plain_value(branch):
            shape = _shapes[front + semicolon + tail]
        if shape is None:
            shape = _shape(text)
            self.params = dict(shape[4])
            self.branch = self.params.pop(b"branch", b"")
        else:
            self.params = shape[4]
            self.branch = branch
        self.transport, self.host, self.port, self.sent_by, _ = shape


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
        front, mark, tag = text.rpartition(b">;tag=")
        if mark:
            if tag.isalnum() or _plain_value(tag):
                known = _fronts[front]
                if known is not None:
                    self.display, self.uri = known
                    self.tag = tag
                    self.params = {b"tag": tag}
                    return
        elif text[-1:] == b">":
            known = _fronts[text[:-1]]
            if known is not None:
                self.display, self.uri = known
                self.tag = b""
                self.params = {}
                return
        self._parse(text)

    def _parse(self, text: bytes) -> None:
        start = grammar.quoted_end(text) if text[:1] == b'"' else 0
        opened = text.find(b"<", start)
        if opened >= 0:
            closed = text.find(b">", opened)
            if closed < 0:
                raise SipError(400, "Bad Address")
            self.uri = text[opened + 1 : closed]
            if not self.uri or b" " in self.uri or b"\t" in self.uri:
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


def tag_of(text: bytes) -> bytes:
    """The tag of a From or To value; SipError(400) where that is no address."""
    front, mark, tag = text.rpartition(b">;tag=")
    if mark:
        if tag.isalnum() and _fronts[front] is not None:
            return tag
    elif text[-1:] == b">" and _fronts[text[:-1]] is not None:
        return b""
    return Address(text).tag


addresses: Memo[Address] = Memo(Address)
"""Addresses without a tag, for reading only: what a peer calls itself in each Contact."""


def cseq(value: bytes) -> tuple[int, bytes]:
    """Number and method of a CSeq value."""
    parts = value.split()
    if len(parts) != 2 or not grammar.is_token(parts[1]):
        raise SipError(400, "Bad CSeq")
    return grammar.number(parts[0], 2**31 - 1), parts[1]


cseqs: Memo[tuple[int, bytes]] = Memo(cseq)

"""Message: a view over the bytes of one request or response (RFC 3261 7).

Parsing splits once into names and values; a value is taken apart on first touch and kept.
The bytes themselves are never changed, decoded or logged here. Any bytes at all give a
message or a SipError, in linear time.
"""

import re
from typing import Final

from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import Address, Via, addresses, cseqs, tag_of, uris
from tollbar.sip.memo import Kept, Memo
from tollbar.sip.uri import Uri

MOST_BYTES: Final = 65_535
MOST_LINES: Final = 256
MOST_HOPS: Final = 64  # entries of Via, Route and Record-Route

VIA: Final = b"Via"
FROM: Final = b"From"
TO: Final = b"To"
CALL_ID: Final = b"Call-ID"
CSEQ: Final = b"CSeq"
CONTACT: Final = b"Contact"
MAX_FORWARDS: Final = b"Max-Forwards"
ROUTE: Final = b"Route"
RECORD_ROUTE: Final = b"Record-Route"
CONTENT_LENGTH: Final = b"Content-Length"

_COMPACT: Final = {
    b"a": b"Accept-Contact",
    b"b": b"Referred-By",
    b"c": b"Content-Type",
    b"d": b"Request-Disposition",
    b"e": b"Content-Encoding",
    b"f": FROM,
    b"i": CALL_ID,
    b"j": b"Reject-Contact",
    b"k": b"Supported",
    b"l": CONTENT_LENGTH,
    b"m": CONTACT,
    b"n": b"Identity-Info",
    b"o": b"Event",
    b"r": b"Refer-To",
    b"s": b"Subject",
    b"t": TO,
    b"u": b"Allow-Events",
    b"v": VIA,
    b"x": b"Session-Expires",
    b"y": b"Identity",
}
_KNOWN: Final = (
    b"Accept Accept-Encoding Accept-Language Alert-Info Allow Answer-Mode Authentication-Info "
    b"Authorization Call-Info Content-Disposition Content-Language Date Diversion Error-Info "
    b"Expires Geolocation History-Info In-Reply-To Info-Package Join MIME-Version Min-Expires "
    b"Min-SE Organization P-Access-Network-Info P-Asserted-Identity P-Called-Party-ID "
    b"P-Charging-Vector P-Early-Media P-Preferred-Identity Path Priority Privacy "
    b"Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info "
    b"Remote-Party-ID Replaces Reply-To Require Resource-Priority Retry-After Route RSeq Server "
    b"Service-Route SIP-ETag SIP-If-Match Subscription-State Target-Dialog Timestamp Unsupported "
    b"User-Agent User-to-User Warning WWW-Authenticate X-Account-Code X-Workgroup"
).split()


def _spellings() -> dict[bytes, bytes]:
    names = dict(_COMPACT)
    names.update((name.upper(), full) for name, full in _COMPACT.items())
    for full in (*_KNOWN, *_COMPACT.values(), CSEQ, MAX_FORWARDS):
        for name in (full, full.lower(), full.upper(), full.title()):
            names[name] = full
    return names


Line = tuple[bytes, bytes]  # name and value

_STATUS: Final = {b"%d" % status: status for status in range(100, 700)}
_NAMES: Final = _spellings()
_BLANK: Final = (b" ", b"\t")
# What a peer says the same in every call: such lines are kept, the others taken apart at once.
_STEADY: Final = frozenset(
    b"Accept Allow Allow-Events Contact Content-Disposition Content-Length Content-Type CSeq "
    b"Max-Forwards Min-SE P-Asserted-Identity P-Early-Media Privacy Require Server "
    b"Session-Expires Supported User-Agent".split()
)
_passing = {name: full for name, full in _NAMES.items() if full not in _STEADY}.get
_steady: Kept[Line] = Kept()
_fold = re.compile(rb"\r\n[ \t]++")
_version = re.compile(rb"SIP/[0-9]++\.[0-9]++", re.IGNORECASE).fullmatch
_call_id = re.compile(rb"[\x21-\x7e]++").fullmatch


class Message:
    """One request (``status`` 0) or response (``method`` empty).

    ``lines`` are names and values in the order received: known names in their canonical
    spelling, unknown ones as received; values unfolded and stripped. ``fields`` has the first
    value of each name. ``data`` is the whole message as received.
    Parsed values (``via``, ``from_`` and so on) raise SipError(400) when touched broken or,
    but for Contact and Max-Forwards, missing. ``from_tag`` and ``to_tag`` are there after
    `check`, ``to_tag`` also after `check_answer`.
    """

    __slots__ = (
        "_contact",
        "_cseq",
        "_from",
        "_max_forwards",
        "_request_uri",
        "_to",
        "_via",
        "body",
        "data",
        "fields",
        "from_tag",
        "lines",
        "method",
        "reason",
        "status",
        "to_tag",
        "uri",
    )

    from_tag: bytes
    to_tag: bytes

    def __init__(self) -> None:
        self.method = b""
        self.uri = b""
        self.status = 0
        self.reason = b""
        self.lines: list[Line] = []
        self.fields: dict[bytes, bytes] = {}
        self.body = b""
        self.data = b""
        self._via: Via | None = None
        self._from: Address | None = None
        self._to: Address | None = None
        self._cseq: tuple[int, bytes] | None = None
        self._contact: Address | None = None
        self._max_forwards = -1
        self._request_uri: Uri | None = None

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        """The message in ``data``, a datagram or one framed message.

        Line ends are CRLF; a CR or LF anywhere else in the head is refused, because the next
        element may take it for one.
        """
        if len(data) > MOST_BYTES:
            raise SipError(513, "Message Too Large")
        if data[:2] == b"\r\n":
            data = data.lstrip(b"\r\n")
        head, blank, body = data.partition(b"\r\n\r\n")
        if not blank:
            raise SipError(400, "Header Not Ended")
        lines = head.splitlines()
        if len(lines) > MOST_LINES + 1:
            raise SipError(400, "Too Many Header Fields")
        if b"\r\n".join(lines) != head:
            raise SipError(400, "Bad Line End")
        self = cls()
        self.data = data
        self._start(lines[0])
        del lines[0]
        read = self.lines
        steady, passing = _steady.get, _passing
        for line in lines:
            pair = steady(line)
            if pair is None:
                name, colon, value = line.partition(b": ")
                known = passing(name)
                if known is not None and colon:
                    pair = known, value.strip()
                elif line[:1] in _BLANK and read:
                    name, before = read[-1]
                    read[-1] = name, (before + b" " + line.strip()).strip()
                    continue
                else:
                    name, colon, value = line.partition(b":")
                    try:
                        known = canonical(name, colon)
                    except SipError:
                        if self.status < 300:
                            raise
                        # A failure ends its transaction; it need not be understood for that.
                        continue
                    pair = known, value.strip()
                    if known in _STEADY:
                        _steady.keep(line, pair)
            read.append(pair)
        found = self.fields = dict(read)
        if len(found) != len(read):
            found.update(reversed(read))
            body = self._measured(body)
        elif found.get(CONTENT_LENGTH) != b"%d" % len(body):
            body = self._measured(body)
        self.body = body
        return self

    def _measured(self, body: bytes) -> bytes:
        """The part of ``body`` that Content-Length gives to this message, all of it without."""
        lengths = {grammar.number(value, MOST_BYTES) for value in self.all(CONTENT_LENGTH)}
        if not lengths:
            return body
        length = lengths.pop()
        if lengths:
            raise SipError(400, "Conflicting Content-Length")
        if len(body) < length:
            raise SipError(400, "Body Shorter Than Content-Length")
        return body[:length]

    def _start(self, line: bytes) -> None:
        if line[:4].upper() == b"SIP/":
            self.status, self.reason = _status_lines[line]
            return
        parts = line.split(b" ")
        if len(parts) != 3:
            raise SipError(400, "Bad Request Line")
        self.method, self.uri, version = parts
        if not self.uri or not grammar.is_token(self.method):
            raise SipError(400, "Bad Request Line")
        if version != b"SIP/2.0":
            _check_version(version)

    def first(self, name: bytes) -> bytes | None:
        """The value of the first line of that (canonical) name."""
        return self.fields.get(name)

    def all(self, name: bytes) -> list[bytes]:
        """The values of all lines of that name, in order."""
        if name not in self.fields:
            return []
        if len(self.fields) == len(self.lines):
            return [self.fields[name]]
        return [value for found, value in self.lines if found == name]

    def items(self, name: bytes) -> list[bytes]:
        """The elements of a comma list over all lines of that name, empty ones dropped."""
        found: list[bytes] = []
        for value in self.all(name):
            found += grammar.split_list(value)
        return found

    def tokens(self, name: bytes) -> list[bytes]:
        """The tokens of a list such as Require, in lower case; Allow keeps its case.

        Never raises: what is no token is told as it stands, and equals none of ours.
        """
        if name not in self.fields:
            return []
        if name == b"Allow":
            return [word for value in self.all(name) for word in _words(value)]
        if len(self.fields) == len(self.lines):
            return _lower_words[self.fields[name]]
        return [word for value in self.all(name) for word in _lower_words[value]]

    def _need(self, name: bytes) -> bytes:
        found = self.fields.get(name)
        if found is None:
            raise SipError(400, f"Missing {name.decode()}")
        return found

    @property
    def via(self) -> Via:
        """The topmost Via."""
        found = self._via
        if found is None:
            value = self._need(VIA)
            if b"," in value:
                value = (grammar.split_list(value) or [b""])[0]
            found = self._via = Via(value)
        return found

    @property
    def from_(self) -> Address:
        found = self._from
        if found is None:
            found = self._from = Address(self._need(FROM))
        return found

    @property
    def to(self) -> Address:
        found = self._to
        if found is None:
            found = self._to = Address(self._need(TO))
        return found

    @property
    def call_id(self) -> bytes:
        """As it stands, empty where there is none: `check` and `check_stray` judge it."""
        return self.fields.get(CALL_ID, b"")

    @property
    def cseq(self) -> int:
        found = self._cseq
        if found is None:
            found = self._cseq = cseqs[self._need(CSEQ)]
        return found[0]

    @property
    def cseq_method(self) -> bytes:
        found = self._cseq
        if found is None:
            found = self._cseq = cseqs[self._need(CSEQ)]
        return found[1]

    @property
    def contact(self) -> Address | None:
        """The first Contact; None where there is none. ``*`` (REGISTER) is its own URI."""
        found = self._contact
        if found is None and CONTACT in self.fields:
            value = self.fields[CONTACT]
            if b"," in value or not value:
                value = (self.items(CONTACT) or [b""])[0]
            if value:
                found = self._contact = addresses[value]
        return found

    @property
    def record_routes(self) -> list[bytes]:
        """The elements of Record-Route, each an address that can be read."""
        if RECORD_ROUTE not in self.fields:
            return []
        found = self.items(RECORD_ROUTE)
        for value in found:
            _ = addresses[value].parsed
        return found

    @property
    def max_forwards(self) -> int | None:
        found = self._max_forwards
        if found < 0:
            value = self.fields.get(MAX_FORWARDS)
            if value is None:
                return None
            found = self._max_forwards = grammar.number(value, 255)
        return found

    @property
    def request_uri(self) -> Uri:
        """The Request-URI taken apart."""
        found = self._request_uri
        if found is None:
            found = self._request_uri = uris[self.uri]
        return found

    def check(self) -> None:
        """Refuse a message that lacks, repeats or garbles what every element relies on.

        RFC 3261 8.1.1 names the mandatory fields; Max-Forwards may be missing, as
        RFC 2543 elements leave it out. After it the parsed values can be touched freely.
        """
        fields = self.fields
        try:
            via, call_id = fields[VIA], fields[CALL_ID]
            sender, target = fields[FROM], fields[TO]
            self._cseq = cseqs[fields[CSEQ]]
        except KeyError as missing:
            raise SipError(400, f"Missing {missing.args[0].decode()}") from None
        if len(fields) != len(self.lines):
            for name in (FROM, TO, CALL_ID, CSEQ, MAX_FORWARDS):
                if len(self.all(name)) > 1:
                    raise SipError(400, f"Repeated {name.decode()}")
            self._check_hops()
        elif b"," in via or ROUTE in fields or RECORD_ROUTE in fields:
            self._check_hops()
        else:
            self._via = Via(via)
        if not _call_id(call_id):
            raise SipError(400, "Bad Call-ID")
        if MAX_FORWARDS in fields:
            self._max_forwards = grammar.number(fields[MAX_FORWARDS], 255)
        self.from_tag = tag_of(sender)
        self.to_tag = tag_of(target)
        if not self.status:
            if self._cseq[1] != self.method:
                raise SipError(400, "CSeq Method Mismatch")
            if self.to_tag:
                # Inside a dialog only tags and numbers are looked at: its URIs are known.
                if CONTACT in fields:
                    _ = self.contact
                return
            _ = self.request_uri, self.record_routes
        caller = self._from = Address(sender)
        called = self._to = Address(target)
        _ = caller.parsed, called.parsed
        contact = self.contact
        if contact is not None and contact.uri != b"*":
            _ = contact.parsed

    def _check_hops(self) -> None:
        """Refuse a message with hops beyond number; read the topmost Via, wherever it ends."""
        for name in (VIA, ROUTE, RECORD_ROUTE):
            if len(self.items(name)) > MOST_HOPS:
                raise SipError(400, f"Too Many {name.decode()} Entries")
        _ = self.via

    def check_answer(self) -> None:
        """Refuse a response that lacks or garbles what a client transaction looks at: of a
        failure only To, for it makes no dialog (12.1)."""
        fields = self.fields
        if TO not in fields:
            raise SipError(400, "Missing To")
        self.to_tag = tag_of(fields[TO])
        if self.status >= 300:
            return
        if CONTACT in fields:
            _ = self.contact
        if RECORD_ROUTE in fields:
            _ = self.record_routes

    def check_stray(self) -> None:
        """Refuse a response that lacks or garbles what its dialog could be found by."""
        self.check_answer()
        self.from_tag = tag_of(self._need(FROM))
        if not _call_id(self.call_id):
            raise SipError(400, "Bad Call-ID")
        _ = self.cseq


def _status_line(line: bytes) -> tuple[int, bytes]:
    """Status and reason."""
    version, _, rest = line.partition(b" ")
    code, _, reason = rest.partition(b" ")
    if code not in _STATUS:
        raise SipError(400, "Bad Status Line")
    _check_version(version)
    return _STATUS[code], reason


_status_lines: Memo[tuple[int, bytes]] = Memo(_status_line)


def _check_version(version: bytes) -> None:
    if version.upper() != b"SIP/2.0":
        if _version(version):
            raise SipError(505, "Version Not Supported")
        raise SipError(400, "Bad Version")


def _words(value: bytes) -> list[bytes]:
    return [word for word in map(bytes.strip, value.split(b",")) if word]


def _lower(value: bytes) -> list[bytes]:
    return _words(value.lower())


_lower_words: Memo[list[bytes]] = Memo(_lower)


def canonical(name: bytes, colon: bytes = b":") -> bytes:
    """The canonical spelling of a header name in any case; SipError(400) if it is no name."""
    found = _NAMES.get(name)
    if found is None or not colon:
        name = name.rstrip(b" \t")
        if not colon or not grammar.is_token(name):
            raise SipError(400, "Bad Header Line")
        found = _NAMES.get(name.lower(), name)
    return found


def salvage(data: bytes) -> Message | None:
    """What can be read of a request that `Message.parse` or `check` refused.

    It holds the fields a response copies (8.2.6.2: Via, From, To, Call-ID, CSeq), each as
    far as it is there and fit to be sent; ``via``, ``from_``, ``to``, ``call_id`` and ``cseq``
    can be touched, and are empty (0) where nothing could be read. None where there is nobody
    to answer: a response, no method, or no Via with a host in it.
    """
    head = data[:MOST_BYTES].lstrip(b"\r\n").partition(b"\r\n\r\n")[0]
    head = _fold.sub(b" ", head)
    lines = head.split(b"\r\n", MOST_LINES + 1)[: MOST_LINES + 1]
    found = Message()
    method, _, rest = lines[0].partition(b" ")
    if method[:4].upper() == b"SIP/" or not grammar.is_token(method):
        return None
    found.method = method
    found.uri = grammar.clean(rest.rpartition(b" ")[0].strip(b" \t"))
    for line in lines[1:]:
        raw, _, value = line.partition(b":")
        name = _NAMES.get(raw.rstrip(b" \t").lower())
        if name == VIA or (name in (FROM, TO, CALL_ID, CSEQ) and name not in found.fields):
            assert name is not None
            value = grammar.clean(value.strip(b" \t"))
            found.lines.append((name, value))
            found.fields.setdefault(name, value)
    try:
        _ = found.via
    except SipError:
        # Garbled parameters need not stop an answer: the sent-by says where it goes.
        try:
            found._via = Via((found.first(VIA) or b"").partition(b";")[0].rstrip())
        except SipError:
            return None
    found._from = _lenient_address(found.first(FROM) or b"")
    found._to = _lenient_address(found.first(TO) or b"")
    found._cseq = _lenient_cseq(found.first(CSEQ) or b"", method)
    return found


def _lenient_address(value: bytes) -> Address:
    try:
        return Address(value)
    except SipError:
        return Address.unread(value)


def _lenient_cseq(value: bytes, method: bytes) -> tuple[int, bytes]:
    """Number and method even where the number is out of range: it is only sent back."""
    parts = value.split()
    if len(parts) != 2 or not grammar.is_token(parts[1]):
        return 0, method
    return int(parts[0]) if parts[0].isdigit() and len(parts[0]) <= 40 else 0, parts[1]

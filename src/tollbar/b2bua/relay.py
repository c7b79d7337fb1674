"""What crosses from one leg to the other, and how the callee's INVITE is written.

Each leg writes its own Via, Contact, Call-ID, tags and CSeq; every other header crosses
unless it is listed here. The account code never crosses, in whatever form it came.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote

from tollbar.b2bua.peer import Peer
from tollbar.policy.attempt import Decision, Route
from tollbar.sip import grammar
from tollbar.sip.fields import Address, uris
from tollbar.sip.memo import LONGEST, MOST, Memo
from tollbar.sip.message import Line, Message
from tollbar.sip.stack import Listener

METHODS: Final = (
    b"INVITE",
    b"ACK",
    b"CANCEL",
    b"BYE",
    b"OPTIONS",
    b"PRACK",
    b"UPDATE",
    b"INFO",
    b"MESSAGE",
)
OPTION_TAGS: Final = (b"100rel",)
ALLOW: Final = b"Allow: " + b", ".join(METHODS) + b"\r\n"
SUPPORTED: Final = b"Supported: " + b", ".join(OPTION_TAGS) + b"\r\n"

# Each leg's own, or good for one hop only.
OURS: Final = frozenset(
    (
        b"Via",
        b"Route",
        b"Record-Route",
        b"Contact",
        b"Call-ID",
        b"CSeq",
        b"From",
        b"To",
        b"Max-Forwards",
        b"Content-Length",
        b"Authorization",
        b"Proxy-Authorization",
        b"WWW-Authenticate",
        b"Proxy-Authenticate",
        b"Authentication-Info",
        b"Proxy-Authentication-Info",
        b"Proxy-Require",
        b"Require",
        b"Supported",
        b"Unsupported",
        b"Allow",
        b"RSeq",
        b"RAck",
        b"Path",
        b"Service-Route",
        b"Timestamp",
        b"Session-Expires",
        b"Min-SE",
        b"Replaces",
        b"P-Preferred-Identity",
        b"P-Asserted-Identity",
        b"Security-Client",
        b"Security-Server",
        b"Security-Verify",
        b"X-Workgroup",
    )
)
# Of them, what both legs can do crosses.
SHARED: Final = frozenset((b"Allow", b"Supported"))
# What a peer says the same in every call.
STEADY: Final = frozenset(
    (
        b"Accept",
        b"Accept-Encoding",
        b"Accept-Language",
        b"Allow",
        b"Allow-Events",
        b"Content-Disposition",
        b"Content-Type",
        b"Organization",
        b"Privacy",
        b"Server",
        b"Supported",
        b"User-Agent",
    )
)
_plain = re.compile(r"[0-9A-Za-z+*._-]*").fullmatch
_USER: Final = re.compile(rb"(sips?:|tel:)([^@;?>\s,]+)", re.IGNORECASE)
# Any quoted string, and the name of an address without quotes.
SHOWN: Final = re.compile(
    rb'"(?:[^"\\\r\n]|\\.)*"?+|(?:^|(?<=[:,]))[^"<>,:;\r\n]++(?=<)', re.DOTALL
)
# Where a removed header leaves the mark that stood before it.
_DANGLING: Final = re.compile(rb"[?&](?=[>\s,;\"]|$)")


class Crossed(dict[Line, bytes]):
    """What a line becomes on the other leg, b"" where nothing is left of it. Kept are lines
    that come again, as many and as long as a memo holds."""

    def __init__(self, cross: Callable[[bytes, bytes], bytes]) -> None:
        super().__init__()
        self._cross = cross

    def __missing__(self, line: Line) -> bytes:
        name, value = line
        made = self._cross(name, value)
        if name in STEADY and len(value) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[line] = made
        return made


class Relay:
    """The rules of crossing under one configuration.

    ``undress(number)`` takes a digit template's code and marks off a dialled number.
    """

    def __init__(
        self, headers: list[str], parameter: str, undress: Callable[[str], str] = str
    ) -> None:
        self._aliases = frozenset(name.lower().encode() for name in headers)
        self._parameter = re.compile(
            rb"(?:;|%3b)[ \t]*+"
            + spelled(parameter.encode())
            + rb"(?![A-Za-z0-9.!*_+`'~-])"
            + rb"(?:[ \t]*+(?:=|%3d)[ \t]*+"
            + rb'(?:"(?:[^"\\]|\\.)*"|(?:(?!%3b|%26)[^;>&,\s"@?])*))?',
            re.IGNORECASE,
        )
        # An alias as a header within a URI (RFC 3261 19.1.1).
        self._uri_header = re.compile(
            rb"(?<=[?&])(?:" + b"|".join(map(spelled, sorted(self._aliases))) + rb")=[^&>\s\"]*+&?",
            re.IGNORECASE,
        )
        self._undress = undress
        self._callers = Memo(self._undressed)
        self._crossed = Crossed(self._cross)
        # What never crosses, by the names met most; the others are told by `_cross`.
        self._stays = (OURS - SHARED) | {name.encode() for name in headers}
        self._stays_if_trusted = self._stays - {b"P-Asserted-Identity"}

    def headers(self, message: Message, trusted: bool) -> bytes:
        """The header lines of ``message`` that cross; ``trusted``: identity may."""
        stays = self._stays_if_trusted if trusted else self._stays
        crossed = self._crossed
        found = []
        for line in message.lines:  # a comprehension would be a call of its own
            if line[0] not in stays:
                found.append(crossed[line])  # noqa: PERF401
        return b"".join(found)

    def _cross(self, name: bytes, value: bytes) -> bytes:
        """A line as it crosses; a name in ``_stays`` is never asked for."""
        if name in SHARED:
            value = _intersection(name, value)
            if not value:
                return b""
        elif name.lower() in self._aliases:
            return b""
        elif b":" in value and name != b"Date":
            # A code can hide wherever an address can stand.
            value = self._clean(value)
        return b"%b: %b\r\n" % (name, value)

    def _clean(self, value: bytes) -> bytes:
        """What names addresses, without account code."""
        value = self._parameter.sub(b"", value)
        if b"?" in value:
            value, found = self._uri_header.subn(b"", value)
            if found:
                value = _DANGLING.sub(b"", value)
        return _USER.sub(self._bare, SHOWN.sub(self._shown, value))

    def _shown(self, match: "re.Match[bytes]") -> bytes:
        name = grammar.unquote(match[0])
        bare = self._named(name)
        return match[0] if bare == name else grammar.quote(bare)

    def _named(self, name: bytes) -> bytes:
        """A name that is shown; some show what was dialled."""
        shown = name.decode("utf-8", "replace")
        bare = self._undress(shown)
        return name if bare == shown else bare.encode()

    def _bare(self, match: "re.Match[bytes]") -> bytes:
        scheme, user = match.groups()
        dialled = unquote(user.decode("utf-8", "replace"))
        number = self._undress(dialled)
        return match[0] if number == dialled else scheme + user_part(number)

    def invite(
        self,
        message: Message,
        decision: Decision,
        route: Route,
        peer: Peer,
        listener: Listener,
        call_id: bytes,
        tag: bytes,
        trusted: bool,
    ) -> tuple[bytes, bytes, bytes]:
        """The INVITE for ``peer``: its request line, what follows the Via, its From.

        ``trusted``: both sides are, so that identity may cross (RFC 3325).
        """
        user = user_part(route.dial_string)
        if user:
            user += b"@"
        start = b"INVITE sip:%b%b SIP/2.0\r\n" % (user, peer.authority)
        domain = peer.domain or listener.host
        reliable = b"" if not message.body and not speaks_reliably(message) else SUPPORTED
        code = b""
        if peer.send_code_as and decision.account_code:
            code = b"%b: %b\r\n" % (peer.send_code_as, decision.account_code.encode())
        body = message.body
        headers = self.headers(message, trusted)
        if reliable and SUPPORTED in headers:
            reliable = b""
        local = b"%b%b>;tag=%b" % (self._caller(message.from_), domain, tag)
        rest = (
            b"Max-Forwards: %d\r\nFrom: %b\r\nTo: <sip:%b%b>\r\n"
            b"Call-ID: %b\r\nCSeq: 1 INVITE\r\n%b%b%b%bContent-Length: %d\r\n\r\n%b"
            % (
                hops_left(message),
                local,
                user,
                peer.domain or peer.host,
                call_id,
                listener.contact,
                reliable,
                headers,
                code,
                len(body),
                body,
            )
        )
        return start, rest, local

    def message(
        self,
        message: Message,
        number: str,
        peer: Peer,
        listener: Listener,
        identity: tuple[bytes, bytes, int],
        account_code: str,
        trusted: bool,
    ) -> tuple[bytes, bytes]:
        """A MESSAGE for ``number`` at ``peer``: its request line and what follows the Via.

        ``identity`` is Call-ID, From-tag and CSeq. It has no Contact (RFC 3428 4).
        """
        call_id, tag, cseq = identity
        user = user_part(number)
        if user:
            user += b"@"
        code = b""
        if peer.send_code_as and account_code:
            code = b"%b: %b\r\n" % (peer.send_code_as, account_code.encode())
        rest = (
            b"Max-Forwards: %d\r\nFrom: %b%b>;tag=%b\r\nTo: <sip:%b%b>\r\n"
            b"Call-ID: %b\r\nCSeq: %d MESSAGE\r\n%b%bContent-Length: %d\r\n\r\n%b"
            % (
                hops_left(message),
                self._caller(message.from_),
                peer.domain or listener.host,
                tag,
                user,
                peer.domain or peer.host,
                call_id,
                cseq,
                self.headers(message, trusted),
                code,
                len(message.body),
                message.body,
            )
        )
        return b"MESSAGE sip:%b%b SIP/2.0\r\n" % (user, peer.authority), rest

    def _caller(self, address: Address) -> bytes:
        """From as far as its host: display name and user, a code in either left behind."""
        return self._callers[b"%b\0%b" % (address.display, address.uri)]

    def _undressed(self, sender: bytes) -> bytes:
        """`_caller` for a name, a zero byte and a URI."""
        display, _, address = sender.rpartition(b"\0")
        uri = uris[address]
        if uri.opaque:
            # mailto: and the like: what stands there is a name to us, never an address.
            user = user_part(self._clean(uri.opaque).decode("utf-8", "replace"))
        else:
            user = self._parameter.sub(b"", uri.user).partition(b";")[0]
            dialled = unquote(user.decode("utf-8", "replace"))
            number = self._undress(dialled)
            if number != dialled:
                user = user_part(number)
        name = grammar.quote(self._named(display)) + b" " if display else b""
        return b"%b<sip:%b@" % (name, user or b"anonymous")


def _intersection(name: bytes, value: bytes) -> bytes:
    """Allow and Supported say only what both the peer and we can do."""
    if name == b"Allow":
        shared = [word for word in map(bytes.strip, value.split(b",")) if word in METHODS]
    else:
        words = map(bytes.strip, value.lower().split(b","))
        shared = [word for word in words if word in OPTION_TAGS]
    return b", ".join(shared)


def user_part(number: str) -> bytes:
    """A dial string as the user part of a SIP URI (RFC 3261 25.1), escaped where it must be."""
    if _plain(number):
        return number.encode()
    return quote(number, safe="+*._-!~'()&=$,/", errors="replace").encode()


def spelled(name: bytes) -> bytes:
    """A pattern for ``name`` in which any character may be escaped."""
    return b"".join(
        b"(?:%b|%%%02x|%%%02x)" % (re.escape(char), char.lower()[0], char.upper()[0])
        for char in (name[at : at + 1] for at in range(len(name)))
    )


def hops_left(message: Message) -> int:
    """Max-Forwards of a relayed request: one less than it came with, 70 where it had none."""
    left = message.max_forwards
    return 70 if left is None else left - 1


def speaks_reliably(message: Message) -> bool:
    """Does the sender of this request do reliable provisional responses (RFC 3262)?"""
    return b"100rel" in message.tokens(b"Supported") or b"100rel" in message.tokens(b"Require")

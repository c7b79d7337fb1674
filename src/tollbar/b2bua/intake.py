"""From an INVITE to an attempt: who calls, what was dialled, which codes came.

Nothing is judged here, only read. Values are decoded to text at this edge.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tollbar.policy.attempt import Attempt
from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import addresses, uris
from tollbar.sip.memo import Memo
from tollbar.sip.message import Message
from tollbar.sip.uri import Uri

WORKGROUP: Final = b"X-Workgroup"


class Intake:
    """Reads attempts. ``headers`` are the names that carry a code, ``parameter`` the URI
    parameter that does. ``undress(number)`` takes a digit template's code and marks off a
    caller's number: what names a caller stands in logs."""

    __slots__ = ("_asserted", "_carries", "_parameter", "_senders", "_undress")

    def __init__(
        self, headers: Sequence[str], parameter: str, undress: Callable[[str], str] = str
    ) -> None:
        aliases = frozenset(name.lower().encode() for name in headers)
        self._parameter = parameter.lower().encode()
        self._undress = undress
        # What a peer says the same in every call is read once.
        self._carries = Memo(lambda name: name.lower() in aliases)
        self._senders = Memo(self._sender)
        self._asserted = Memo(self._numbers)

    def attempt(self, message: Message, peer: str) -> Attempt:
        """Raises SipError(400) where an address the caller is known by cannot be read."""
        carries = self._carries
        codes: list[tuple[str, str]] = []
        for name, value in message.lines:
            if carries[name] and value:
                codes.append(("header", _text(value)))
        fields = message.fields
        workgroups: Sequence[str] = ()
        if WORKGROUP in fields:
            workgroups = [_text(value) for value in message.all(WORKGROUP) if value]
        uri = message.request_uri
        if uri.params or uri.opaque or b";" in uri.user or b"%3" in uri.user:
            codes += self._in_uri(uri, "uri_parameter")
        sender = message.from_
        caller, found = self._senders[sender.uri]
        codes += found
        if self._parameter in sender.params:
            value = grammar.unquote(sender.params[self._parameter])
            codes.append(("from_parameter", _text(value)))
        asserted: list[str] = []
        if b"P-Asserted-Identity" in fields:
            for value in message.all(b"P-Asserted-Identity"):
                asserted += self._asserted[value]
        diverters: list[str] = []
        if b"Diversion" in fields:
            for value in message.all(b"Diversion"):
                diverters += self._numbers(value)
        elif b"History-Info" in fields:
            diverters = self._diverters(message.items(b"History-Info"))
        dialled = uri.number.partition(";")[0]
        return Attempt(peer, dialled, asserted, caller, diverters, codes, workgroups)

    def _sender(self, sender: bytes) -> tuple[str, list[tuple[str, str]]]:
        """The number in From's URI, and the codes in it."""
        uri = uris[sender]
        return self._number(uri), self._in_uri(uri, "from_parameter")

    def _number(self, uri: Uri) -> str:
        """The number that names a caller, without any code."""
        return self._undress(uri.number.partition(";")[0])

    def _in_uri(self, uri: Uri, source: str) -> list[tuple[str, str]]:
        """Codes in parameters of a URI, or of a tel URI that became the user part of another:
        sip:NUMBER;account-code=4711@HOST."""
        found = []
        if self._parameter in uri.params:
            found.append((source, _text(grammar.unescape(uri.params[self._parameter]))))
        for part in grammar.unescape(uri.opaque or uri.user).split(b";")[1:]:
            name, _, value = part.partition(b"=")
            if name.lower() == self._parameter:
                found.append((source, _text(value)))
        return found

    def _numbers(self, value: bytes) -> list[str]:
        """The user part of each address that can be read; one that cannot names nobody."""
        found = []
        for address in grammar.split_list(value):
            try:
                found.append(self._number(addresses[address].parsed))
            except SipError:
                continue
        return found

    def _diverters(self, values: list[bytes]) -> list[str]:
        """Who forwarded, of a History-Info: every entry but the last, latest first (RFC 7044).

        One that was only sent on has not forwarded: to a contact of its own (rc), with nothing
        changed (np), or elsewhere under the same number."""
        found: list[str] = []
        later, sent_on = "", True
        for value in reversed(values):
            try:
                entry = addresses[value]
                number = self._number(entry.parsed)
            except SipError:
                later, sent_on = "", False
                continue
            if not sent_on and number != later:
                found.append(number)
            later = number
            sent_on = b"rc" in entry.params or b"np" in entry.params
        return found


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()

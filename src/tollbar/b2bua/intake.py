"""From an INVITE to an attempt: who calls, what was dialled, which codes came.

Nothing is judged here, only read. Values are decoded to text at this edge.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tollbar.policy.attempt import Attempt
from tollbar.sip import grammar
from tollbar.sip.errors import SipError
from tollbar.sip.fields import addresses
from tollbar.sip.message import Message

WORKGROUP: Final = b"X-Workgroup"


class Intake:
    """Reads attempts. ``headers`` are the names that carry a code, ``parameter`` the URI
    parameter that does. ``undress(number)`` takes a digit template's code and marks off a
    caller's number: what names a caller stands in logs."""

    __slots__ = ("_aliases", "_parameter", "_undress")

    def __init__(
        self, headers: Sequence[str], parameter: str, undress: Callable[[str], str] = str
    ) -> None:
        self._aliases = frozenset(name.lower().encode() for name in headers)
        self._parameter = parameter.lower().encode()
        self._undress = undress

    def attempt(self, message: Message, peer: str) -> Attempt:
        """Raises SipError(400) where an address the caller is known by cannot be read."""
        codes: list[tuple[str, str]] = []
        for name, value in message.lines:
            if value and name.lower() in self._aliases:
                codes.append(("header", _text(value)))
        workgroups: Sequence[str] = ()
        if WORKGROUP in message.fields:
            workgroups = [_text(value) for value in message.all(WORKGROUP) if value]
        uri = message.request_uri
        sender = message.from_
        parameter = self._parameter
        if uri.params and parameter in uri.params:
            codes.append(("uri_parameter", _text(uri.params[parameter])))
        codes += self._in_user(uri.opaque or uri.user, "uri_parameter")
        if sender.parsed.params and parameter in sender.parsed.params:
            codes.append(("from_parameter", _text(sender.parsed.params[parameter])))
        codes += self._in_user(sender.parsed.user, "from_parameter")
        if parameter in sender.params:
            codes.append(("from_parameter", _text(sender.params[parameter])))
        asserted: list[str] = []
        if b"P-Asserted-Identity" in message.fields:
            asserted = self._numbers(message.items(b"P-Asserted-Identity"))
        diverters: list[str] = []
        if b"Diversion" in message.fields:
            diverters = self._numbers(message.items(b"Diversion"))
        elif b"History-Info" in message.fields:
            diverters = self._diverters(message.items(b"History-Info"))
        return Attempt(
            peer=peer,
            dialled=uri.number.partition(";")[0],
            asserted=asserted,
            from_user=self._undress(sender.parsed.number),
            diverters=diverters,
            codes=codes,
            workgroups=workgroups,
        )

    def _in_user(self, user: bytes, source: str) -> list[tuple[str, str]]:
        """sip:NUMBER;account-code=4711@HOST: the parameter of a tel URI that became one."""
        found = []
        if b";" in user or b"%3" in user:
            for part in grammar.unescape(user).split(b";")[1:]:
                name, _, value = part.partition(b"=")
                if name.lower() == self._parameter:
                    found.append((source, _text(value)))
        return found

    def _numbers(self, values: list[bytes]) -> list[str]:
        """The user part of each address that can be read; one that cannot names nobody."""
        found = []
        for value in values:
            try:
                found.append(self._undress(addresses[value].parsed.number))
            except SipError:
                continue
        return found

    def _diverters(self, values: list[bytes]) -> list[str]:
        """Who forwarded, of a History-Info: every entry but the last, latest first (RFC 7044)."""
        found = []
        for value in values[-2::-1]:
            try:
                uri = addresses[value].parsed
            except SipError:
                continue
            found.append(self._undress(uri.number))
        return found


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()

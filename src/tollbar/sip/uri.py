"""URIs: sip and sips (RFC 3261 19.1), tel (RFC 3966), and any other scheme kept opaque.

Parses and writes; compares nothing and resolves nothing. Which schemes are served is the
engine's question (416), not this file's.
"""

import re

from tollbar.sip import grammar
from tollbar.sip.errors import SipError

# Wider than the grammar in the user part, where peers send `#` and UTF-8 unescaped;
# what would end the URI or its header is never in it.
_sip = re.compile(
    rb"(?:([^\x00-\x20\x7f\"<>@:]++)(?::([^\x00-\x20\x7f\"<>@]*+))?@)?"
    rb"([A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])(?::([0-9]{1,5}+))?"
    rb"((?:;[^\x00-\x20\x7f\"<>;?=@]++(?:=[^\x00-\x20\x7f\"<>;?]*+)?)*)"
    rb"(?:\?([^\x00-\x20\x7f\"<>]*+))?"
).fullmatch
_scheme = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*+").fullmatch
_opaque = re.compile(rb"[^\x00-\x20\x7f\"<>]++").fullmatch


class Uri:
    """One URI, taken apart.

    ``scheme`` is in lower case. ``user``, ``password``, the values of ``params`` and
    ``headers`` (the bytes behind ``?``) stay escaped as received; names of ``params`` are in
    lower case. An IPv6 ``host`` keeps its brackets; ``port`` is 0 where none is given.
    A tel URI has its number in ``user``; any other scheme has all of its rest in ``opaque``.
    """

    __slots__ = (
        "_number",
        "headers",
        "host",
        "opaque",
        "params",
        "password",
        "port",
        "scheme",
        "user",
    )

    def __init__(
        self,
        scheme: bytes,
        user: bytes = b"",
        host: bytes = b"",
        port: int = 0,
        params: dict[bytes, bytes] | None = None,
        headers: bytes = b"",
        password: bytes = b"",
        opaque: bytes = b"",
    ) -> None:
        self.scheme = scheme
        self.user = user
        self.host = host
        self.port = port
        self.params = {} if params is None else params
        self.headers = headers
        self.password = password
        self.opaque = opaque
        self._number: str | None = None

    @classmethod
    def parse(cls, text: bytes) -> "Uri":
        scheme, colon, rest = text.partition(b":")
        scheme = scheme.lower()
        if scheme == b"sip" or scheme == b"sips":
            match = _sip(rest)
            if match is None:
                raise SipError(400, "Bad URI")
            user, password, host, port, params, headers = match.groups(b"")
            return cls(
                scheme,
                user,
                grammar.host(host) if host[:1] == b"[" else host,
                grammar.number(port, 65535) if port else 0,
                _params(params) if params else None,
                headers,
                password,
            )
        if not colon or not _scheme(scheme) or not _opaque(rest):
            raise SipError(400, "Bad URI")
        if scheme != b"tel":
            return cls(scheme, opaque=rest)
        user, semicolon, params = rest.partition(b";")
        if not user:
            raise SipError(400, "Bad URI")
        return cls(scheme, user, params=_params(semicolon + params) if semicolon else None)

    @property
    def number(self) -> str:
        """What was dialled: the user part without its parameters, escapes decoded.

        A URI of a scheme without a user part (``urn:service:sos``) is its own number.
        """
        found = self._number
        if found is None:
            if self.opaque:
                number = self.scheme + b":" + self.opaque
            else:
                number = grammar.unescape(self.user.partition(b";")[0])
            found = self._number = number.decode("utf-8", "replace")
        return found

    @property
    def hostport(self) -> bytes:
        return b"%b:%d" % (self.host, self.port) if self.port else self.host

    def as_bytes(self) -> bytes:
        """The URI written out: as received, but for the case of scheme and parameter names."""
        parts = [self.scheme, b":"]
        if self.opaque:
            parts.append(self.opaque)
        elif self.scheme == b"tel":
            parts.append(self.user)
        else:
            if self.user:
                parts += (self.user, b":" + self.password if self.password else b"", b"@")
            parts.append(self.hostport)
        for name, value in self.params.items():
            parts += (b";", name, b"=" + value if value else b"")
        if self.headers:
            parts += (b"?", self.headers)
        return b"".join(parts)

    def header(self, name: bytes) -> bytes | None:
        """The value of one header of the URI (``?Replaces=...``), escapes decoded."""
        for part in self.headers.split(b"&"):
            key, _, value = part.partition(b"=")
            if grammar.unescape(key).lower() == name.lower():
                return grammar.unescape(value)
        return None

    def __repr__(self) -> str:
        return f"<uri {self.as_bytes().decode('utf-8', 'replace')}>"


def _params(text: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for part in text.split(b";")[1:]:
        name, _, value = part.partition(b"=")
        name = name.lower()
        if not name or name in found:
            raise SipError(400, "Bad URI")
        found[name] = value
    return found

"""The grammar under every header: tokens, numbers, lists, parameters, quoting (RFC 3261 25.1).

Bytes in, bytes out. Nothing here may take more than linear time: expressions only ever use
possessive repeats, and scanners stop at the first byte they cannot place.
"""

import re
from ipaddress import IPv6Address
from typing import Final

from tollbar.sip.errors import SipError

MOST_ITEMS: Final = 1024  # far above any real list, far below what 64 kB of commas would make

TOKEN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~"

_QUOTED: Final = rb'"(?:[^"\\]|\\.)*"'
# A parameter value is a token, a host (so also colons and brackets) or a quoted string by
# the grammar; peers write more than that, so anything that cannot end the value passes.
_VALUE: Final = rb'[^\x00-\x20\x7f",;<>]++'
_NAME: Final = rb"[A-Za-z0-9\-.!%*_+`'~]++"
# Parameters as nearly everyone writes them: no white space, no quotes.
PLAIN_PARAMS: Final = rb"(?:;" + _NAME + rb"(?:=" + _VALUE + rb")?)*"

_plain_params = re.compile(PLAIN_PARAMS).fullmatch
_param = re.compile(
    rb"[ \t]*+;[ \t]*+(" + _NAME + rb")[ \t]*+(?:=[ \t]*+(" + _QUOTED + rb"|" + _VALUE + rb"))?",
    re.DOTALL,
).match
_item = re.compile(rb'(?:[^",<]++|' + _QUOTED + rb"|<[^>]*+>)*", re.DOTALL).match
_quoted = re.compile(_QUOTED, re.DOTALL).match
_pair = re.compile(rb"\\(.)", re.DOTALL)
_special = re.compile(rb'(["\\\x01-\x08\x0b-\x1f\x7f])')
_unsendable = re.compile(rb"[\r\n\x00]++")
_escape = re.compile(rb"%([0-9A-Fa-f]{2})")


# Most of what is asked for, found quicker than read.
_WORDS: Final = frozenset(b"INVITE ACK BYE CANCEL OPTIONS PRACK UPDATE INFO".split())
_NUMBERS: Final = {b"%d" % number: number for number in range(2048)}


def is_token(value: bytes) -> bool:
    return value in _WORDS or (bool(value) and not value.translate(None, TOKEN))


def number(value: bytes, most: int) -> int:
    """A decimal of any number of leading zeros, at most ``most``; SipError(400) otherwise."""
    found = _NUMBERS.get(value)
    if found is not None and found <= most:
        return found
    if not value.isdigit():
        raise SipError(400, "Bad Number")
    if len(value) > 10:
        # The interpreter refuses, or takes quadratic time over, endless digits.
        value = value.lstrip(b"0") or b"0"
        if len(value) > 10:
            raise SipError(400, "Number Out of Range")
    found = int(value)
    if found > most:
        raise SipError(400, "Number Out of Range")
    return found


def host(value: bytes) -> bytes:
    """``value``, a host that may be an IPv6 literal in brackets; SipError(400) if a broken one.

    RFC 3261 let a third colon stand before an embedded IPv4 address, so peers may send it
    (RFC 5118 4.10); it is dropped.
    """
    if value[:1] != b"[":
        return value
    if b":::" in value and b"." in value:
        value = value.replace(b":::", b"::", 1)
    try:
        IPv6Address(value[1:-1].decode("ascii", "replace"))
    except ValueError:
        raise SipError(400, "Bad IPv6 Address") from None
    return value


def split_list(value: bytes) -> list[bytes]:
    """The elements of a comma list, stripped, empty ones dropped; quotes and <> are respected.

    A list of more than `MOST_ITEMS` is SipError(400).
    """
    if b"," not in value:
        value = value.strip(b" \t")
        return [value] if value else []
    if value.count(b",") >= MOST_ITEMS:
        raise SipError(400, "Too Many Elements")
    if b'"' not in value and b"<" not in value:
        return [part for part in map(_strip, value.split(b",")) if part]
    found = []
    at = 0
    end = len(value)
    while at <= end:
        match = _item(value, at)
        assert match is not None  # it can match nothing at all
        stop = match.end()
        if stop < end and value[stop] != 0x2C:
            raise SipError(400, "Unbalanced Quotes")
        part = value[at:stop].strip(b" \t")
        if part:
            found.append(part)
        at = stop + 1
    return found


def _strip(part: bytes) -> bytes:
    return part.strip(b" \t")


def params(value: bytes) -> dict[bytes, bytes]:
    """``;name=value;name`` as a dictionary: names in lower case, values as received.

    A parameter without a value has ``b""``. The value of a quoted string keeps its quotes.
    An empty or repeated parameter is SipError(400) (RFC 3261 7.3.1).
    """
    if _plain_params(value):
        return plain_params(value)
    found: dict[bytes, bytes] = {}
    at = 0
    value = value.rstrip(b" \t")
    end = len(value)
    while at < end:
        match = _param(value, at)
        if match is None:
            raise SipError(400, "Bad Parameter")
        name = match[1].lower()
        if name in found:
            raise SipError(400, "Repeated Parameter")
        found[name] = match[2] or b""
        at = match.end()
    return found


def plain_params(value: bytes) -> dict[bytes, bytes]:
    """`params` of what `PLAIN_PARAMS` has matched already."""
    found: dict[bytes, bytes] = {}
    parts = value.split(b";")
    del parts[0]
    for part in parts:
        name, _, held = part.partition(b"=")
        found[name.lower()] = held
    if len(found) != len(parts):
        raise SipError(400, "Repeated Parameter")
    return found


def quoted_end(value: bytes) -> int:
    """Where the quoted string that ``value`` begins with ends; SipError(400) if it does not."""
    match = _quoted(value)
    if match is None:
        raise SipError(400, "Unbalanced Quotes")
    return match.end()


def quote(text: bytes) -> bytes:
    """``text`` as a quoted string, fit to be sent."""
    return b'"' + _special.sub(rb"\\\1", clean(text)) + b'"'


def unquote(value: bytes) -> bytes:
    """The text of a quoted string; any other value as it is."""
    if len(value) > 1 and value[:1] == b'"' and value[-1:] == b'"':
        value = value[1:-1]
        return _pair.sub(rb"\1", value) if b"\\" in value else value
    return value


def unescape(value: bytes) -> bytes:
    """Percent escapes decoded; what is no escape stays."""
    if b"%" not in value:
        return value
    return _escape.sub(lambda match: bytes((int(match[1], 16),)), value)


def clean(value: bytes) -> bytes:
    """``value`` fit for a header line: every CR, LF and NUL in it becomes white space."""
    return _unsendable.sub(b" ", value) if _unsendable.search(value) else value

"""A session description that accepts nothing (RFC 3264 6): the answer of whoever has no media.

The only place where Tollbar writes SDP of its own; what crosses it never looks into.
"""

import re

_LINES = re.compile(rb"(?m)^(t|m)=([^\r\n]*)")


def declined(offer: bytes, host: bytes) -> bytes:
    """Every stream of ``offer`` refused by port 0; no streams where it offers none.

    ``host`` is our own address or name, an IPv6 address in brackets.
    """
    kind = b"IP6" if host[:1] == b"[" else b"IP4"
    time = b""
    streams = []
    for letter, value in _LINES.findall(offer):
        if letter == b"t":
            # The answer's has to be the offer's.
            time = time or b"t=%b\r\n" % value
            continue
        parts = value.split(b" ")
        if len(parts) > 3:
            parts[1] = b"0"
            streams.append(b"m=%b\r\n" % b" ".join(parts))
    return b"v=0\r\no=- 0 0 IN %b %b\r\ns=-\r\nc=IN %b %b\r\n%b%b" % (
        kind,
        host.strip(b"[]"),
        kind,
        host.strip(b"[]"),
        time or b"t=0 0\r\n",
        b"".join(streams),
    )

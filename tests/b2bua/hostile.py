"""Valid messages spoilt in every way that came to mind, by a seeded die.

Half the ways keep a message readable, so that what they spoil is found deep inside.
"""

import random
import re
from collections.abc import Callable
from typing import Final

PIECES: Final = [
    b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"\r\n ", b"\x00", b"\xff\xfe", b'"', b"\\", b"<", b">",
    b";", b",", b":", b"@", b"?", b"=", b"%", b"%00", b"%0d%0a", b"[", b"]", b"SIP/2.0", b"sip:",
    b"sips:", b"tel:", b"urn:service:sos", b"*", b"0", b"-1", b"4294967296", b"9" * 400,
    b"a" * 3000, b" " * 3000, b"," * 2000, b";a" * 900, b"INVITE", b"BYE", b"CANCEL", b"ACK",
    b"z9hG4bK", b"911",
    b";branch=z9hG4bK", b";tag=", b";tag=x", b";rport", b";received=1.2.3.4", b";transport=TCP",
    b";lr", b"<sip:x>", b"127.0.0.1", b"[::1]", b"application/sdp", b"\xe2\x98\x83",
]  # fmt: skip
VALUES: Final = [
    b"", b" ", b"*", b"0", b"1", b"256", b"99999999999", b"-1", b'"', b"<", b"<>", b"<sip:>", b",",
    b"sip:1@127.0.0.1", b"<sip:1@127.0.0.1:5070;lr>", b"<sip:1@[::1]:5070>;tag=x", b"1 INVITE",
    b"2 BYE", b"1 1 INVITE", b"4294967295 ACK", b"x y z", b"100rel", b"timer", b"100rel, timer",
    b"SIP/2.0/UDP 127.0.0.1", b"SIP/2.0/TCP x;branch=z9hG4bK", b"SIP/2.0/UDP 127.0.0.1:0;rport",
    b"Q.850;cause=99999", b"<sip:a@b?X-Account-Code=1>;index=1", b"<tel:1>, <sip:2@3", b"\xff",
]  # fmt: skip
NAMES: Final = [
    b"Via", b"v", b"Route", b"Record-Route", b"Contact", b"m", b"From", b"To", b"Call-ID", b"CSeq",
    b"Max-Forwards", b"Content-Length", b"l", b"Content-Type", b"Require", b"Proxy-Require", b"k",
    b"Supported", b"Allow", b"RSeq", b"RAck", b"Reason", b"Timestamp", b"Diversion", b"Warning",
    b"History-Info", b"P-Asserted-Identity", b"Privacy", b"X-Account-Code", b"Expires", b"Replaces",
    b"Retry-After", b"Session-Expires", b"Referred-By", b"X", b"\xc3\xa4", b"",
]  # fmt: skip
METHODS: Final = (
    b"INVITE ACK BYE CANCEL OPTIONS PRACK UPDATE INFO REFER REGISTER NOTIFY invite X".split()
)
STATUSES: Final = (
    b"100 180 183 199 200 202 299 302 401 408 481 486 487 491 503 600 699 000 999".split()
)
shot: list[str] = []  # what was done, for the summary of the run
_branch = re.compile(rb"(;branch=z9hG4bK)[^\s;,]*")
_cseq = re.compile(rb"(\r\nCSeq: )(\d+)")


class Spoiler:
    """Makes spoilt copies of messages; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.die = random.Random(seed)
        self.count = 0
        self.ways: list[Callable[[bytes], bytes]] = [
            self.flip, self.flip, self.cut, self.drop, self.insert, self.insert, self.double,
            self.header, self.header, self.header, self.value, self.value, self.value, self.swap,
            self.method, self.status, self.number, self.number, self.same,
        ]  # fmt: skip

    def spoil(self, data: bytes) -> bytes:
        """A spoilt copy; a request becomes a new one first, not a repeat of one that was."""
        die = self.die
        self.count += 1
        if not data.startswith(b"SIP/2.0") and die.random() < 0.85:
            data = _branch.sub(rb"\g<1>s%d" % self.count, data, count=1)
            if b"CSeq: 1 INVITE" not in data and die.random() < 0.8:
                data = _cseq.sub(self._later, data)
            elif die.random() < 0.5:
                data = data.replace(b"Call-ID: ", b"Call-ID: s%d" % self.count, 1)
        for _ in range(die.choice((1, 1, 1, 2, 3))):
            data = die.choice(self.ways)(data)
        return data[:65_535]

    def _later(self, match: "re.Match[bytes]") -> bytes:
        return b"%b%d" % (match[1], int(match[2]) + self.count % 50_000)

    def _at(self, data: bytes) -> int:
        return self.die.randrange(len(data) + 1)

    def _line(self, data: bytes) -> tuple[list[bytes], int]:
        """The lines of a message and the number of one header line among them."""
        lines = data.split(b"\r\n")
        end = lines.index(b"") if b"" in lines else len(lines)
        return lines, self.die.randrange(1, max(2, end)) if len(lines) > 1 else 0

    def same(self, data: bytes) -> bytes:
        return data

    def flip(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + bytes((self.die.randrange(256),)) + data[at + 1 :]

    def cut(self, data: bytes) -> bytes:
        return data[: self._at(data)]

    def drop(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + data[at + self.die.randrange(1, 40) :]

    def insert(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self.die.choice(PIECES) + data[at:]

    def double(self, data: bytes) -> bytes:
        at, length = self._at(data), self.die.randrange(1, 200)
        return data[: at + length] + data[at : at + length] * self.die.randrange(1, 4) + data[at:]

    def header(self, data: bytes) -> bytes:
        lines, at = self._line(data)
        lines.insert(at, self.die.choice(NAMES) + b": " + self.die.choice(VALUES))
        return b"\r\n".join(lines)

    def value(self, data: bytes) -> bytes:
        lines, at = self._line(data)
        name, colon, value = lines[at].partition(b": ")
        if self.die.random() < 0.5:
            value = self.die.choice(VALUES)
        else:
            value = self.insert(value)
        lines[at] = name + colon + value
        return b"\r\n".join(lines)

    def swap(self, data: bytes) -> bytes:
        lines, one = self._line(data)
        _, other = self._line(data)
        lines[one], lines[other] = lines[other], lines[one]
        return b"\r\n".join(lines)

    def method(self, data: bytes) -> bytes:
        method, space, rest = data.partition(b" ")
        if method.startswith(b"SIP/"):
            return data
        other = self.die.choice(METHODS)
        if self.die.random() < 0.8:
            rest = re.sub(rb"(CSeq: \d+ )\w+", rb"\g<1>" + other, rest, count=1)
        return other + space + rest

    def status(self, data: bytes) -> bytes:
        if not data.startswith(b"SIP/2.0 "):
            return data
        return data[:8] + self.die.choice(STATUSES) + data[11:]

    def number(self, data: bytes) -> bytes:
        found = list(re.finditer(rb"\d+", data))
        if not found:
            return data
        match = self.die.choice(found)
        number = self.die.choice((0, 1, int(match[0][:9]) + 1, 65_536, 2**31, 2**32, 10**30))
        return data[: match.start()] + b"%d" % number + data[match.end() :]

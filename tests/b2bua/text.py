"""SIP as the tests read and write it: a few regular expressions, none of them the gateway's own.

What is wrong in the gateway's parser or composer cannot hide here.
"""

import re

_LONG = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "c": "Content-Type",
    "l": "Content-Length",
}


class Text:
    """One message, taken apart far enough to look at it and to answer it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.start, *lines = head.decode("latin-1").split("\r\n")
        self.lines = [
            (_LONG.get(name.strip(), name.strip()), value.strip())
            for name, _, value in map(_split, lines)
        ]
        first, second = self.start.split(" ")[:2]
        self.status = int(second) if first == "SIP/2.0" else 0
        self.uri = "" if self.status else second
        self.cseq, self.method = self["CSeq"].split()[0], self["CSeq"].split()[1]
        assert self["Content-Length"] == str(len(self.body)), self.start

    def __getitem__(self, name: str) -> str:
        """The first value of a header, "" where there is none."""
        return next((value for found, value in self.lines if found.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.lines if found.lower() == name.lower()]

    @property
    def to_tag(self) -> str:
        return tag(self["To"])

    @property
    def from_tag(self) -> str:
        return tag(self["From"])

    @property
    def branch(self) -> str:
        found = re.search(r";branch=([^;,]+)", self["Via"])
        return found[1] if found else ""

    @property
    def contact(self) -> str:
        found = re.search(r"<([^>]+)>", self["Contact"])
        return found[1] if found else ""

    @property
    def sdp(self) -> str:
        """Whose session description this is, and its which: "A1" is A's first."""
        found = re.search(rb"^o=(\S+) ", self.body, re.MULTILINE)
        return found[1].decode() if found else ""

    def __str__(self) -> str:
        """As a ladder writes it."""
        word = str(self.status) if self.status else self.method
        if self.status and self.method != "INVITE":
            word += f" {self.method}"
        return word + (f" (sdp {self.sdp})" if self.body else "")


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def tag(value: str) -> str:
    found = re.search(r";tag=([^;]+)", value)
    return found[1] if found else ""


def session(name: str) -> bytes:
    """A session description that says whose it is."""
    return (
        f"v=0\r\no={name} 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=audio 6000 RTP/AVP 0\r\n"
    ).encode()

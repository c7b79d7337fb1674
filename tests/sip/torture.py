"""The torture messages of RFC 4475 and RFC 5118 with the answer expected for each file.

``message`` is what reading it (`Message.parse`, then `check`) gives: 0, or the status of the
SipError. ``engine`` is what the gateway answers a known peer: a status; ONWARD where nothing
in the protocol stops the request and dial plan or far end decide; SILENCE where no answer
may be sent (a response that belongs to nothing of ours).
"""

from pathlib import Path
from typing import Final, NamedTuple

ONWARD: Final = 0
SILENCE: Final = -1

HERE: Final = Path(__file__).parent


class Expected(NamedTuple):
    message: int
    engine: int
    why: str


RFC4475: Final[dict[str, Expected]] = {
    # 3.1.1 valid messages
    "wsinv": Expected(0, 481, "white space and folding everywhere; To has the tag of no dialog"),
    "intmeth": Expected(0, 405, "every odd but legal character; the method is unknown"),
    "esc01": Expected(0, ONWARD, "escapes in URIs; the user part is not a URI itself"),
    "escnull": Expected(0, 405, "escaped nulls; REGISTER is not served"),
    "esc02": Expected(0, 405, "%47 in a method is no escape, so the method is unknown"),
    "lwsdisp": Expected(0, 200, "no white space between display name and <"),
    "longreq": Expected(0, ONWARD, "long values"),
    "dblreq": Expected(0, 405, "what follows Content-Length in a datagram is dropped"),
    "semiuri": Expected(0, 200, "semicolons in a user part are part of it"),
    "transports": Expected(0, 200, "unknown transports in lower Vias are nobody's business"),
    "mpart01": Expected(0, ONWARD, "multipart body with binary parts: a MESSAGE"),
    "unreason": Expected(0, SILENCE, "reason phrase in UTF-8"),
    "noreason": Expected(0, SILENCE, "empty reason phrase"),
    # 3.1.2 invalid messages
    "badinv01": Expected(400, 400, "empty parameters in Via and Contact"),
    "clerr": Expected(400, 400, "body shorter than Content-Length"),
    "ncl": Expected(400, 400, "negative Content-Length"),
    "scalar02": Expected(400, 400, "CSeq and Max-Forwards out of range"),
    "scalarlg": Expected(400, SILENCE, "CSeq out of range in a response: discarded"),
    "quotbal": Expected(400, 400, "display name without its closing quote"),
    "ltgtruri": Expected(400, 400, "<> around the Request-URI"),
    "lwsruri": Expected(400, 400, "white space in the Request-URI"),
    "lwsstart": Expected(400, 400, "two spaces in the request line"),
    "trws": Expected(400, 400, "spaces behind the request line"),
    "escruri": Expected(0, ONWARD, "header in the Request-URI: ignored, it never crosses"),
    "baddate": Expected(0, ONWARD, "a Date we do not read"),
    "regbadct": Expected(400, 400, "question mark in a Contact URI without <>"),
    "badaspec": Expected(400, 400, "spaces within <>"),
    "baddn": Expected(400, 400, "the archive's file ends before the empty line"),
    "badvers": Expected(505, 505, "SIP/7.0"),
    "mismatch01": Expected(400, 400, "CSeq method is not the request's"),
    "mismatch02": Expected(400, 400, "the same with an unknown method"),
    "bigcode": Expected(400, SILENCE, "status code out of range: discarded"),
    # 3.2 transaction layer
    "badbranch": Expected(0, 200, "nothing behind the branch cookie: matched as without one"),
    # 3.3 application layer
    "insuf": Expected(400, 400, "no Call-ID, From, To"),
    "unkscm": Expected(0, 416, "unknown scheme in the Request-URI"),
    "novelsc": Expected(0, 416, "unknown scheme with an authority"),
    "unksm2": Expected(0, 405, "unknown schemes in To and From; REGISTER is not served"),
    "bext01": Expected(0, 420, "Require of unknown extensions"),
    "invut": Expected(0, ONWARD, "unknown Content-Type: bodies cross, the far end judges"),
    "regaut01": Expected(0, 405, "unknown authorisation scheme; REGISTER is not served"),
    "multi01": Expected(400, 400, "single fields more than once"),
    "mcl01": Expected(400, 400, "two different Content-Lengths"),
    "bcast": Expected(0, SILENCE, "a response not ours with a broadcast address in Via"),
    "zeromf": Expected(0, 200, "Max-Forwards 0: OPTIONS is for us, nothing is forwarded"),
    "cparam01": Expected(0, 405, "unknown Contact parameter; REGISTER is not served"),
    "cparam02": Expected(0, 405, "unknown URI parameter in Contact; the same"),
    "regescrt": Expected(0, 405, "escaped header in Contact; the same"),
    "sdp01": Expected(0, ONWARD, "Accept without SDP: the far end judges"),
    # 3.4 backward compatibility
    "inv2543": Expected(0, 400, "RFC 2543 is read, but without Contact no BYE could be sent"),
}

RFC5118: Final[dict[str, Expected]] = {
    "ipv6-good": Expected(0, 405, "IPv6 in the Request-URI; REGISTER is not served"),
    "ipv6-bad": Expected(400, 400, "IPv6 without brackets"),
    "port-ambiguous": Expected(0, 405, "5070 is the last part of the address"),
    "port-unambiguous": Expected(0, 405, "5070 is the port"),
    "via-received-param-with-delim": Expected(0, 481, "received with brackets; no such dialog"),
    "via-received-param-no-delim": Expected(0, 200, "received without brackets"),
    "ipv6-in-sdp": Expected(0, ONWARD, "IPv6 in the body"),
    "mult-ip-in-header": Expected(0, 481, "IPv4 and IPv6 in Vias; no such dialog"),
    "mult-ip-in-sdp": Expected(0, ONWARD, "IPv4 and IPv6 in the body"),
    "ipv4-mapped-ipv6": Expected(0, ONWARD, "IPv4-mapped addresses"),
    "ipv6-bug-abnf-3-colons": Expected(0, 200, "section 4.10: must be tolerated"),
    "ipv6-correct-abnf-2-colons": Expected(0, 200, "the same written correctly"),
}

EXPECTED: Final[dict[str, Expected]] = {
    **{f"rfc4475/{name}.dat": expected for name, expected in RFC4475.items()},
    **{f"rfc5118/{name}": expected for name, expected in RFC5118.items()},
}


def read(name: str) -> bytes:
    return (HERE / name).read_bytes()

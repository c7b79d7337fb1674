"""Who a request comes from, by its address or by its TLS certificate; strangers hear nothing.

Silence is proved, not waited for: a datagram from the peer is answered after the stranger's
was read, and a stranger's connection is read to its end.
"""

import json
import re
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.authority import Authority
from tests.interop.site import GATEWAY, PBX, TRUNK, Side, Site

STRANGER = "127.0.0.4"
ANSWER = re.compile(rb"SIP/2\.0 .*?\r\n\r\n", re.DOTALL)
AWAY = "127.0.0.5"  # where the PBX is known by its certificate alone


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    site = Site(directory, Authority(directory))
    site.configure(Side("udp", 9), Side("udp", 9))
    text = site.config.read_text()
    assert text.count(f"    from: {PBX}\n") == 1
    named = f"    from: {PBX}\n    certificates: [sip:PBX.example.com]\n"
    site.config.write_text(text.replace(f"    from: {PBX}\n", named))
    site.start()
    yield site
    site.stop()


def request(method: str, host: str, transport: str, word: str, number: str = "9195551234") -> bytes:
    contact = f"Contact: <sip:1001@{host}>\n" if method in ("INVITE", "SUBSCRIBE") else ""
    return (
        f"{method} sip:{number}@{GATEWAY} SIP/2.0\n"
        f"Via: SIP/2.0/{transport.upper()} {host};rport;branch=z9hG4bK{word}\n"
        f"From: <sip:1001@{host}>;tag={word}\nTo: <sip:{number}@{GATEWAY}>\n"
        f"Call-ID: {word}@{host}\nCSeq: 1 {method}\n{contact}"
        "Max-Forwards: 70\nContent-Length: 0\n\n"
    ).replace("\n", "\r\n").encode()  # fmt: skip


def intrusions(host: str, transport: str) -> list[bytes]:
    """What a stranger may try, well-formed and not."""
    methods = ("INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "BYE", "CANCEL", "ACK", "NOSUCH")
    good = [request(m, host, transport, f"{transport}{m}") for m in methods]
    emergency = request("INVITE", host, transport, f"{transport}911", "911")
    return [*good, emergency, good[0].replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1)]


class Phone:
    """A UDP socket at an address of its own."""

    def __init__(self, host: str) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.settimeout(20)

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def got(self) -> bytes:
        self.sock.setblocking(False)
        try:
            return self.sock.recv(65_535)
        except BlockingIOError:
            return b""


def notices(site: Site) -> float:
    """How many requests of strangers the metrics have counted."""
    url = f"http://127.0.0.1:{site.ports[9464]}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    lines = [line for line in text.splitlines() if 'kind="unknown_source"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def conversation(site: Site, host: str, data: bytes) -> bytes:
    """All that comes back on a TCP connection until the gateway closes it as well."""
    where = (GATEWAY, site.ports[5060])
    with socket.create_connection(where, 20, (host, 0)) as stream:
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: stream.recv(65_535), b""))


@contextmanager
def secret(site: Site, host: str, pair: tuple[Path, Path] | None) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to the gateway."""
    context = ssl.create_default_context(cafile=site.authority.file)
    if pair is not None:
        context.load_cert_chain(*pair)
    with (
        socket.create_connection((GATEWAY, site.secure), 20, (host, 0)) as plain,
        context.wrap_socket(plain, server_hostname=GATEWAY) as stream,
    ):
        assert stream.version() == "TLSv1.3"
        yield stream


def secret_silence(
    site: Site, host: str, data: bytes, pair: tuple[Path, Path] | None = None
) -> bytes:
    """All that comes back on a TLS connection until the gateway closes it, for the last thing
    sent is nothing to go on from."""
    with secret(site, host, pair) as stream:
        stream.sendall(data + b"\r\n\r\nNo Length\r\n\r\n")
        return b"".join(iter(lambda: stream.recv(65_535), b""))


def secret_conversation(
    site: Site, host: str, data: bytes, pair: tuple[Path, Path], wanted: bytes = b""
) -> bytes:
    """What comes back on a TLS connection until its ping is answered, which was sent last,
    and ``wanted`` is there: what has to wait for the disk comes after the ping's answer."""
    with secret(site, host, pair) as stream:
        stream.sendall(data + b"\r\n\r\n")
        came = b""
        while ANSWER.sub(b"", came) != b"\r\n" or wanted not in came:
            more = stream.recv(65_535)
            if not more:
                raise ConnectionResetError("closed without an answer to the ping")
            came += more
        return b"".join(ANSWER.findall(came))


def test_a_request_from_another_address_gets_silence_and_leaves_no_record(site: Site) -> None:
    before = notices(site)
    where = (GATEWAY, site.ports[5060])
    with Phone(STRANGER) as stranger, Phone(PBX) as pbx:
        for data in intrusions(STRANGER, "udp"):
            stranger.sock.sendto(data, where)
        pbx.sock.sendto(request("OPTIONS", PBX, "udp", "known"), where)
        assert pbx.sock.recv(65_535).startswith(b"SIP/2.0 200 ")
        assert stranger.got() == b""
    assert notices(site) > before
    assert site.records() == []
    assert site.tollbar("calls", "--json") == ""


def test_a_strangers_connection_carries_nothing_back(site: Site) -> None:
    tried = b"".join(intrusions(STRANGER, "tcp"))
    assert conversation(site, STRANGER, b"\r\n\r\n" + tried) == b""
    assert secret_silence(site, STRANGER, b"".join(intrusions(STRANGER, "tls"))) == b""
    assert site.records() == []
    known = conversation(site, PBX, request("OPTIONS", PBX, "tcp", "streamed"))
    assert known.startswith(b"SIP/2.0 200 ")


def test_a_certificate_names_the_peer_wherever_it_calls_from(site: Site) -> None:
    pair = site.authority.issue("pbx", x509.UniformResourceIdentifier("sip:pbx.example.com"))
    data = request("OPTIONS", AWAY, "tls", "asks")
    assert secret_conversation(site, AWAY, data, pair).startswith(b"SIP/2.0 200 ")
    call = request("INVITE", AWAY, "tls", "calls")
    assert b"Account Code Required" in secret_conversation(site, AWAY, call, pair, b"SIP/2.0 403 ")
    assert site.record()["peer"] == "pbx"


@pytest.mark.parametrize("names", [["sip:other.example.com"], ["sip:1001@pbx.example.com"], []])
def test_another_name_in_a_good_certificate_is_a_stranger(site: Site, names: list[str]) -> None:
    uris = [x509.UniformResourceIdentifier(name) for name in names]
    pair = site.authority.issue("somebody", *uris)
    assert secret_silence(site, AWAY, request("OPTIONS", AWAY, "tls", "other"), pair) == b""


def test_a_certificate_of_another_authority_does_not_connect(site: Site, tmp_path: Path) -> None:
    forger = Authority(tmp_path)
    pair = forger.issue("pbx", x509.UniformResourceIdentifier("sip:pbx.example.com"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secret_conversation(site, AWAY, request("OPTIONS", AWAY, "tls", "forged"), pair)


def test_the_trunks_address_is_not_the_pbx(site: Site) -> None:
    """What the trunk calls comes in: it cannot have a long-distance call placed."""
    with Phone(TRUNK) as trunk:
        where = (GATEWAY, site.ports[5060])
        trunk.sock.sendto(request("INVITE", TRUNK, "udp", "trunk"), where)
        answer = trunk.sock.recv(65_535)
        while answer.startswith(b"SIP/2.0 1"):
            answer = trunk.sock.recv(65_535)
    record: dict[str, Any] = site.record()
    assert (record["peer"], record["direction"], record["trunk"]) == ("carrier", "in", "pbx")
    assert json.dumps(record).count("long_distance") == 0

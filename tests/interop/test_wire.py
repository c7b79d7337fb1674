"""The judge of the captures finds fault where there is one."""

import socket
from pathlib import Path

import pytest
from tests.interop.wire import Wire

FIELDS = b"""Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx
From: <sip:x@192.0.2.1>;tag=1
To: <sip:y@192.0.2.2>
Call-ID: 1
CSeq: 1 OPTIONS
""".replace(b"\n", b"\r\n")
START = b"OPTIONS sip:y@192.0.2.2 SIP/2.0\r\n"
LENGTH = b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("message", "faults"),
    [
        (START + FIELDS + LENGTH, 0),
        (START + FIELDS + LENGTH[:5], 1),
        (START + b"no field\r\n" + FIELDS + LENGTH, 1),
    ],
    ids=["good", "cut short", "without a colon"],
)
def test_a_malformed_message_is_found(tmp_path: Path, message: bytes, faults: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        wire = Wire(tmp_path / "wire.pcapng", [end.getsockname()[1]])
        end.sendto(message, end.getsockname())
        wire.stop()
    if not wire.heard:
        pytest.skip("nobody may listen on this machine")
    assert wire.count("sip.CSeq") == 1
    assert len(wire.faults()) == faults

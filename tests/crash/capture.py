"""What was on the wire, as an independent witness has it: dumpcap listens, tshark reads.

Where the system lets nobody listen, the phones' own tapes stand in: what they sent and got.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.b2bua.text import Text
from tests.crash.gateway import Mortal
from tests.crash.lines import HOST, Tape

FIELDS: Final = (
    *("frame.time_epoch", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"),
    *("sip", "sip.Call-ID", "sip.CSeq", "_ws.malformed"),
)
LABEL: Final = re.compile(r"Session Initiation Protocol \((\w+)\)")


@dataclass(slots=True)
class Seen:
    """One message. ``caller``: on the caller's side of the gateway; ``sent``: to the gateway;
    ``word`` is a method, or a status."""

    at: float
    caller: bool
    sent: bool
    word: str
    call_id: str
    cseq: str  # number and method


class Capture:
    """dumpcap on the loopback interface, for one gateway's ports."""

    def __init__(self, stage: Mortal) -> None:
        self.stage = stage
        self.path = stage.directory / "wire.pcapng"
        self.own = {stage.ports[5090], stage.tcp_port}
        ports = [stage.port, stage.ports[5070], *self.own]
        command = ["dumpcap", "-q", "-i", "lo", "-B", "64", "-w", str(self.path)]
        command += ["-f", " or ".join(f"port {port}" for port in ports)]
        self.process: subprocess.Popen[bytes] | None = None
        if shutil.which("dumpcap"):
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=-1
            )

    async def holds(self, mark: bytes) -> bool:
        """Is all that was sent until now in the file? False where nobody may listen."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pen:
            deadline = time.monotonic() + 20.0
            while self.process is not None and self.process.poll() is None:
                assert time.monotonic() < deadline, "dumpcap writes nothing"
                pen.sendto(mark, (HOST, self.stage.port))
                await asyncio.sleep(0.05)
                if self.path.exists() and mark in end_of(self.path):
                    return True
        return False

    def stop(self) -> str:
        """End it; returns its last words, which say how many packets it dropped."""
        if self.process is None:
            return ""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        words = self.process.communicate(timeout=20)[1].decode()
        self.process = None
        return words.strip().rpartition("\n")[2]

    def read(self) -> tuple[list[Seen], int]:
        """Every SIP message in order, and how many are malformed."""
        stage = self.stage
        command = ["tshark", "-n", "-r", str(self.path), "-Y", "sip", "-T", "fields"]
        for port in (stage.port, *self.own, stage.ports[5070]):
            command += ["-d", f"udp.port=={port},sip", "-d", f"tcp.port=={port},sip"]
        # What SDP announces would be looked for in every packet that follows.
        command += ["--disable-protocol", "sdp", "-E", "occurrence=a", "-E", "aggregator=|"]
        for name in FIELDS:
            command += ["-e", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seen: list[Seen] = []
        malformed = 0
        for line in done.stdout.splitlines():
            at, *ports, labels, call_ids, cseqs, bad = line.split("\t")
            source, target = (int(port) for port in ports if port)
            malformed += bool(bad)
            far = stage.ports[5070]
            caller = far not in (source, target)
            sent = source in (*self.own, far) or target == stage.port
            words = LABEL.findall(labels)
            rows = list(zip(words, call_ids.split("|"), cseqs.split("|"), strict=True))
            seen += [Seen(float(at), caller, sent, *row) for row in rows]
        return seen, malformed


def end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 1 << 20), os.SEEK_END)
        return file.read()


def taped(stage: Mortal) -> list[Seen]:
    """The same from the phones' tapes."""
    return sorted(
        (
            *_seen(True, stage.udp.line.tape),
            *_seen(True, stage.tcp.line.tape),
            *_seen(False, stage.trunk.line.tape),
        ),
        key=lambda seen: seen.at,
    )


def _seen(caller: bool, tape: Tape) -> Iterable[Seen]:
    for at, sent, data in tape:
        text = Text(data)
        word = str(text.status) if text.status else text.start.split(" ")[0]
        yield Seen(at, caller, sent, word, text["Call-ID"], text["CSeq"])

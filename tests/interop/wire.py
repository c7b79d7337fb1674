"""What was on the wire, read by others: dumpcap takes it down, tshark judges it."""

import signal
import socket
import subprocess
import time
from pathlib import Path

# tshark forgives much: what it only warns of (a field without a colon, an end that is missing)
# counts as well. 0x600000 is its number for a warning; a fault is more.
BAD = "_ws.malformed or _ws.expert.severity >= 0x600000"
PATIENCE = 20.0  # seconds


class Wire:
    """A capture of what goes to and from some ports of this machine."""

    def __init__(self, path: Path, ports: list[int]) -> None:
        self.path = path
        self.ports = ports
        wanted = " or ".join(f"port {port}" for port in ports)
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-i", "lo", "-B", "32", "-w", path, "-f", wanted],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.heard = self.marked("the capture begins")

    def marked(self, word: str) -> bool:
        """Send a word until it stands in the file; False where nobody may listen."""
        deadline = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pen:
            while self.process.poll() is None and time.monotonic() < deadline:
                pen.sendto(f"\r\n{word}\r\n".encode(), ("127.0.0.1", self.ports[0]))
                time.sleep(0.05)
                if self.path.exists() and word.encode() in self.path.read_bytes():
                    return True
        return False

    def stop(self) -> None:
        """End it, with all that was sent until now."""
        if self.process.poll() is None:
            self.marked("the capture ends")
            self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    def count(self, what: str) -> int:
        """How many frames with SIP pass a filter of tshark's."""
        return len(self.tshark(f"sip and ({what})", "-T", "fields", "-e", "frame.number"))

    def faults(self) -> list[str]:
        """What tshark has to say against the SIP of each frame that is not as it should be."""
        return self.tshark(
            f"sip and ({BAD})",
            *("-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message"),
            *("-e", "sip.Request-Line", "-e", "sip.Status-Line", "-e", "_ws.malformed"),
        )

    def tshark(self, only: str, *shown: str) -> list[str]:
        command = ["tshark", "-n", "-r", str(self.path), "-Y", only, *shown]
        for port in self.ports:
            command += ["-d", f"udp.port=={port},sip", "-d", f"tcp.port=={port},sip"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return done.stdout.splitlines()

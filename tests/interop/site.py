"""A gateway between a PBX at 127.0.0.2 and a trunk at 127.0.0.3, each over its own transport.

The process is the real one, `tollbar run` with a configuration in a directory of its own and
free ports. Nothing here waits for a time, only for events, and each wait has an end.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from tests.authority import Authority

from play import Stage, free_port

GATEWAY, PBX, TRUNK = "127.0.0.1", "127.0.0.2", "127.0.0.3"
PATIENCE = 20.0  # seconds until what must come is missing


@dataclass(slots=True)
class Side:
    """How a peer is reached."""

    transport: str
    port: int


class Site(Stage):
    """The gateway, its listeners on all transports, and its records."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self.authority = authority
        self.secure = free_port()
        self.certificate, self.key = authority.issue("gateway", ip(GATEWAY))

    def configure(self, pbx: Side, trunk: Side) -> None:
        port = self.ports[5060]
        self.config.write_text(
            f"""
listeners:
  udp: {{bind: udp:{GATEWAY}:{port}}}
  tcp: {{bind: tcp:{GATEWAY}:{port}}}
  tls:
    bind: tls:{GATEWAY}:{self.secure}
    certificate: {self.certificate}
    key: {self.key}
    client_ca: {self.authority.file}
peers:
  pbx:
    role: pbx
    from: {PBX}
    to: {pbx.transport}:{PBX}:{pbx.port}
    trust: {{identity: true, account_code: true}}
  carrier:
    role: trunk
    from: {TRUNK}
    to: {trunk.transport}:{TRUNK}:{trunk.port}
    incoming: pbx
dial_groups:
  carriers: [carrier]
  pbx: [pbx]
account_codes:
  headers: [X-Account-Code, X-Asterisk-Accountcode]
  parameter: account-code
  templates: ["*61*CODE#NUMBER"]
state_directory: state
directory: directory.yaml
metrics: {{bind: 127.0.0.1:{self.ports[9464]}}}
"""
        )

    def uri(self, number: str, transport: str) -> str:
        port = self.secure if transport == "tls" else self.ports[5060]
        return f"sip:{number}@{GATEWAY}:{port}"

    def record(self) -> dict[str, Any]:
        """The one record written since one was last asked for."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found.extend(self.records())
            return bool(found)

        wait_for("a record", there)
        (record,) = found
        return record


class Pjsip:
    """An endpoint in a process of its own; what it says is kept until somebody asks for it."""

    def __init__(self, address: str, user: str, transport: str, authority: Authority) -> None:
        setting = {"address": address, "user": user, "transport": transport}
        if transport == "tls":
            certificate, key = authority.issue(user, ip(address))
            setting |= {
                "certificate": str(certificate),
                "key": str(key),
                "authority": str(authority.file),
            }
        self.transport = transport
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("endpoint.py"), json.dumps(setting)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.unread: list[dict[str, Any]] = []
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        self.port: int = self.wait("ready")["port"]

    @property
    def side(self) -> Side:
        return Side(self.transport, self.port)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def say(self, command: str, **more: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": command, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, event: str, **wanted: Any) -> dict[str, Any]:
        """The next event that is so; what came before it stays to be asked for."""
        wanted["event"] = event
        for at, told in enumerate(self.unread):
            if wanted.items() <= told.items():
                return self.unread.pop(at)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                told = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {wanted} but {shown(self.unread)}") from None
            if wanted.items() <= told.items():
                return told
            assert told["event"] != "error", told
            self.unread.append(told)

    def forget(self) -> None:
        """What was said so far is nobody's business any more."""
        self.unread.clear()
        while not self.events.empty():
            self.events.get()

    def call(self, uri: str, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.say("call", uri=uri, headers=named)
        return int(self.wait("calling")["call"])

    def incoming(self) -> tuple[int, str]:
        """A call that came: its number and the INVITE."""
        told = self.wait("incoming")
        return told["call"], told["text"]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()  # which ends it
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def shown(events: list[dict[str, Any]]) -> list[list[Any]]:
    """Events for a person to read: of a message, its first line."""
    return [[str(value).partition("\r\n")[0] for value in event.values()] for event in events]


def ip(address: str) -> x509.IPAddress:
    return x509.IPAddress(ip_address(address))


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not there after {PATIENCE:.0f} s"
        time.sleep(0.02)

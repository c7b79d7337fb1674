"""The gateway as a process that can be killed: a stage with `kill -9`, with a fault at a named
point, and with the records read from its disk."""

import asyncio
import math
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Self

from tests.crash.lines import Datagrams, Stream
from tests.crash.phones import Callee, Caller

from play import TOLLBAR, Stage, free_port, until
from tollbar.cdr.record import Record
from tollbar.store.records import Records

DYING = Path(__file__).with_name("dying.py")


class Mortal(Stage):
    """A gateway on free ports, a PBX that calls over UDP and over TCP, and a trunk."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.state = directory / "var"
        self.port = self.ports[5060]
        self.tcp_port = free_port()
        self.lives: list[tuple[float, float]] = []  # UTC: when it was ready, when it was killed

    async def open(self) -> Self:
        self.udp = Caller(await Datagrams(self.ports[5090], self.port).open(), self.port)
        self.tcp = Caller(await Stream(self.tcp_port, self.port).open(), self.port)
        self.trunk = Callee(await Datagrams(self.ports[5070], self.port).open())
        return self

    async def close(self) -> None:
        if self.gateway is not None and self.gateway.poll() is None:
            self.kill()
        for phone in (self.udp, self.tcp, self.trunk):
            await phone.line.close()

    async def run(self, point: str = "") -> None:
        """Start; with a point, to die there."""
        await asyncio.to_thread(self.launch, point)

    def launch(self, point: str) -> None:
        command = [sys.executable, DYING, point] if point else [TOLLBAR]
        with self.log.open("ab") as log:
            self.gateway = subprocess.Popen(
                [*command, "run", "--config", self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until("the gateway", self.ready, self.gateway)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.log.read_text()[-2000:]}") from error
        self.lives.append((time.time(), math.inf))

    def kill(self) -> None:
        """kill -9."""
        assert self.gateway is not None
        if self.lives:
            self.lives[-1] = (self.lives[-1][0], time.time())
        self.gateway.kill()
        self.gateway.wait()

    @property
    def dead(self) -> bool:
        assert self.gateway is not None
        return self.gateway.poll() is not None

    def on_disk(self) -> dict[str, list[Record]]:
        """All records, by the Call-ID of their caller."""
        found: dict[str, list[Record]] = defaultdict(list)
        records = Records(self.state)
        try:
            for record in records.find():
                found[record.a_call_id].append(record)
        finally:
            records.close()
        return found

"""Calls at a steady rate, drawn from a seed: answered, busy, cancelled, refused, UDP and TCP.

The rate has a limit in the calls that are not over yet: a machine that takes long to start the
gateway again must not find more calls waiting each time than the time before.
"""

import asyncio
import random
import time
from typing import Final

from tests.crash.gateway import Mortal
from tests.crash.phones import BUSY, CALLEE, CALLER, CANCEL, Outgoing, Plan

RATE: Final = 60  # calls a second
MOST: Final = 2.0  # seconds' calls in progress; nobody calls while there are so many
ANSWERED: Final = "3175551234"
REFUSED: Final = "9005551234"  # the sample's dial plan blocks it


class Load:
    """Places calls until it is stopped; ``dice`` may be changed on the way."""

    def __init__(self, stage: Mortal, dice: random.Random, rate: int = RATE) -> None:
        self.stage = stage
        self.rate = rate
        self.most = MOST * rate
        self.dice = dice
        self.placed: list[Outgoing] = []  # those that may not be over
        self.task = asyncio.get_running_loop().create_task(self.place())

    async def place(self) -> None:
        due = time.monotonic()
        while True:
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(self.placed) >= self.most:
                self.placed = [call for call in self.placed if not call.over]
            if len(self.placed) < self.most:
                phone = self.stage.udp if self.dice.random() < 0.5 else self.stage.tcp
                self.placed.append(phone.place(self.plan()))

    def plan(self) -> Plan:
        dice = self.dice
        ending = dice.choices((CALLER, CALLEE, BUSY, CANCEL, "refused"), (35, 35, 10, 10, 10))[0]
        return Plan(
            ending,
            ring=dice.uniform(0.0, 0.4),
            talk=dice.uniform(0.0, 1.5),
            dialled=REFUSED if ending == "refused" else ANSWERED,
            insists=dice.random() < 0.5,
        )

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

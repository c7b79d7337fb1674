import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from tests.net.echo import FakeEngine

from tollbar.b2bua.facts import Fact
from tollbar.net.driver import Driver


class Shell:
    """A driver with a fake engine and the facts it let out."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.facts: list[Fact] = []
        self.driver = Driver(self.engine, self.facts.extend, asyncio.get_running_loop())


@pytest_asyncio.fixture
async def shell() -> AsyncIterator[Shell]:
    shell = Shell()
    yield shell
    shell.driver.stop()

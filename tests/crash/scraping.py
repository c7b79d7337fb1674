"""What a gateway on a stage says of itself over HTTP."""

import asyncio
import urllib.error
import urllib.request

from tests.crash.gateway import Mortal


def answer(stage: Mortal, path: str) -> tuple[int, str]:
    """Status and body."""
    url = f"http://127.0.0.1:{stage.ports[9464]}{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _value(stage: Mortal, name: str) -> float:
    _, text = answer(stage, "/metrics")
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def metric(stage: Mortal, name: str) -> float:
    """A metric without labels, now."""
    return await asyncio.to_thread(_value, stage, name)


async def becomes(stage: Mortal, name: str, value: float, seconds: float = 15.0) -> None:
    """Wait until a metric has this value."""
    async with asyncio.timeout(seconds):
        while await metric(stage, name) != value:
            await asyncio.sleep(0.1)

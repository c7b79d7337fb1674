"""Our UDP port against a peer that is built on another library: asyncio-dgram."""

import asyncio

import asyncio_dgram
from tests.net.conftest import Shell
from tests.net.echo import message

from tollbar.gateway import Listener
from tollbar.net.udp import UdpPort


async def test_datagrams_cross_whole_and_in_order(shell: Shell) -> None:
    port = UdpPort(Listener("udp", "udp", "127.0.0.1", 0, "127.0.0.1", 0))
    shell.driver.add(port)
    port.start()
    peer = await asyncio_dgram.connect(port.address[:2])
    sent = [message(f"number{n}", b"x" * n * 100) for n in range(20)]
    for data in sent:
        await peer.send(data)
    async with asyncio.timeout(10):
        got = [(await peer.recv())[0] for _ in sent]
    assert got == sent
    assert {flow.port for _, flow in shell.engine.received} == {peer.sockname[1]}
    peer.close()

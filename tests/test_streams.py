"""A trunk over TCP whose Contact takes no connection, with real sockets."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from pathlib import Path

from tests.test_server import Running, field

from tollbar.gateway import Destination


class Trunk:
    """Answers on the one connection it was reached by, and never asks twice."""

    def __init__(self) -> None:
        self.came = asyncio.Queue[tuple[StreamReader, StreamWriter]]()
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.nobody: int = sock.getsockname()[1]

    async def listen(self) -> int:
        self.server = await asyncio.start_server(self.met, "127.0.0.1", 0)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def met(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self.came.put((reader, writer))

    async def accept(self) -> None:
        self.reader, self.writer = await self.came.get()

    async def receive(self, start: str) -> str:
        message = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        await self.reader.readexactly(int(field(message, "Content-Length")))
        assert message.startswith(start), message
        return message

    def answer(self, request: str) -> None:
        kept = "\r\n".join(
            line
            for line in request.splitlines()
            if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:"))
        )
        to = field(request, "To")
        tag = "" if ";tag=" in to else ";tag=b"
        self.writer.write(
            f"SIP/2.0 200 OK\r\n{kept}\r\nTo: {to}{tag}\r\n"
            f"Contact: <sip:x@127.0.0.1:{self.nobody};transport=tcp>\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )

    async def close(self) -> None:
        self.writer.close()
        self.server.close()
        await self.server.wait_closed()


async def test_a_trunk_whose_contact_takes_no_connection_gets_its_ack_and_bye(
    tmp_path: Path,
) -> None:
    running, trunk = Running(tmp_path), Trunk()
    carrier = running.gateway.peers[1]
    carrier.listener = "tcp"
    carrier.to = Destination("tcp", "127.0.0.1", await trunk.listen())
    await running.start()
    async with asyncio.timeout(10):
        running.invite()
        await trunk.accept()
        trunk.answer(await trunk.receive("INVITE"))
        await trunk.receive("ACK")
        ok = await running.pbx.receive("SIP/2.0 200")
        running.in_dialog("ACK", ok, 1)
        running.in_dialog("BYE", ok, 2)
        trunk.answer(await trunk.receive("BYE"))
        await running.pbx.receive("SIP/2.0 200", "BYE")
    assert trunk.came.empty()
    await trunk.close()
    await running.stop()
    (found,) = running.records()
    assert (found.outcome, found.ended_by) == ("answered", "caller")

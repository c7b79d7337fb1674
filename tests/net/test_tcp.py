import asyncio
import errno
import socket
from asyncio import StreamReader, StreamWriter

import pytest
from tests.net.conftest import Shell
from tests.net.echo import message

from tollbar.gateway import Listener
from tollbar.net import tcp
from tollbar.net.tcp import StreamPort
from tollbar.sip.flow import Flow, Target


def opened(shell: Shell, host: str = "127.0.0.1") -> StreamPort:
    port = StreamPort(Listener("tcp", "tcp", host, 0, host, 0))
    shell.driver.add(port)
    port.start()
    return port


def count(shell: Shell) -> int:
    return len(shell.engine.received)


async def ended(writer: StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_messages_are_cut_from_the_stream_and_answered_on_it(shell: Shell, host: str) -> None:
    port = opened(shell, host)
    reader, writer = await asyncio.open_connection(*port.address)
    one, two = message("one", b"body"), message("two")
    writer.write(one + two[:10])
    await shell.engine.until(lambda: count(shell) == 1)
    writer.write(two[10:])
    assert await reader.readexactly(len(one + two)) == one + two
    flow = shell.engine.received[0][1]
    assert shell.engine.received[1][1] is flow
    assert flow.reliable
    assert (flow.address, flow.port) == writer.get_extra_info("sockname")[:2]
    await ended(writer)


async def test_a_ping_reaches_the_engine_and_its_pong_comes_back(shell: Shell) -> None:
    port = opened(shell)
    shell.engine.answer = lambda data: b"\r\n" if data == b"\r\n\r\n" else None
    reader, writer = await asyncio.open_connection(*port.address)
    writer.write(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"\r\n"
    await ended(writer)


async def test_pings_that_come_together_are_one(shell: Shell) -> None:
    port = opened(shell)
    _, writer = await asyncio.open_connection(*port.address)
    writer.write(b"\r\n\r\n" * 500 + message())
    await shell.engine.until(lambda: message() in [data for data, _ in shell.engine.received])
    # As many as there were reads, at the most.
    assert len(shell.engine.received) < 20
    await ended(writer)


async def test_who_called_us_is_reached_on_its_own_connection(shell: Shell) -> None:
    port = opened(shell)
    shell.engine.answer = lambda data: None
    reader, writer = await asyncio.open_connection(*port.address)
    writer.write(message())
    await shell.engine.until(lambda: count(shell) == 1)
    address, number = writer.get_extra_info("sockname")
    shell.engine.outbox = [(Target("tcp", "tcp", address, number), b"BYE")]
    shell.driver.settle(0.0)
    assert await reader.readexactly(3) == b"BYE"
    assert len(port.connections) == 1
    await ended(writer)


class Peer:
    """A TCP peer that counts its connections and keeps what it got."""

    def __init__(self) -> None:
        self.writers: list[StreamWriter] = []
        self.readers: list[StreamReader] = []
        self.came = asyncio.Event()

    async def __aenter__(self) -> "Peer":
        self.server = await asyncio.start_server(self.met, "127.0.0.1", 0)
        name = self.server.sockets[0].getsockname()
        self.target = Target("tcp", "tcp", name[0], name[1])
        return self

    async def met(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.readers.append(reader)
        self.writers.append(writer)
        self.came.set()

    async def __aexit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.server.close()
        await self.server.wait_closed()


async def test_a_target_is_connected_to_once_and_from_our_address(shell: Shell) -> None:
    opened(shell)
    async with Peer() as peer:
        shell.engine.outbox = [(peer.target, b"one")]
        shell.driver.settle(0.0)
        shell.engine.outbox = [(peer.target, b"two")]
        shell.driver.settle(0.0)
        await peer.came.wait()
        assert await peer.readers[0].readexactly(6) == b"onetwo"
        shell.engine.outbox = [(peer.target, b"three")]
        shell.driver.settle(0.0)
        assert await peer.readers[0].readexactly(5) == b"three"
        assert len(peer.readers) == 1
        peer.writers[0].write(message())
        await shell.engine.until(lambda: count(shell) == 1)
        flow = shell.engine.received[0][1]
        assert (flow.address, flow.port) == (peer.target.address, peer.target.port)


async def test_a_refused_connection_is_told_for_each_target(shell: Shell) -> None:
    opened(shell)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number = sock.getsockname()[1]
    one = Target("tcp", "tcp", "127.0.0.1", number)
    two = Target("tcp", "tcp", "127.0.0.1", number)
    shell.engine.outbox = [(one, b"x"), (two, b"y")]
    shell.driver.settle(0.0)
    await shell.engine.until(lambda: len(shell.engine.gone) == 2)
    assert [hop for hop, _ in shell.engine.gone] == [one, two]
    said = f"tcp 127.0.0.1:{number}: connection refused"
    assert shell.engine.notices == [("not_connected", said)]


async def test_a_broken_connection_is_told_and_the_next_send_connects_anew(shell: Shell) -> None:
    opened(shell)
    async with Peer() as peer:
        shell.engine.outbox = [(peer.target, b"one")]
        shell.driver.settle(0.0)
        await peer.came.wait()
        peer.came.clear()
        peer.writers[0].transport.abort()
        await shell.engine.until(lambda: bool(shell.engine.gone))
        hop = shell.engine.gone[0][0]
        assert isinstance(hop, Flow)
        shell.engine.outbox = [(hop, b"nowhere"), (peer.target, b"two")]
        shell.driver.settle(0.0)
        assert shell.engine.gone[1][0] is hop
        await peer.came.wait()
        assert await peer.readers[1].readexactly(3) == b"two"


async def test_what_is_closed_at_the_end_is_not_lost(shell: Shell) -> None:
    """Else whatever waits for an answer on it would be sent again, or fail, while we leave;
    it is for the next start to take up."""
    port = opened(shell)
    reader, writer = await asyncio.open_connection(*port.address)
    writer.write(message())
    assert await reader.readexactly(len(message())) == message()
    shell.driver.stop()
    assert await reader.read() == b""
    assert not port.connections
    assert not shell.engine.gone
    await ended(writer)


async def test_what_cannot_be_framed_ends_the_connection(shell: Shell) -> None:
    port = opened(shell)
    reader, writer = await asyncio.open_connection(*port.address)
    broken = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: many\r\n\r\n"
    writer.write(message("whole") + broken)
    assert await reader.read() == message("whole")
    assert count(shell) == 1
    address, number = writer.get_extra_info("sockname")
    said = f"tcp {address}:{number}: Bad Number"
    assert shell.engine.notices == [("malformed", said)]
    assert not port.connections
    await ended(writer)


async def test_connections_are_bounded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "PER_ADDRESS", 2)
    port = opened(shell)
    some = [await asyncio.open_connection(*port.address) for _ in range(3)]
    assert await some[2][0].read() == b""
    assert (len(port.connections), port.refused) == (2, 1)
    for _, writer in some:
        await ended(writer)


async def test_without_descriptors_the_backlog_waits_and_the_log_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tcp, "PAUSE", 0.0)
    port = opened(shell)
    real = port.sock

    class Poor:
        """The socket of a process that has no descriptor left."""

        def fileno(self) -> int:
            return real.fileno()

        def accept(self) -> None:
            port.sock = real
            raise OSError(errno.EMFILE, "too many")

    address = port.address
    port.sock = Poor()  # type: ignore[assignment]
    reader, writer = await asyncio.open_connection(*address)
    writer.write(message())
    assert await reader.readexactly(len(message())) == message()
    assert caplog.messages == ["listener 'tcp' takes no connection for now: too many open files"]
    await ended(writer)


async def test_a_peer_that_reads_nothing_is_let_go(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "UNSENT", 100_000)
    port = opened(shell)
    shell.engine.answer = lambda data: b"x" * 1_000_000
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, port.address)
        for _ in range(40):
            await asyncio.get_running_loop().sock_sendall(sock, message())
            if shell.engine.gone:
                break
        await shell.engine.until(lambda: not port.connections)


async def test_the_system_is_told_how_long_to_try(shell: Shell) -> None:
    """A peer that vanished is found out also while something is on its way to it; without
    TCP_USER_TIMEOUT no keep-alive is sent then."""
    port = opened(shell)
    async with Peer() as peer:
        shell.engine.outbox = [(peer.target, b"one")]
        shell.driver.settle(0.0)
        await peer.came.wait()
        (connection,) = port.connections
        assert connection.transport is not None
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == tcp.UNHEARD


async def test_a_message_leaves_at_once_whoever_opened_the_connection(shell: Shell) -> None:
    """The 180 must not wait (40 ms and more) until the system of the far end acknowledges the
    100 that went before it."""
    port = opened(shell)
    _, writer = await asyncio.open_connection(*port.address)
    writer.write(message())
    await shell.engine.until(lambda: count(shell) == 1)
    async with Peer() as peer:
        shell.engine.outbox = [(peer.target, b"one")]
        shell.driver.settle(0.0)
        await peer.came.wait()
        assert len(port.connections) == 2
        for connection in port.connections:
            assert connection.transport is not None
            sock = connection.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await ended(writer)


async def test_silence_is_bounded(shell: Shell) -> None:
    port = opened(shell)
    reader, writer = await asyncio.open_connection(*port.address)
    talker, other = await asyncio.open_connection(*port.address)
    other.write(message())
    await talker.readexactly(len(message()))
    now = asyncio.get_running_loop().time()
    port.sweep(now + tcp.FIRST_MESSAGE - 1)
    assert len(port.connections) == 2
    port.sweep(now + tcp.FIRST_MESSAGE + 1)
    assert await reader.read() == b""
    assert len(port.connections) == 1
    port.sweep(now + tcp.SILENCE + 1)
    assert await talker.read() == b""
    for each in (writer, other):
        await ended(each)


async def test_a_taken_address_is_an_error(shell: Shell) -> None:
    port = opened(shell)
    listener = Listener("two", "tcp", *port.address, "", 0)
    with pytest.raises(OSError, match="in use"):
        StreamPort(listener)

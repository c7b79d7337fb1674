import asyncio
import socket

import pytest
from tests.net.conftest import Shell
from tests.net.echo import message

from tollbar.gateway import Listener
from tollbar.net import udp
from tollbar.net.udp import UdpPort
from tollbar.sip.flow import Flow, Target


def opened(shell: Shell, host: str = "127.0.0.1") -> UdpPort:
    port = UdpPort(Listener("udp", "udp", host, 0, host, 0))
    shell.driver.add(port)
    port.start()
    return port


def client(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def count(shell: Shell) -> int:
    return len(shell.engine.received)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_datagram_is_answered_where_it_came_from(shell: Shell, host: str) -> None:
    port = opened(shell, host)
    with client(host) as sock:
        sock.sendto(message(), port.address)
        await shell.engine.until(lambda: count(shell) == 1)
        flow = shell.engine.received[0][1]
        assert (flow.listener, flow.transport) == ("udp", "udp")
        assert (flow.address, flow.port) == sock.getsockname()[:2]
        assert sock.recv(100) == message()


async def test_one_source_is_one_flow(shell: Shell) -> None:
    port = opened(shell)
    with client() as one, client() as two:
        for sock in (one, two, one):
            sock.sendto(message(), port.address)
        await shell.engine.until(lambda: count(shell) == 3)
    flows = {data[1].port: data[1] for data in shell.engine.received}
    assert len(flows) == 2
    assert all(flow is flows[flow.port] for _, flow in shell.engine.received)


async def test_many_datagrams_are_one_wake_up(shell: Shell) -> None:
    port = opened(shell)
    with client() as sock:
        for _ in range(udp.DRAIN + 6):
            sock.sendto(message(), port.address)
        port.readable()
        assert count(shell) == udp.DRAIN
        port.readable()
    assert count(shell) == udp.DRAIN + 6
    assert len(set(shell.engine.times[: udp.DRAIN])) == 1


async def test_a_target_is_sent_to_and_its_flow_is_the_answers(shell: Shell) -> None:
    port = opened(shell)
    shell.engine.answer = lambda data: None
    with client() as sock:
        address, number = sock.getsockname()
        shell.engine.outbox = [(Target("udp", "udp", address, number), b"to you")]
        shell.driver.settle(0.0)
        assert sock.recv(100) == b"to you"
        sock.sendto(message(), port.address)
        await shell.engine.until(lambda: count(shell) == 1)
        path = shell.engine.received[0][1].channel
        assert port.reach(Target("udp", "udp", address, number)) is path


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_unreachable_port_is_told_as_lost(shell: Shell, host: str) -> None:
    opened(shell, host)
    with client(host) as sock:
        number = sock.getsockname()[1]
    shell.engine.outbox = [(Target("udp", "udp", host, number), b"anybody?")]
    shell.driver.settle(0.0)
    await shell.engine.until(lambda: bool(shell.engine.gone))
    hop, error = shell.engine.gone[0]
    assert isinstance(hop, Flow)
    assert (hop.address, hop.port) == (host, number)
    assert isinstance(error, ConnectionRefusedError)


async def test_an_unreachable_port_does_not_harm_the_others(shell: Shell) -> None:
    port = opened(shell)
    with client() as sock:
        dead = sock.getsockname()[1]
    with client() as sock:
        address, number = sock.getsockname()
        for _ in range(3):
            shell.engine.outbox = [
                (Target("udp", "udp", "127.0.0.1", dead), b"x"),
                (Target("udp", "udp", address, number), b"y"),
            ]
            shell.driver.settle(0.0)
            assert sock.recv(100) == b"y"
        await shell.engine.until(lambda: bool(shell.engine.gone))
        assert {hop.port for hop, _ in shell.engine.gone} == {dead}
        sock.sendto(message(), port.address)
        await shell.engine.until(lambda: count(shell) == 1)


async def test_a_full_send_buffer_queues_in_order_and_bounded(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "QUEUE", 3)
    port = opened(shell)
    real = port.sendto

    def full(data: bytes, address: object) -> int:
        raise BlockingIOError

    port.sendto = full  # type: ignore[assignment]
    with client() as sock:
        address, number = sock.getsockname()
        target = Target("udp", "udp", address, number)
        shell.engine.outbox = [(target, b"%d" % n) for n in range(5)]
        shell.driver.settle(0.0)
        assert (len(port.queue), port.dropped) == (3, 2)
        port.sendto = real
        shell.engine.outbox = [(target, b"late")]
        shell.driver.settle(0.0)
        assert port.dropped == 3  # behind the others, and they fill the queue
        port.writable()
        assert [sock.recv(100) for _ in range(3)] == [b"0", b"1", b"2"]
        assert not port.queue


async def test_what_waited_is_not_lost_for_another_ones_error(shell: Shell) -> None:
    """The system tells an error at the next send, whomever that is to."""
    port = opened(shell)
    with client() as sock:
        dead = sock.getsockname()
    with client() as sock:
        port.put(b"y", sock.getsockname())
        port.sendto(b"x", dead)
        port.writable()
        assert sock.recv(100) == b"y"
        await shell.engine.until(lambda: bool(shell.engine.gone))
        assert {hop.port for hop, _ in shell.engine.gone} == {dead[1]}


async def test_flows_are_bounded_and_the_busy_ones_stay(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "FLOWS", 10)
    port = opened(shell)
    busy = port.flow(("192.0.2.1", 5060))
    for number in range(100):
        port.flow(("198.51.100.1", number))
        assert port.flow(("192.0.2.1", 5060)) is busy
    assert len(port.flows) + len(port.older) <= 20


async def test_a_datagram_too_large_is_lost_and_nothing_else(shell: Shell) -> None:
    opened(shell)
    with client() as sock:
        address, number = sock.getsockname()
        target = Target("udp", "udp", address, number)
        shell.engine.outbox = [(target, b"x" * 65_536), (target, b"small")]
        shell.driver.settle(0.0)
        assert sock.recv(100) == b"small"
    assert [hop for hop, _ in shell.engine.gone] == [target]


async def test_a_taken_address_is_an_error(shell: Shell) -> None:
    with client() as sock:
        number = sock.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            UdpPort(Listener("udp", "udp", "127.0.0.1", number, "", 0))


async def test_a_failing_engine_still_settles(shell: Shell) -> None:
    port = opened(shell)

    def fails(data: bytes) -> bytes | None:
        shell.engine.deadline = asyncio.get_running_loop().time() + 60
        raise ArithmeticError

    shell.engine.answer = fails
    with client() as sock:
        sock.sendto(message(), port.address)
        with pytest.raises(ArithmeticError):
            port.readable()
    assert shell.driver.alarm is not None

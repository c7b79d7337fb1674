import asyncio
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from tests.authority import Authority
from tests.net.conftest import Shell
from tests.net.echo import message

from tollbar.gateway import Listener
from tollbar.net.tcp import StreamPort
from tollbar.net.tls import Contexts
from tollbar.pem import Unusable
from tollbar.sip.flow import Flow, Target


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


LOCAL = x509.IPAddress(ip_address("127.0.0.1"))


def gateway(authority: Authority, asks: bool = True) -> Listener:
    certificate, key = authority.issue("gateway", LOCAL)
    ca = authority.file if asks else None
    return Listener("tls", "tls", "127.0.0.1", 0, "127.0.0.1", 0, certificate, key, ca)


def opened(shell: Shell, listener: Listener, names: dict[tuple[str, int], str]) -> StreamPort:
    port = StreamPort(listener, names)
    shell.driver.add(port)
    port.start()
    return port


def trusting(authority: Authority, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


async def names_seen(
    shell: Shell, port: StreamPort, context: ssl.SSLContext
) -> tuple[tuple[str, ...], Flow]:
    reader, writer = await asyncio.open_connection(*port.address, ssl=context)
    try:
        writer.write(message())
        assert await reader.readexactly(len(message())) == message()
    finally:
        writer.transport.abort()
    flow = shell.engine.received[-1][1]
    return flow.names, flow


async def test_a_verified_certificate_names_its_flow(shell: Shell, authority: Authority) -> None:
    port = opened(shell, gateway(authority), {})
    pair = authority.issue(
        "pbx",
        x509.DNSName("PBX.example.com"),
        x509.UniformResourceIdentifier("sip:example.com"),
    )
    names, flow = await names_seen(shell, port, trusting(authority, pair))
    assert set(names) == {"pbx.example.com", "example.com"}
    assert flow.transport == "tls"


async def test_the_common_name_counts_only_without_others(
    shell: Shell, authority: Authority
) -> None:
    port = opened(shell, gateway(authority), {})
    names, _ = await names_seen(shell, port, trusting(authority, authority.issue("pbx")))
    assert names == ("pbx",)
    # A URI of another scheme names no SIP domain.
    pair = authority.issue("pbx", x509.UniformResourceIdentifier("urn:uuid:0-0-0-0-0"))
    assert (await names_seen(shell, port, trusting(authority, pair)))[0] == ("pbx",)


async def test_a_certificate_is_asked_for_but_not_demanded(
    shell: Shell, authority: Authority
) -> None:
    port = opened(shell, gateway(authority), {})
    assert (await names_seen(shell, port, trusting(authority)))[0] == ()


async def test_a_certificate_of_another_authority_ends_the_connection(
    shell: Shell, authority: Authority, tmp_path: Path
) -> None:
    port = opened(shell, gateway(authority), {})
    (tmp_path / "other").mkdir()
    pair = Authority(tmp_path / "other").issue("pbx")
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await names_seen(shell, port, trusting(authority, pair))
    assert not shell.engine.received
    ((kind, said),) = shell.engine.notices
    assert kind == "handshake_failed"
    assert said.startswith("tls 127.0.0.1:")
    assert said.endswith(": unable to get local issuer certificate")


async def test_who_only_knocks_is_no_failed_handshake(shell: Shell, authority: Authority) -> None:
    port = opened(shell, gateway(authority), {})
    _, writer = await asyncio.open_connection(*port.address)
    writer.close()
    async with asyncio.timeout(10):
        while not port.connections:
            await asyncio.sleep(0)
        while port.connections:
            await asyncio.sleep(0)
    assert not shell.engine.notices


async def test_who_waits_for_a_handshake_that_fails_is_told(
    shell: Shell, authority: Authority
) -> None:
    port = opened(shell, gateway(authority), {})
    _, writer = await asyncio.open_connection(*port.address)
    async with asyncio.timeout(10):
        while not port.connections:
            await asyncio.sleep(0)
    address, number = writer.get_extra_info("sockname")
    target = Target("tls", "tls", address, number)
    shell.engine.outbox = [(target, b"BYE")]
    shell.driver.settle(0.0)
    writer.write(b"this is no TLS\r\n")
    await shell.engine.until(lambda: bool(shell.engine.gone))
    assert [hop for hop, _ in shell.engine.gone] == [target]
    writer.close()


async def test_without_an_authority_no_certificate_counts(
    shell: Shell, authority: Authority
) -> None:
    port = opened(shell, gateway(authority, asks=False), {})
    pair = authority.issue("pbx", x509.DNSName("pbx"))
    assert (await names_seen(shell, port, trusting(authority, pair)))[0] == ()


async def test_an_outgoing_connection_checks_the_name(shell: Shell, authority: Authority) -> None:
    pair = authority.issue("trunk", x509.DNSName("trunk.example.net"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    got: list[bytes] = []
    came = asyncio.Event()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(100))
        writer.close()
        came.set()

    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context)
    address, number = server.sockets[0].getsockname()
    target = Target("tls", "tls", address, number)
    names = {(address, number): "trunk.example.org"}
    opened(shell, gateway(authority), names)
    shell.engine.outbox = [(target, b"secret")]
    shell.driver.settle(0.0)
    await shell.engine.until(lambda: bool(shell.engine.gone))
    assert isinstance(shell.engine.gone[0][1], ssl.SSLCertVerificationError)
    ((kind, said),) = shell.engine.notices
    assert kind == "not_connected"
    assert "certificate is not valid for 'trunk.example.org'" in said
    assert got == []

    names[address, number] = "trunk.example.net"
    shell.engine.outbox = [(target, b"secret")]
    shell.driver.settle(0.0)
    await came.wait()
    assert got == [b"secret"]
    server.close()
    await server.wait_closed()


async def test_who_calls_from_a_trunks_address_is_not_taken_for_the_trunk(
    shell: Shell, authority: Authority
) -> None:
    """RFC 5923 section 9: a connection is reused by what its certificate proves. One who can
    send from the address of a peer would be given that peer's calls."""
    port = opened(shell, gateway(authority), {})
    shell.engine.answer = lambda data: None
    pair = authority.issue("trunk", x509.DNSName("trunk.example.net"))
    for proof, given in ((None, b""), (pair, b"secret")):
        context = trusting(authority, proof)
        reader, writer = await asyncio.open_connection(*port.address, ssl=context)
        writer.write(message())
        address, number = writer.get_extra_info("sockname")
        target = Target("tls", "tls", address, number)
        port.server_names = {(address, number): "Trunk.example.net"}
        shell.engine.received.clear()
        await shell.engine.until(lambda: bool(shell.engine.received))
        shell.engine.outbox = [(target, b"secret")]
        shell.driver.settle(0.0)
        if given:
            assert await reader.readexactly(len(given)) == given
        else:
            await shell.engine.until(lambda: bool(shell.engine.gone))
            assert [hop for hop, _ in shell.engine.gone] == [target]
        writer.transport.abort()


async def test_certificates_are_replaced_while_running(shell: Shell, authority: Authority) -> None:
    listener = gateway(authority)
    port = opened(shell, listener, {})
    assert port.contexts is not None

    async def serial() -> str:
        _, writer = await asyncio.open_connection(*port.address, ssl=trusting(authority))
        certificate = writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
        return str(certificate["serialNumber"])

    first = await serial()
    listener.certificate, listener.key = authority.issue("gateway", LOCAL)
    assert await serial() == first
    port.contexts.take(Contexts(listener))
    second = await serial()
    assert second != first

    assert listener.certificate is not None
    listener.certificate.write_text("not a certificate")
    with pytest.raises(Unusable, match=r"gateway\.pem: there is no certificate in it"):
        Contexts(listener)
    assert await serial() == second


async def test_old_tls_is_refused(shell: Shell, authority: Authority) -> None:
    port = opened(shell, gateway(authority), {})
    assert port.contexts is not None
    assert port.contexts.server.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert port.contexts.client.minimum_version >= ssl.TLSVersion.TLSv1_2

"""sipsak's OPTIONS is answered over UDP, TCP and TLS.

Debian's sipsak can do TLS, but not TLS 1.3: it takes the session ticket for a broken
connection; so GnuTLS is told to stay at 1.2 (`test_identity` speaks 1.3). It also compares
the certificate's name with address and port in one, which no certificate can satisfy.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.authority import Authority
from tests.interop.site import GATEWAY, PBX, Side, Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    site = Site(directory, Authority(directory))
    nowhere = Side("udp", 9)
    site.configure(nowhere, nowhere)
    site.start()
    yield site
    site.stop()


def sipsak(site: Site, transport: str, directory: Path, source: str) -> tuple[int, str]:
    """Its exit code, which is 0 where a 200 came, and what it showed."""
    priorities = directory / "gnutls"
    priorities.write_text("[overrides]\ndisabled-version = tls1.3\n")
    port = site.secure if transport == "tls" else site.ports[5060]
    command = ["sipsak", "-vv", "-E", transport, "-s", f"sip:x@{GATEWAY}:{port}"]
    command += [f"--local-ip={source}"]
    if transport == "tls":
        command += [f"--tls-ca-cert={site.authority.file}", "--tls-ignore-cert-failure"]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        timeout=60,
        env=os.environ | {"GNUTLS_SYSTEM_PRIORITY_FILE": str(priorities)},
    )
    return done.returncode, done.stdout.decode(errors="replace")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_options_is_answered(site: Site, transport: str, tmp_path: Path) -> None:
    code, shown = sipsak(site, transport, tmp_path, PBX)
    assert code == 0, shown
    assert "SIP/2.0 200 OK" in shown
    assert "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO" in shown
    assert "REFER" not in shown


def test_a_stranger_is_not_answered(site: Site, tmp_path: Path) -> None:
    code, shown = sipsak(site, "tcp", tmp_path, "127.0.0.9")
    assert code != 0
    assert "SIP/2.0 " not in shown.partition("message received")[2]

"""While a call is up SIGHUP takes new certificates and `tollbar apply` a new directory: the call
goes on, and what comes next finds the new ones."""

import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest
from tests.authority import Authority
from tests.interop.line import Line, digits, hold_and_resume, needs_pjsip
from tests.interop.site import GATEWAY, PBX, Site, ip, wait_for

from play import TOLLBAR

pytestmark = needs_pjsip


@pytest.fixture
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    directory = tmp_path_factory.mktemp("site")
    line = Line(Site(directory, Authority(directory)), "tls", "udp")
    yield line
    line.close()


def serial(site: Site) -> str:
    """The number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=site.authority.file)
    with (
        socket.create_connection((GATEWAY, site.secure), 20, (PBX, 0)) as plain,
        context.wrap_socket(plain, server_hostname=GATEWAY) as stream,
    ):
        certificate = stream.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


def hang_up(site: Site) -> None:
    """The signal of that name."""
    assert site.gateway is not None
    site.gateway.send_signal(signal.SIGHUP)


def apply(site: Site) -> "subprocess.CompletedProcess[str]":
    directory = site.config.with_name("directory.yaml")
    return subprocess.run(
        [TOLLBAR, "apply", directory, "--config", site.config],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_call_that_is_up_outlives_both_and_the_next_one_finds_the_new_rules(
    line: Line,
) -> None:
    site = line.site
    near, far = line.up("3175551234")
    caller, callee = (line.pbx, near), (line.trunk, far)
    digits(caller, callee, "1")
    before = serial(site)
    site.authority.issue("gateway", ip(GATEWAY))
    directory = site.config.with_name("directory.yaml")
    text, places = re.subn(
        r"( +classification: local\n)",
        r"\1    account_code_verification: true\n",
        directory.read_text(),
    )
    assert places == 1
    directory.write_text(text)
    hang_up(site)
    wait_for("the new certificate", lambda: serial(site) != before)
    done = apply(site)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("revision 2\n")
    wait_for("the new rules", lambda: "revision 2 is in force" in site.log.read_text())
    hold_and_resume(caller, callee)
    hold_and_resume(callee, caller)
    second = line.out("3175551234")
    line.pbx.wait("state", call=second, state="disconnected", status=403)
    assert site.record()["reason"] == "required"
    line.trunk.say("hangup", call=far)
    line.pbx.wait("state", call=near, state="disconnected")
    record = site.record()
    assert (record["outcome"], record["ended_by"], record["matrix_row"]) == (
        "answered",
        "callee",
        12,
    )


def test_a_broken_file_is_refused_whole_and_no_call_notices(line: Line) -> None:
    site = line.site
    near, far = line.up("3175551234")
    before = serial(site)
    gateway = site.config.read_text()
    site.config.write_text(gateway.replace("role: pbx", "rolle: pbx"))
    site.authority.issue("gateway", ip(GATEWAY))
    hang_up(site)
    wait_for("the refusal", lambda: "reload refused" in site.log.read_text())
    assert re.search(r'gateway\.yaml:\d+:\d+: .*unknown key "rolle"', site.log.read_text())
    site.config.write_text(gateway)
    directory = site.config.with_name("directory.yaml")
    directory.write_text(directory.read_text().replace("classification: local\n", "x: local\n"))
    done = apply(site)
    assert done.returncode == 1
    assert re.search(r'directory\.yaml:\d+:\d+: .*unknown key "x"', done.stderr)
    assert serial(site) == before
    hold_and_resume((line.pbx, near), (line.trunk, far))
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected")
    assert site.record()["outcome"] == "answered"
    near, far = line.up("3175551234")
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected")
    assert site.record()["matrix_row"] == 12


def test_a_broken_certificate_is_refused_with_the_rest(line: Line) -> None:
    site = line.site
    before = serial(site)
    site.certificate.write_text("not a certificate")
    hang_up(site)
    wait_for("the refusal", lambda: "reload refused" in site.log.read_text())
    assert f"{site.certificate}: there is no certificate in it" in site.log.read_text()
    assert serial(site) == before
    near, far = line.up()
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected")
    assert site.record()["outcome"] == "answered"

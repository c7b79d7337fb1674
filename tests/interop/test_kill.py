"""kill -9 and a new start, with PJSIP at both ends: what each phone makes of it.

`tests/test_crash.py` has the points in between, and phones that do exactly as RFC 3261 says;
PJSIP checks what it is sent by its own lights.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from tests.authority import Authority
from tests.interop.line import Line, digits, hold_and_resume, needs_pjsip
from tests.interop.site import Pjsip, Site, wait_for

from tollbar.b2bua.causes import CALLEE, CALLER

pytestmark = needs_pjsip


@pytest.fixture(params=[("udp", "udp"), ("tcp", "tcp"), ("tls", "udp")], ids="-".join)
def line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    directory = tmp_path_factory.mktemp("site")
    line = Line(Site(directory, Authority(directory)), *request.param)
    yield line
    line.close()


def kill_and_start(site: Site) -> None:
    assert site.gateway is not None
    site.gateway.kill()
    site.gateway.wait()
    assert site.records() == []
    site.start()


def freeze(phone: Pjsip) -> None:
    """It hears nothing until it thaws; what comes meanwhile waits in its socket."""
    os.kill(phone.process.pid, signal.SIGSTOP)


def thaw(phone: Pjsip) -> None:
    os.kill(phone.process.pid, signal.SIGCONT)


def test_a_call_that_rings_is_over_on_both_sides(line: Line) -> None:
    near = line.out("3175551234")
    far, _ = line.trunk.incoming()
    line.trunk.say("answer", call=far, status=180)
    line.pbx.wait("state", call=near, state="early", status=180)
    kill_and_start(line.site)
    told = line.pbx.wait("state", call=near, state="disconnected")
    if line.pbx.transport == "udp":
        # Where a connection broke, PJSIP ends the call by itself.
        assert told["status"] == 500
    line.trunk.wait("state", call=far, state="disconnected")
    record = line.site.record()
    assert (record["outcome"], record["reason"]) == ("interrupted", "restart")
    assert record["billable_ms"] == 0


@pytest.mark.parametrize("line", [("udp", "udp")], ids="-".join, indirect=True)
def test_an_answered_call_without_its_ack_comes_up(line: Line) -> None:
    """Over a connection that broke it is PJSIP's own race whether the 200 in it still counts."""
    near = line.out("3175551234")
    far, _ = line.trunk.incoming()
    line.trunk.say("answer", call=far, status=180)
    line.pbx.wait("state", call=near, state="early", status=180)
    freeze(line.pbx)
    try:
        line.trunk.say("answer", call=far, status=200)
        line.trunk.wait("state", call=far, state="confirmed")
        kill_and_start(line.site)
    finally:
        thaw(line.pbx)
    line.pbx.wait("state", call=near, state="confirmed")
    digits((line.pbx, near), (line.trunk, far), "1")
    line.trunk.say("hangup", call=far)
    line.pbx.wait("state", call=near, state="disconnected", status=200)
    record = line.site.record()
    assert (record["outcome"], record["ended_by"]) == ("answered", "callee")
    assert record["billable_ms"] > 0


@pytest.mark.parametrize("ender", [CALLER, CALLEE])
def test_a_call_that_is_up_goes_on(line: Line, ender: str) -> None:
    near, far = line.up("9195551234", X_Account_Code="4711")
    caller, callee = (line.pbx, near), (line.trunk, far)
    hold_and_resume(callee, caller)
    kill_and_start(line.site)
    for one, other in ((caller, callee), (callee, caller)):
        digits(one, other, "1")
        hold_and_resume(one, other)
    (phone, number), (far_phone, there) = (caller, callee) if ender == CALLER else (callee, caller)
    phone.say("hangup", call=number)
    far_phone.wait("state", call=there, state="disconnected", status=200)
    record = line.site.record()
    assert (record["outcome"], record["ended_by"]) == ("answered", ender)
    assert (record["account_code"], record["in_report"]) == ("4711", True)
    wait_for("no call", lambda: line.site.tollbar("calls", "--json") == "")

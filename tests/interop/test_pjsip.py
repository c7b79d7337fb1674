"""Live calls each way with PJSIP on both sides of the gateway, over UDP, TCP and TLS.

PJSIP as the PBX calls a PJSIP trunk and is called by it; each endpoint is a process of its
own (`endpoint.py`). The media flows directly between them.
"""

from collections.abc import Iterator

import pytest
from tests.authority import Authority
from tests.interop.line import Line, digits, hold_and_resume, needs_pjsip
from tests.interop.site import Site

pytestmark = needs_pjsip

PATHS = [("udp", "udp"), ("tcp", "tcp"), ("tls", "tls"), ("tls", "udp")]


@pytest.fixture(scope="module", params=PATHS, ids="-".join)
def line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    directory = tmp_path_factory.mktemp("site")
    line = Line(Site(directory, Authority(directory)), *request.param)
    yield line
    line.close()


@pytest.fixture(autouse=True)
def _quiet(line: Line) -> None:
    line.pbx.forget()
    line.trunk.forget()


def test_a_call_out_with_hold_and_digits_is_hung_up_by_the_caller(line: Line) -> None:
    near, far = line.up("9195551234", X_Account_Code="001235")
    caller, callee = (line.pbx, near), (line.trunk, far)
    hold_and_resume(caller, callee)
    digits(caller, callee, "4#")
    digits(callee, caller, "7")
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected", status=200)
    record = line.site.record()
    assert record["outcome"] == "answered"
    assert record["ended_by"] == "caller"
    assert (record["direction"], record["trunk"]) == ("out", "carrier")
    assert (record["account_code"], record["matrix_row"]) == ("001235", 8)
    assert record["in_report"]
    assert 0 < record["billable_ms"] < 60_000


def test_the_code_is_nowhere_in_what_the_trunk_got(line: Line) -> None:
    near = line.out("*61*001235%239195551234", P_Asserted_Identity="<sip:1001@127.0.0.2>")
    far, invite = line.trunk.incoming()
    line.trunk.say("answer", call=far, status=200)
    line.pbx.wait("state", call=near, state="confirmed")
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected")
    assert "001235" not in invite.partition("\r\n\r\n")[0]
    assert invite.startswith("INVITE sip:19195551234@127.0.0.3:")
    assert line.site.record()["account_code"] == "001235"


def test_the_far_end_holds_and_hangs_up(line: Line) -> None:
    near, far = line.up()
    caller, callee = (line.pbx, near), (line.trunk, far)
    digits(caller, callee, "1")
    hold_and_resume(callee, caller)
    line.trunk.say("hangup", call=far)
    line.pbx.wait("state", call=near, state="disconnected", status=200)
    record = line.site.record()
    assert (record["outcome"], record["ended_by"]) == ("answered", "callee")


def test_the_caller_cancels_while_it_rings(line: Line) -> None:
    near = line.out("3175551234")
    far, _ = line.trunk.incoming()
    line.trunk.say("answer", call=far, status=180)
    line.pbx.wait("state", call=near, status=180)
    line.pbx.say("hangup", call=near)
    line.trunk.wait("message", call=far, method="CANCEL")
    line.pbx.wait("state", call=near, state="disconnected", status=487)
    line.trunk.wait("state", call=far, state="disconnected")
    record = line.site.record()
    assert (record["outcome"], record["ended_by"]) == ("cancelled", "caller")
    assert record["billable_ms"] == 0


def test_the_far_end_is_busy(line: Line) -> None:
    near = line.out("3175551234")
    far, _ = line.trunk.incoming()
    line.trunk.say("answer", call=far, status=486)
    line.pbx.wait("state", call=near, state="disconnected", status=486)
    assert line.site.record()["outcome"] == "busy"


def test_a_call_without_the_code_it_needs_is_refused(line: Line) -> None:
    near = line.out("9195551234")
    refusal = line.pbx.wait("state", call=near, state="disconnected", status=403)["text"]
    assert "Account Code Required" in refusal
    assert "Reason: Q.850;cause=21" in refusal
    record = line.site.record()
    assert (record["outcome"], record["matrix_row"]) == ("refused", 11)
    assert line.trunk.unread == []
    near, _ = line.up()  # the next call is the first that the trunk hears of
    line.pbx.say("hangup", call=near)
    line.pbx.wait("state", call=near, state="disconnected")
    assert line.site.record()["outcome"] == "answered"


def test_the_trunk_calls_and_the_pbx_hangs_up(line: Line) -> None:
    far = line.into("1001")
    near, invite = line.pbx.incoming()
    caller, callee = (line.trunk, far), (line.pbx, near)
    assert invite.startswith("INVITE sip:1001@127.0.0.2:")
    line.pbx.say("answer", call=near, status=183)
    line.trunk.wait("state", call=far, state="early", status=183)
    line.pbx.say("answer", call=near, status=200)
    line.trunk.wait("state", call=far, state="confirmed")
    digits(caller, callee, "5")
    hold_and_resume(callee, caller)
    hold_and_resume(caller, callee)
    digits(callee, caller, "0")
    line.pbx.say("hangup", call=near)
    line.trunk.wait("state", call=far, state="disconnected", status=200)
    record = line.site.record()
    assert (record["direction"], record["peer"], record["trunk"]) == ("in", "carrier", "pbx")
    assert (record["outcome"], record["ended_by"]) == ("answered", "callee")
    assert record["user"] == "alice"


def test_the_trunk_calls_and_hangs_up(line: Line) -> None:
    far = line.into("1001")
    near, _ = line.pbx.incoming()
    line.pbx.say("answer", call=near, status=200)
    line.trunk.wait("state", call=far, state="confirmed")
    line.trunk.say("hangup", call=far)
    line.pbx.wait("state", call=near, state="disconnected", status=200)
    record = line.site.record()
    assert (record["outcome"], record["ended_by"]) == ("answered", "caller")


def test_the_trunk_cancels(line: Line) -> None:
    far = line.into("1001")
    near, _ = line.pbx.incoming()
    line.pbx.say("answer", call=near, status=180)
    line.trunk.wait("state", call=far, status=180)
    line.trunk.say("hangup", call=far)
    line.pbx.wait("message", call=near, method="CANCEL")
    line.trunk.wait("state", call=far, state="disconnected", status=487)
    assert line.site.record()["outcome"] == "cancelled"


def test_tshark_finds_nothing_malformed_and_nothing_in_clear_that_should_not_be(
    line: Line,
) -> None:
    near, _ = line.up()
    line.pbx.say("hangup", call=near)
    line.pbx.wait("state", call=near, state="disconnected")
    line.wire.stop()
    if not line.wire.heard:
        pytest.skip("nobody may listen on this machine")
    clear = sum(side.transport != "tls" for side in (line.pbx, line.trunk))
    assert line.wire.count("sip.Method == INVITE") >= clear
    assert (b"INVITE sip:" in line.wire.path.read_bytes()) == (clear > 0)
    assert line.wire.faults() == []

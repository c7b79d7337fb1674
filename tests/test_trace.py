import stat
from pathlib import Path

import pytest
from tests.facts import UTC, Story

from tollbar import trace as traces
from tollbar.gateway import AccountCodes
from tollbar.mask import Mask
from tollbar.sip.flow import Flow
from tollbar.trace import Trace

FLOW = Flow("udp", "udp", "192.0.2.1", 5060)


def invite(caller: str, call_id: str) -> bytes:
    return (
        f"INVITE sip:3175551234@gw SIP/2.0\r\nFrom: <sip:{caller}@pbx>;tag=1\r\n"
        f"Call-ID: {call_id}\r\nX-Account-Code: 4711\r\n\r\n"
    ).encode()


def traced(tmp_path: Path, caller: str = "") -> Trace:
    mask = Mask(AccountCodes(templates=[]))
    return Trace(tmp_path / "trace.txt", mask, caller, clock=lambda: UTC)


def test_everything_is_written_masked_with_way_and_time(tmp_path: Path) -> None:
    trace = traced(tmp_path)
    trace.saw(True, FLOW, invite("1001", "a"))
    trace.saw(False, FLOW, b"SIP/2.0 100 Trying\r\nCall-ID: a\r\n\r\n")
    trace.close()
    text = trace.path.read_text()
    assert "4711" not in text
    assert "2026-01-01T00:00:00.000Z received from udp 192.0.2.1 port 5060 at udp" in text
    assert "sent to udp 192.0.2.1 port 5060 at udp\nSIP/2.0 100 Trying" in text
    assert stat.S_IMODE(trace.path.stat().st_mode) == 0o600


def test_one_callers_trace_follows_the_call_to_its_other_leg(tmp_path: Path) -> None:
    story, trace = Story(), traced(tmp_path, "1001")
    trace.saw(True, FLOW, invite("1001", "one@a"))
    trace.saw(True, FLOW, invite("1002", "two@a"))
    trace.fold([story.attempted("one"), story.tried("one")])
    trace.saw(False, FLOW, b"INVITE sip:x SIP/2.0\r\ni: one@b\r\n\r\n")
    trace.saw(False, FLOW, b"INVITE sip:x SIP/2.0\r\ni: two@b\r\n\r\n")
    trace.close()
    text = trace.path.read_text()
    assert "one@a" in text
    assert "one@b" in text
    assert "two@" not in text


def test_a_trace_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MOST_BYTES", 1000)
    trace = traced(tmp_path)
    for _ in range(100):
        trace.saw(True, FLOW, invite("1001", "a"))
    trace.close()
    assert trace.path.stat().st_size < 1500


def test_a_full_disk_ends_the_trace_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    trace = Trace(Path("/dev/full"), Mask(AccountCodes(templates=[])))
    for _ in range(3000):
        trace.saw(True, FLOW, invite("1001", "a"))
    trace.flush()
    trace.close()
    assert [record.message for record in caplog.records] == [
        "the trace ends: /dev/full: No space left on device"
    ]

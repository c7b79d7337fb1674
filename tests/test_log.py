import json
import os
import shlex
import socket
from pathlib import Path

import pytest
from tests.cdr.story import record
from tests.facts import UTC, Story

from tollbar import outlet as outlets
from tollbar.gateway import AccountCodes
from tollbar.log import BURST, CallLog
from tollbar.mask import Mask
from tollbar.outlet import Outlet


class Kept(Outlet):
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    @property
    def text(self) -> str:
        return b"".join(self.writes).decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def log(style: str = "text", level: str = "info") -> tuple[CallLog, Kept]:
    kept = Kept()
    mask = Mask(AccountCodes(templates=["*61*CODE#NUMBER"]))
    return CallLog(kept, mask, style, level), kept


def test_a_call_is_three_lines_under_one_id_in_one_write() -> None:
    calls, kept = log()
    calls.fold(Story().whole("id1"))
    calls.flush()
    assert [line.split()[1] for line in kept.lines] == ["attempted", "answered", "ended"]
    assert all("call=id1" in line for line in kept.lines)
    assert len(kept.writes) == 1
    assert kept.text.endswith("\n")


def test_a_refused_call_says_why() -> None:
    calls, kept = log()
    calls.fold(Story().refused("id1", "required"))
    calls.flush()
    assert kept.lines[1].split()[1:] == [
        "refused",
        "call=id1",
        "reason=required",
        "status=403",
        "cause=16",
        "by=caller",
    ]


def test_times_are_utc_with_milliseconds_and_durations_in_seconds() -> None:
    calls, kept = log()
    calls.fold(Story().whole("id1"))
    calls.flush()
    assert kept.lines[1].startswith("2026-01-01T00:00:02.000Z answered")
    assert "seconds=7.0" in kept.lines[2]


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("check", ["valid", "unknown", "none"])
def test_no_code_in_clear(style: str, check: str) -> None:
    calls, kept = log(style, "debug")
    calls.fold(
        Story().whole(
            "id1",
            dialled="*61*4711#3175551234",
            account_code="4711" if check == "valid" else "",
            code_check=check,
            code_source="digits",
            matrix_row=8,
        )
    )
    calls.flush()
    assert "4711" not in kept.text
    assert "3175551234" in kept.text
    assert ("****" in kept.lines[0].partition("to")[2]) is True


def test_json_lines_parse_and_carry_the_same() -> None:
    calls, kept = log("json")
    calls.fold(Story().whole("id1", caller='"Ann" ü\n'))
    calls.flush()
    first = json.loads(kept.lines[0])
    assert first["event"] == "attempted"
    assert first["call"] == "id1"
    assert first["from"] == '"Ann" ü\n'


@pytest.mark.parametrize("caller", ["a b", "a=b", 'say "x"', "x\ny", "ü", "a\\b", ""])
def test_text_values_cannot_be_taken_for_others(caller: str) -> None:
    calls, kept = log()
    calls.fold(Story().whole("id1", caller=caller))
    calls.flush()
    assert len(kept.lines) == 3
    pairs = dict(part.split("=", 1) for part in shlex.split(kept.lines[0])[2:])
    assert pairs["call"] == "id1"
    assert pairs["to"] == "3175551234"


@pytest.mark.parametrize(
    "decided",
    [
        {},
        {"user": "alice", "tenant": "blue", "emergency": True},
        {"code_check": "valid", "code_source": "header", "matrix_row": 8},
        {"matrix_row": 1},
        {"user": "Ann Example", "classification": "a=b"},
        {"tenant": "bl\u00fce", "caller": ""},
    ],
)
@pytest.mark.parametrize("outcome", ["answered", "refused"])
def test_a_line_says_the_same_as_text_and_as_json(decided: dict[str, object], outcome: str) -> None:
    facts = Story().whole("id1", **decided) + Story().refused("id2", "required")
    facts[4] = Story().ended("id1", 9.0, outcome, reason="x" * (outcome == "refused"), status=0)
    told = []
    for style in ("text", "json"):
        calls, kept = log(style)
        calls.fold(facts)
        calls.flush()
        told.append(kept.lines)
    assert len(told[0]) == 5
    for line, whole in zip(*told, strict=True):
        values = json.loads(whole)
        begin = f"{values.pop('time')} {values.pop('event')} "
        assert line.startswith(begin)
        pairs = [part.partition("=") for part in shlex.split(line.removeprefix(begin))]
        read = {key: json.loads(f'"{value}"') for key, _, value in pairs}
        assert list(read.items()) == [(key, str(value)) for key, value in values.items()]


def test_the_level_leaves_out_what_is_below() -> None:
    calls, kept = log(level="warning")
    calls.fold(Story().whole("id1"))
    calls.flush()
    assert kept.lines == []
    calls.fold(Story().refused("id2", "required"))
    calls.flush()
    assert [line.split()[1] for line in kept.lines] == ["refused"]
    calls.fold([Story().attempted("id3", emergency=True)])
    calls.flush()
    assert "emergency=yes" in kept.lines[-1]


def test_tries_and_ringing_are_for_debugging() -> None:
    calls, kept = log(level="debug")
    calls.fold(Story().whole("id1"))
    calls.flush()
    events = [line.split()[1] for line in kept.lines]
    assert events == ["attempted", "tried", "rang", "answered", "ended"]


def test_strangers_are_logged_at_a_bounded_rate() -> None:
    calls, kept = log()
    story = Story()
    calls.fold([story.noticed("unknown_source", 5.0, "udp 192.0.2.1:5060")] * 100)
    calls.flush()
    assert len(kept.lines) == BURST
    calls.fold([story.noticed("emergency", 5.0)] * 20)
    calls.flush()
    assert len(kept.lines) == BURST + 20
    calls.fold([story.noticed("unknown_source", 6.0)])
    calls.flush()
    assert "suppressed=90" in kept.lines[-1]


def test_what_is_remembered_of_a_call_ends_with_it() -> None:
    calls, _ = log()
    calls.fold(Story().whole("id1"))
    calls.flush()
    assert not calls._answered


def test_an_outlet_never_waits_for_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "WAITING", 1000)
    read, write = os.pipe()
    outlet = Outlet(write)
    line = b"x" * 99 + b"\n"
    for _ in range(2000):
        outlet.write(line)
    assert outlet.dropped > 0
    assert os.get_blocking(write)
    got = os.read(read, 1 << 20)
    outlet.flush()
    outlet.write(b"last\n")
    got += os.read(read, 1 << 20)
    assert got.endswith(b"\nlast\n")
    assert got.count(line) * 100 + 5 == len(got)
    assert got.count(line) + outlet.dropped == 2000
    outlet.close()
    os.close(read)
    os.close(write)


def test_an_outlet_takes_files_and_sockets(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        outlet = Outlet(file.fileno())
        outlet.write(b"one\n")
        outlet.close()
    assert (tmp_path / "log").read_bytes() == b"one\n"
    here, there = socket.socketpair()
    with here, there:
        outlet = Outlet(here.fileno())
        outlet.write(b"two\n")
        outlet.close()
        assert there.recv(100) == b"two\n"


def test_a_reader_that_is_gone_harms_nobody() -> None:
    read, write = os.pipe()
    outlet = Outlet(write)
    os.close(read)
    outlet.write(b"one\ntwo\n")
    assert outlet.dropped == 2
    outlet.close()
    os.close(write)


def test_calls_turned_away_are_logged_at_a_bounded_rate() -> None:
    calls, kept = log()
    story = Story()
    for _ in range(30):
        calls.fold([story.turned_away("c", "locked", 0.5)])
    calls.fold([story.turned_away("last", "locked", 1.5)])
    calls.flush()
    assert len(kept.lines) == BURST + 1
    assert "refused call=last peer=pbx from=1001 to=3175551234 reason=locked" in kept.lines[-1]
    assert kept.lines[-1].endswith("suppressed=20")


def test_a_code_assigned_in_a_call_is_told_without_its_digits() -> None:
    calls, kept = log()
    story = Story()
    calls.fold([story.assigned("c", "47110815", 1.0), story.assigned("c", "", 2.0)])
    calls.fold([story.assigned("c", "47110815", 3.0, refused="not_permitted")])
    calls.flush()
    assert [line.partition("assigned ")[2] for line in kept.lines] == [
        "call=c user=alice source=api code=****",
        "call=c user=alice source=api code=none",
        "call=c user=alice source=api code=**** reason=not_permitted",
    ]


def test_a_call_of_the_last_process_says_how_long_it_lasted() -> None:
    calls, kept = log()
    up = record(record_id="up", answer=round(UTC * 1000) - 60_000)
    calls.restore([up, record(record_id="set up", answer=None)], UTC)
    story = Story()
    calls.fold([story.ended("up", 5.0), story.ended("set up", 5.0, "interrupted")])
    calls.flush()
    assert kept.lines[0].endswith("seconds=65.0")
    assert "seconds" not in kept.lines[1]


def test_a_chat_says_what_it_is_and_lasts_until_somebody_wrote() -> None:
    calls, kept = log()
    story = Story()
    attempted = story.attempted("c", 0.0)
    attempted.kind = "chat"
    ended = story.ended("c", 1860.0, reason="gap")
    ended.alive = ended.utc - 1800.0
    calls.fold([attempted, story.answered("c", 1.0), ended])
    calls.flush()
    assert "kind=chat" in kept.lines[0]
    assert kept.lines[-1].endswith("seconds=59.0")

"""What a ``kill -9`` leaves of sticky codes and chats, with real processes and SIPp."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from play import Stage, scenarios


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    stage.start()
    yield stage
    stage.stop()


def play(stage: Stage, name: str) -> None:
    (scenario,) = (s for s in scenarios() if s.name == name)
    assert stage.play(scenario).wrong == []


def kill(stage: Stage) -> None:
    """As by kill -9, and start again."""
    assert stage.gateway is not None
    stage.gateway.kill()
    stage.gateway.wait()
    stage.start()


def all_records(stage: Stage) -> list[dict[str, Any]]:
    stage.known.clear()
    return stage.records()


def test_a_sticky_code_goes_with_calls_after_a_kill_until_it_is_cleared(stage: Stage) -> None:
    play(stage, "sticky-code-set")
    kill(stage)
    play(stage, "basic-call")
    play(stage, "sticky-code-clear")
    kill(stage)
    play(stage, "basic-call")
    told = [
        (r["reason"], r["outcome"], r["account_code"], r["code_source"], r["in_report"])
        for r in sorted(all_records(stage), key=lambda r: r["record_id"])
    ]
    assert told == [
        ("sticky_set", "answered", "", "digits", False),
        ("", "answered", "001235", "sticky", True),
        ("sticky_cleared", "answered", "", "", False),
        ("", "answered", "", "", False),
    ]
    assert "001235" not in stage.log.read_text()


def test_a_chat_that_was_open_has_its_one_record(stage: Stage) -> None:
    play(stage, "chat")
    assert all_records(stage) == []
    kill(stage)
    (record,) = all_records(stage)
    assert (record["kind"], record["outcome"], record["reason"]) == ("chat", "answered", "restart")
    assert (record["account_code"], record["in_report"], record["tries"]) == ("001235", True, 1)
    assert record["setup"] <= record["answer"] <= record["end"]
    assert stage.tollbar("calls", "--json") == ""

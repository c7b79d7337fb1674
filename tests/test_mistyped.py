"""What is mistyped is told, and does not look like an answer; what is right is written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.facts import Story

from tollbar import console
from tollbar.cdr.ledger import Change, Ledger
from tollbar.cli import main
from tollbar.commands import live
from tollbar.store.local import LocalFile

ROOT = Path(__file__).parents[1]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample's directory in a database, and one call on record."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    config = tmp_path / "config" / "gateway.yaml"
    monkeypatch.setenv("TOLLBAR_CONFIG", str(config))
    assert main(["apply", str(config.with_name("directory.yaml"))]) == 0
    ledger = Ledger()
    changes: list[Change] = []
    for fact in Story().whole("one", account_code="4711", user="alice", in_report=True):
        changes += ledger.fold(fact)
    local = LocalFile(tmp_path / "var")
    local.commit(changes)
    local.close()
    return config


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    capsys.readouterr()
    try:
        code = main(words)
    except SystemExit as left:
        code = int(left.code or 0)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["audit", "--kind", "anyword"], "invalid choice: 'anyword'"),
        (["simulate", "--from", "1", "--to", "2", "--peer", "nope"], "no peer 'nope'; there are"),
        (["cdr", "--day", "today", "--since", "yesterday"], "--day is one day"),
        (["cdr", "--since", "2026-01-02", "--until", "2026-01-01"], "lies before --since"),
        (["cdr", "--spreadsheet-safe"], "--spreadsheet-safe goes with --csv"),
        (["cdr", "--csv", "--uniqueid"], "go with --format asterisk"),
        (["report", "--spreadsheet-safe"], "--spreadsheet-safe goes with --csv"),
        (["untagged", "--json", "--spreadsheet-safe"], "--spreadsheet-safe goes with --csv"),
        (["codes", "set", "4711"], "nothing to set"),
        (["codes", "set", "4711", "description"], "'description' is not KEY=VALUE"),
        (["codes", "add", "4712", "--dry-run", "x", "--colour"], "unrecognized arguments"),
        (["status", "extra"], "unrecognized arguments: extra"),
        (["locks", "list", "alice"], "unrecognized arguments: alice"),
    ],
)
def test_wrong_use_names_what_is_wrong(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    code, out, err = told(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: tollbar {words[0]}")
    assert why in err.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ["cdr", "--user", "alise"],
        ["cdr", "--peer", "pdx", "--csv"],
        ["cdr", "--tenant", "nope", "--json"],
        ["report", "detail", "--code", "4117"],
        ["untagged", "--calls"],
        ["audit", "--who", "nope"],
        ["codes", "list", "--prefix", "48"],
    ],
)
def test_an_empty_list_is_said_to_be_empty(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code, out, err = told(capsys, *words)
    assert (code, err) == (0, "tollbar: nothing found\n")
    assert len(out.splitlines()) == ("--json" not in words)


def test_a_list_that_holds_something_says_nothing_else(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = told(capsys, "cdr", "--user", "alice", "--json")
    assert (code, json.loads(out)["record_id"], err) == (0, "one", "")


@pytest.mark.parametrize("verb", ["list", "export"])
def test_a_tenant_there_is_not(config: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    told_so = (1, "", "tollbar: there is no tenant nope\n")
    assert told(capsys, "users", verb, "--tenant", "nope") == told_so


def test_words_may_stand_behind_an_option(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["add", "4712", "--as", "ann", "Miller estate", "--json", "valid_until=2030-01-31"]
    code, out, _ = told(capsys, "codes", *words)
    assert code == 0
    after = json.loads(json.loads(out)["after"])
    assert after == {"description": "Miller estate", "valid_until": "2030-01-31"}


def test_a_name_of_any_language_is_written_whatever_the_locale(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "codes", "add", "5000", "Müller")[0] == 0
    done = subprocess.run(
        [sys.executable, "-m", "tollbar", "codes", "list", "--prefix", "5000"],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"M\xc3\xbcller" in done.stdout


def test_more_calls_than_are_told_of(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert live.MOST == console.LIST
    call = dict.fromkeys(
        ("state", "seconds", "caller", "dialled", "peer", "trunk", "classification", "record_id"),
        "x",
    )

    def ask(_state: Path, request: dict[str, Any], _patience: float) -> list[dict[str, str]]:
        return [call] * int(request["limit"])

    monkeypatch.setattr(live, "ask", ask)
    code, out, err = told(capsys, "calls")
    assert (code, len(out.splitlines())) == (0, 1 + live.MOST)
    assert err == "tollbar: 1000 calls, as many as are told of; tollbar status counts them all\n"
    assert told(capsys, "calls", "-n", "5")[2] == ""

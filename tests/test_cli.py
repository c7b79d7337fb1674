import argparse
import csv
import errno
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.authority import Authority
from tests.facts import Story

from tollbar import __version__
from tollbar.b2bua.facts import Fact
from tollbar.cdr.ledger import Change, Ledger
from tollbar.cli import MODULES, main, parser
from tollbar.cli import command as asked
from tollbar.commands import completion, display, selection, settings
from tollbar.server import Server
from tollbar.store.local import LocalFile

ROOT = Path(__file__).parents[1]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The sample configuration with a state directory of its own."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config" / "gateway.yaml"


@pytest.fixture
def quiet(config: Path) -> Path:
    """The same on a free port, without metrics: it can be started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    text = config.read_text().replace(":5060}", f":{port}}}").replace("127.0.0.1:9464", "off")
    config.write_text(text)
    return config


@pytest.fixture
def calls(config: Path) -> Path:
    """Three calls on record: two with a code, one refused."""
    story = Story()
    facts = [
        *story.whole("one", account_code="4711", user="alice", in_report=True, matrix_row=8),
        *story.whole("two", account_code="0815", user="bob", in_report=True, matrix_row=2),
        *story.refused("three", "required", 5.0, matrix_row=7, dialled="9195551234"),
    ]
    keep(config, *facts)
    return config


def keep(config: Path, *facts: Fact) -> None:
    """Put calls on record."""
    ledger = Ledger()
    changes: list[Change] = []
    for fact in facts:
        changes += ledger.fold(fact)
    local = LocalFile(config.parent.parent / "var")
    local.commit(changes)
    local.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], *([name, "--help"] for name in completion.words(parser()))):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 0
        text = capsys.readouterr().out
        assert "examples:" in text
        assert "tollbar " in text.partition("examples:")[2]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert lines(capsys) == [f"tollbar {__version__}"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["simulate"],
        ["report", "--by", "moon"],
        ["cdr", "--day", "x"],
        ["report", "--from-time", "25:00"],
        ["cdr", "--timezone", "Mars"],
        ["untagged", "--code", "1"],
        ["cdr", "--csv", "--format", "cucm"],
        ["cdr", "--last", "0"],
        ["cdr", "--last", "-3"],
        ["cdr", "--outcome", "anserwed"],
        ["cdr", "--direction", "sideways"],
        ["audit", "--last", "0"],
        ["calls", "--limit", "-1"],
        ["locks", "lift"],
        ["simulate", "--from", "1001", "--to", "911", "--at", "soon"],
    ],
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_check_accepts_the_sample(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(config)]) == 0
    assert "can be used" in capsys.readouterr().out


def test_check_reads_the_files_of_a_tls_listener(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key = Authority(config.parent).issue("sip")
    listener = f"{{bind: tls:127.0.0.1, certificate: {certificate}, key: {key}}}"
    config.write_text(config.read_text().replace("listeners:", f"listeners:\n  tls: {listener}"))
    assert main(["check", "--config", str(config)]) == 0
    key.write_text("nothing")
    capsys.readouterr()
    assert main(["check", "--config", str(config)]) == 1
    said = f"listeners.tls.key: {key}: there is no private key in it\n"
    assert capsys.readouterr().out.endswith(said)


def test_check_names_file_line_and_hint(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text() + "\nmetrix: {}\n")
    number = len(config.read_text().splitlines())
    assert main(["check", "-c", str(config)]) == 1
    assert f"{config}:{number}" in capsys.readouterr().out
    assert main(["check", "-c", str(config), "--json"]) == 1
    finding = json.loads(lines(capsys)[0])
    assert (finding["level"], finding["line"]) == ("error", number)
    assert "metrics" in finding["hint"]


def test_run_refuses_the_same_on_standard_error(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text() + "\nmetrix: {}\n")
    assert main(["run", "-c", str(config)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"tollbar: {config}:")


def test_a_configuration_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "-c", str(tmp_path / "none.yaml")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "none.yaml" in error


@pytest.mark.parametrize(
    ("obstacle", "told"),
    [
        ("another process", "is in use by another process"),
        ("no database", "file is not a database"),
        ("no directory", "cannot make state directory"),
        ("udp", "listener 'udp'"),
        ("tcp", "listener 'tcp'"),
        ("metrics", "metrics port 127.0.0.1:"),
        ("no socket", "control.sock: "),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_exit_code_1(
    config: Path, obstacle: str, told: str
) -> None:
    state = config.parent.parent / "var"
    with ExitStack() as held:
        ports = []
        for name, kind in (
            ("udp", socket.SOCK_DGRAM),
            ("tcp", socket.SOCK_STREAM),
            ("metrics", socket.SOCK_STREAM),
        ):
            taken = held.enter_context(socket.socket(socket.AF_INET, kind))
            taken.bind(("127.0.0.1", 0))
            ports.append(taken.getsockname()[1])
            if name != obstacle:
                taken.close()
            elif kind == socket.SOCK_STREAM:
                taken.listen()
        text = config.read_text()
        for old, new in zip(
            ("udp:127.0.0.1:5060}", "tcp:127.0.0.1:5060}", "127.0.0.1:9464}"), ports, strict=True
        ):
            assert text.count(old) == 1
            text = text.replace(old, f"{old.rpartition(':')[0]}:{new}}}")
        config.write_text(text)
        if obstacle == "another process":
            held.callback(LocalFile(state).close)
        elif obstacle == "no database":
            state.mkdir()
            (state / "tollbar.sqlite").write_bytes(b"something else" * 1000)
        elif obstacle == "no directory":
            state.touch()
            config.write_text(text.replace("../var", "../var/below"))
        elif obstacle == "no socket":
            (state / "control.sock").mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-m", "tollbar", "run", "--config", config],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr


def test_where_the_configuration_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(settings.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    found = settings.config_path(parser().parse_args(["check"]))
    assert found == ROOT / "config" / "gateway.yaml"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "gateway.yaml").touch()
    assert settings.config_path(parser().parse_args(["check"])) == Path("config/gateway.yaml")
    monkeypatch.setenv(settings.VARIABLE, "/from/environment")
    assert settings.config_path(parser().parse_args(["check"])) == Path("/from/environment")
    for arguments in (["check", "-c", "/named"], ["-c", "/named", "check"]):
        assert settings.config_path(parser().parse_args(arguments)) == Path("/named")


def test_no_gateway_running_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["status"],
        ["calls"],
        ["drain"],
        ["hangup", "x"],
        ["assign", "x", "4711", "--as", "alice"],
        ["locks"],
        ["locks", "lift", "alice"],
        ["trace", "off"],
    ):
        assert main([*command, "-c", str(config)]) == 1
        assert "no gateway runs" in capsys.readouterr().err


def test_simulate_explains_and_tells_by_its_exit_code(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["simulate", "-c", str(config), "--from", "1001", "--to", "919195551234"]
    assert main([*call, "--code", "4711"]) == 0
    text = capsys.readouterr().out
    assert "carrier" in text
    assert main(call) == 1
    assert "required" in capsys.readouterr().out
    assert main([*call, "--code", "4711", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_simulate_supposes_what_is_not_so_now(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["simulate", "-c", str(config), "--from", "1001", "--to", "919195551234"]
    assert main([*call, "--sticky", "4711"]) == 0
    assert "from sticky" in capsys.readouterr().out
    assert main([*call, "--sticky", "8"]) == 1
    assert "sticky code not used" in capsys.readouterr().out
    assert main([*call, "--code", "4711", "--locked"]) == 1
    assert "refused: locked" in capsys.readouterr().out
    assert main([*call, "--code", "4711", "--workgroup", "x", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert ["workgroup ignored", "the peer is not trusted for it"] in steps
    assert main([*call, "--code", "2020", "--at", "2020-06-15T12:00"]) == 0
    assert main([*call, "--code", "2020", "--at", "2021-01-01T00:00"]) == 1


def test_cdr_lists_and_filters(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdr", "-c", str(calls)]) == 0
    shown = lines(capsys)
    assert shown[0].split()[:3] == ["Setup", "From", "To"]
    assert [line.split()[-1] for line in shown[1:]] == ["one", "two", "three"]
    assert main(["cdr", "-c", str(calls), "--outcome", "refused", "--json"]) == 0
    (record,) = (json.loads(line) for line in lines(capsys))
    assert (record["record_id"], record["reason"], record["dialled"]) == (
        "three",
        "required",
        "9195551234",
    )
    assert main(["cdr", "-c", str(calls), "--code", "0815", "--json", "--all"]) == 0
    assert [json.loads(line)["account_code"] for line in lines(capsys)] == ["0815"]
    assert main(["cdr", "-c", str(calls), "-n", "1", "--json"]) == 0
    assert [json.loads(line)["record_id"] for line in lines(capsys)] == ["three"]
    assert main(["cdr", "-c", str(calls), "--until", "2025-12-31", "--json"]) == 0
    assert lines(capsys) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--outcome", "answer"], "invalid choice: 'answer'"),
        (["--direction", "outbound"], "invalid choice: 'outbound'"),
        (["-n", "0"], "'0' is no number of entries"),
        (["-n", "-3"], "'-3' is no number of entries"),
    ],
)
def test_cdr_says_what_it_cannot_list(
    calls: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        main(["cdr", "-c", str(calls), *arguments])
    assert said in capsys.readouterr().err


def test_cdr_as_csv_keeps_codes_as_text(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdr", "-c", str(calls), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["account_code"] for row in rows] == ["4711", "0815", ""]


def test_report_orders_codes_as_strings_and_totals(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "-c", str(calls)]) == 0
    shown = lines(capsys)
    assert [line.split()[0] for line in shown[1:]] == ["0815", "4711", "Total"]
    assert main(["report", "-c", str(calls), "--by", "user", "--json"]) == 0
    groups = [json.loads(line) for line in lines(capsys)]
    assert groups[-1]["level"] == "total"
    assert (groups[-1]["attempts"], groups[-1]["billable_ms"]) == (2, 14_000)
    assert main(["report", "detail", "-c", str(calls), "--code", "1..5", "--csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [row[0] for row in rows] == ["Account Code", "4711"]


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        ("4711", ["4711"]),
        ("0815..4711", ["0815", "4711"]),
        ("1..", ["4711"]),
        ("..1", ["0815"]),
        ("..", ["0815", "4711"]),
        ("5..", []),
    ],
)
def test_a_range_of_codes_may_be_open(
    calls: Path, capsys: pytest.CaptureFixture[str], meant: str, found: list[str]
) -> None:
    assert main(["report", "-c", str(calls), "--code", meant, "--json"]) == 0
    assert [json.loads(line)["account_code"] for line in lines(capsys)[:-1]] == found
    assert main(["cdr", "-c", str(calls), "--code", meant, "--json"]) == 0
    assert sorted(json.loads(line)["account_code"] for line in lines(capsys)) == found


def test_a_choice_that_can_hold_nothing_is_said_to_be_none(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["report", "-c", str(calls), "--code", "3..20"])
    assert "codes are ordered as strings, 20 stands before 3" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", "-c", str(calls), "--since", "2026-02-01", "--until", "2026-01-31"])
    assert "--until 2026-01-31 lies before --since 2026-02-01" in capsys.readouterr().err


def test_report_by_workgroup_and_hours(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-c", str(calls), "--by", "workgroup", "--csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0][:4] == ["Account Code", "Name", "Workgroup", "User"]
    assert [row[4] for row in rows[1:]][-1] == "2"
    # The calls were at 00:00 UTC, which is 19:00 in New York.
    zone = ["--timezone", "America/New_York", "--json"]
    for hours, found in (
        (["--from-time", "19:00", "--to-time", "19:01"], 2),
        (["--from-time", "18:30"], 2),
        (["--to-time", "08:00"], 0),
        (["--from-time", "22:00", "--to-time", "6:00"], 0),
        (["--from-time", "18:00", "--to-time", "6:00"], 2),
    ):
        assert main(["report", "-c", str(calls), *hours, *zone]) == 0
        assert json.loads(lines(capsys)[-1])["attempts"] == found, hours


def test_report_tells_of_one_tenant(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-c", str(calls), "--tenant", "blue"]) == 1
    assert "there is no tenant blue; --tenant is one of: default" in capsys.readouterr().err
    text = calls.read_text()
    calls.write_text(text.replace("  pbx:\n", "  pbx:\n    tenant: blue\n", 1))
    assert main(["report", "-c", str(calls)]) == 1
    assert "which tenant? --tenant is one of: blue, default" in capsys.readouterr().err
    assert main(["report", "-c", str(calls), "--tenant", "default", "--json"]) == 0
    assert json.loads(lines(capsys)[-1])["attempts"] == 2


def test_untagged_lists_what_was_placed_without_a_code(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story()
    keep(
        config,
        *story.whole("one", user="alice"),
        *story.whole("two", user="alice", direction="in"),
        *story.whole("three", user="bob", direction="internal"),
        *story.whole("four", user="bob", account_code="4711"),
        *story.refused("five", "required", user="bob"),
    )
    command = ["untagged", "-c", str(config)]
    assert main(command) == 0
    shown = [line.split() for line in lines(capsys)]
    assert shown[0][:2] == ["User", "Date"]
    assert [row[0] for row in shown[1:]] == ["alice", "alice", "bob", "bob", "Total"]
    assert shown[1][1:4] == ["2026-01-01", "2", "2"]
    assert shown[2][:3] == ["alice", "Total", "2"]
    assert main([*command, "--csv"]) == 0
    assert [row.split(",")[::6] for row in lines(capsys)] == [
        ["User", "Level"],
        *(["alice", ""], ["alice", "user"], ["bob", ""], ["bob", "user"], ["", "total"]),
    ]
    assert main([*command, "--user", "bob", "--calls", "--json"]) == 0
    (one,) = (json.loads(line) for line in lines(capsys))
    assert (one["record_id"], one["user"], one["direction"]) == ("three", "bob", "Internal")
    assert main([*command, "--day", "2025-12-31", "--calls", "--csv"]) == 0
    assert lines(capsys) == ["User,Extension,Date,Time,In / Out,Remote Number,Duration,Record"]


def test_correct_gives_changes_and_takes_a_code(
    calls: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "getuser", lambda: "root")
    command = ["correct", "-c", str(calls)]
    assert main([*command, "one", "0214", "--as", "alice", "--reason", "told so"]) == 0
    assert lines(capsys) == ["one: 4711, now 0214 Archer estate"]
    assert main([*command, "two", "99", "--json"]) == 0  # retired, but it was the right one
    two = json.loads(capsys.readouterr().out)
    assert (two["account_code"], two["in_report"]) == ("99", True)
    assert [change["by"] for change in two["code_changes"]] == ["root"]
    assert main([*command, "one", "none", "--as", "alice"]) == 0
    capsys.readouterr()
    assert main(["report", "-c", str(calls), "--json"]) == 0
    groups = [json.loads(line) for line in lines(capsys)]
    assert [(g["account_code"], g["attempts"]) for g in groups] == [("99", 1), ("", 1)]
    assert main(["apply", str(calls.with_name("directory.yaml")), "-c", str(calls)]) == 0
    capsys.readouterr()
    assert main(["audit", "-c", str(calls), "--kind", "call"]) == 0
    assert [line.split(maxsplit=3)[2:] for line in lines(capsys)[1:]] == [
        ["alice", "correct call one 0214 -> none"],
        ["root", "correct call two 0815 -> 99"],
        ["alice", "correct call one 4711 -> 0214 (told so)"],
    ]
    assert main(["audit", "-c", str(calls), "--last", "2"]) == 0
    assert len(lines(capsys)) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one", "0214", "--as", "bob"], "needs the right correct records"),
        (["one", "0214", "--as", "mallory"], "there is no user mallory"),
        (["one", "5555", "--as", "alice"], "there is no such account code"),
        (["one", "5555"], "there is no such account code"),
        (["one", "none", "--as", "bob"], "needs the right correct records"),
        (["one", "4711"], "has that account code already"),
        (["nine", "4711"], "there is no record nine"),
    ],
)
def test_correct_says_why_not(
    calls: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["correct", "-c", str(calls), *arguments]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert main(["cdr", "-c", str(calls), "--record", "one", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["account_code"] == "4711"


def test_cdr_for_other_switches(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story()
    keep(
        config,
        *story.whole("one", account_code="0021"),
        *story.whole("two", account_code="1" * 20),
        *story.whole("three", account_code="7"),
    )
    command = ["cdr", "-c", str(config), "--format"]
    assert main([*command, "asterisk", "--uniqueid"]) == 1
    told = capsys.readouterr()
    assert [line.split(",")[0] for line in told.out.splitlines()] == ['"0021"', '"7"']
    assert told.out.splitlines()[0].endswith('"one"')
    assert told.err.count("\n") == 1
    assert "record two" in told.err
    assert main([*command, "freeswitch", "--timezone", "Asia/Tokyo"]) == 0
    first = lines(capsys)[0]
    assert '"2026-01-01 09:00:00"' in first
    assert main([*command, "cucm"]) == 1
    assert [line.split(",")[-1] for line in lines(capsys)[2:]] == ['"0021"', '"7"']
    for name, option in (("csv", "--csv"), ("jsonl", "--json")):
        main([*command, name])
        long = lines(capsys)
        main([*command[:-1], option])
        assert lines(capsys) == long


def test_an_export_is_of_all_and_a_table_of_the_last_ones(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story()
    keep(config, *(fact for i in range(60) for fact in story.whole(f"call{i}")))
    for options, number in (
        (["--json"], 60),
        (["--json", "-n", "5"], 5),
        ([], 51),
        (["--all"], 61),
        (["-n", "3"], 4),
    ):
        assert main(["cdr", "-c", str(config), *options]) == 0
        assert len(lines(capsys)) == number


def test_progress_is_for_who_waits_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for out, err, shown in ((False, True, True), (True, True, False), (False, False, False)):
        monkeypatch.setattr(sys.stdout, "isatty", lambda out=out: out)
        monkeypatch.setattr(sys.stderr, "isatty", lambda err=err: err)
        assert list(display.progress([1, 2])) == [1, 2]
        assert ("rows" in capsys.readouterr().err) is shown


def test_a_reader_that_stops_early_is_no_error(calls: Path) -> None:
    command = [sys.executable, "-m", "tollbar", "cdr", "--json", "-c", str(calls)]
    done = subprocess.run(
        ["sh", "-c", '"$@" | true', "sh", *command], capture_output=True, timeout=60, check=False
    )
    assert done.stderr == b""


def test_completion_is_a_script_that_bash_accepts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 0
    script = capsys.readouterr().out
    test = script + "\nCOMP_WORDS=(tollbar rep); COMP_CWORD=1; _tollbar; echo ${COMPREPLY[@]}"
    test += "\nCOMP_WORDS=(tollbar report --b); COMP_CWORD=2; _tollbar; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "-c", test], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["report", "--by"]


def test_columns_are_aligned_and_cursor_characters_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display.table(("A", "B"), [("long cell", "1"), ("\x1b[2J", "2")])
    assert lines(capsys) == ["A          B", "long cell  1", "?[2J       2"]


def test_a_narrow_terminal_cuts_no_number_in_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cells = ("3175551234", "01a20aadb3f161614df75d7b0a13d76a")
    for columns in (80, 30):
        monkeypatch.setenv("COLUMNS", str(columns))
        display.table(("To", "Record"), [cells])
        assert [line.split() for line in lines(capsys) if "0" in line][-1] == list(cells)


def test_today_is_the_day_of_the_configured_time_zone(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 26 hours apart: whatever the machine's own day is, one of the two has another.
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        text = re.sub("(?m)^timezone: .*", f"timezone: {zone}", calls.read_text())
        calls.write_text(text)
        today = datetime.now(ZoneInfo(zone)).date()
        for word, day in (("today", today), ("yesterday", today - timedelta(days=1))):
            args = parser().parse_args(["cdr", "-c", str(calls), "--day", word])
            since = selection.filters(args, settings.gateway(args)).since
            assert since is not None
            assert datetime.fromtimestamp(since / 1000, ZoneInfo(zone)).date() == day


def test_each_module_brings_the_commands_it_is_listed_with() -> None:
    for names in MODULES.values():
        for name in names:
            (commands,) = [
                action.choices
                for action in parser(name)._actions
                if isinstance(action, argparse._SubParsersAction)
            ]
            assert tuple(commands) == names


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["status"], "status"),
        (["-c", "calls", "status", "--json"], "status"),
        (["--config=x", "cdr"], "cdr"),
        (["--help"], ""),
        (["stat"], ""),
        ([], ""),
    ],
)
def test_which_command_is_asked_for(arguments: list[str], found: str) -> None:
    assert asked(arguments) == found


@pytest.mark.parametrize("words", [["check"], ["cdr"], ["codes", "list"], ["audit"]])
def test_what_one_may_not_read_is_one_line(
    config: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = config.parents[1] / "var"
    there = Path.stat

    def closed(path: Path, **options: bool) -> os.stat_result:
        if path.parent == state:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return there(path, **options)

    monkeypatch.setattr(Path, "stat", closed)
    assert main([*words, "-c", str(config)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.fullmatch(rf"tollbar: .*{state}/.*permission denied\n", error, re.IGNORECASE)


@pytest.mark.parametrize("words", [["cdr"], ["cdr", "--json"], ["report"]])
def test_a_list_for_which_there_is_no_room_is_one_line(calls: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tollbar", *words, "-c", calls],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "tollbar: no space left on device\n")


@pytest.mark.parametrize("damage", ["metrix: {}", "database: ${NOT_SET_ANYWHERE}"])
def test_a_running_gateway_is_asked_whatever_became_of_its_file(
    config: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(f"{config.read_text()}\n{damage}\n")
    assert main(["status", "-c", str(config)]) == 1
    told = f"tollbar: no gateway runs with state directory {config.parents[1] / 'var'}\n"
    assert capsys.readouterr().err == told


def test_a_reload_asked_for_while_it_starts_is_done_then(quiet: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tollbar", "run", "-c", quiet],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as gateway:
        assert gateway.stderr is not None
        try:
            lock = quiet.parents[1] / "var" / "directory.sqlite"
            while not lock.exists() and gateway.poll() is None:
                time.sleep(0.005)  # whether it has begun, and nothing else
            gateway.send_signal(signal.SIGHUP)
            line = gateway.stderr.readline()
        finally:
            gateway.kill()
    assert line.partition(" ")[2] == "WARNING configuration and certificates read again\n"


def test_a_fault_that_ends_the_gateway_tells_its_place(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(_server: Server) -> int:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(Server, "run", broken)
    assert main(["run", "-c", str(quiet)]) == 1
    assert "in broken\n" in capsys.readouterr().err


def test_a_log_that_nobody_reads_holds_up_no_gateway(quiet: Path) -> None:
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "tollbar", "run", "-c", quiet],
        stdout=subprocess.PIPE,
        stderr=write,
        text=True,
    ) as gateway:
        assert gateway.stdout is not None
        for line in gateway.stdout:
            if "simulate" in line:
                break
        os.set_blocking(write, False)
        with suppress(BlockingIOError):
            while True:
                os.write(write, b"x")
        os.set_blocking(write, True)
        gateway.terminate()
        try:
            assert gateway.wait(60) == 0
        finally:
            gateway.kill()
    os.close(read)
    os.close(write)


def test_who_has_no_name_is_a_number(
    calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(settings, "getuser", nobody)
    monkeypatch.setattr(os, "getuid", lambda: 10001)
    assert main(["apply", str(calls.with_name("directory.yaml")), "-c", str(calls)]) == 0
    assert main(["correct", "one", "0815", "-c", str(calls)]) == 0
    capsys.readouterr()
    assert main(["audit", "--who", "uid 10001", "--json", "-c", str(calls)]) == 0
    actions = {json.loads(line)["action"] for line in lines(capsys)}
    assert actions == {"add", "correct"}
    assert main(["locks", "lift", "alice", "-c", str(calls)]) == 1
    assert "no gateway runs" in capsys.readouterr().err

#!/usr/bin/env python3
"""Plays the scenarios of README.md against a gateway with the sample configuration.

    .venv/bin/python sipp-scenarios/play.py              the twelve rows (make demo)
    .venv/bin/python sipp-scenarios/play.py --all        everything in README.md
    .venv/bin/python sipp-scenarios/play.py busy two-forks

The tables of README.md are read, their command lines run as they stand there, save for ports:
where one of the sample's is taken, free ones are used throughout. The gateway gets a state
directory of its own, which goes when the play is over, and so does everything started here.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).resolve().parent
TREE = SCENARIOS.parent
TOLLBAR = Path(sys.executable).with_name("tollbar")
PORTS = (5060, 5070, 5090, 9464)  # the sample's: gateway, trunk, PBX, metrics


@dataclass(slots=True)
class Scenario:
    """One line of a table in README.md."""

    name: str
    shows: str
    far: list[str]
    caller: list[str]
    caller_gets: str
    far_gets: str
    record: str


@dataclass(slots=True)
class Played:
    """What came of a scenario. ``wrong`` says what was not as README.md has it."""

    answer: str = ""
    far_got: str = ""
    record: str = "none"
    wrong: list[str] = field(default_factory=list)


def scenarios() -> list[Scenario]:
    """Every scenario of README.md, in its order."""
    found = []
    for line in (SCENARIOS / "README.md").read_text().splitlines():
        commands = [c for c in re.findall(r"`([^`]+)`", line) if c.startswith("sipp -sf ")]
        if not line.startswith("| ") or not commands:
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        far, caller = ([], commands[0]) if len(commands) == 1 else commands
        found.append(
            Scenario(
                name=Path(shlex.split(caller)[2]).stem,
                shows=cells[0].replace("`", ""),
                far=shlex.split(far) if far else [],
                caller=shlex.split(caller),
                caller_gets=cells[2],
                far_gets=cells[3],
                record=cells[4],
            )
        )
    return found


def free(port: int) -> bool:
    """Whether nobody holds a port of 127.0.0.1, neither for UDP nor for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


STRETCH = 1000
_left: list[int] = []


def free_port() -> int:
    """A free port below those the system gives out by itself: it gives ours to nobody, and
    who connects to it before anybody listens cannot meet himself there. Nobody else is given
    it, nor the one two above, which a SIPp takes too if this is its media port."""
    while True:
        if not _left:
            _left.extend(claimed())
        port = _left.pop()
        if free(port) and free(port + 2):
            return port


def claimed() -> range:
    """Ports that no other process of ours draws from while this one lives: a name in the
    system's abstract space is its claim."""
    firsts = range(10_000, 32_000, STRETCH)
    for first in random.SystemRandom().sample(firsts, len(firsts)):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0tollbar-ports-{first}")
        except OSError:
            claim.close()
            continue
        claim.detach()  # open, and so claimed, until this process ends
        return range(first, first + STRETCH, 4)
    raise RuntimeError("other processes have claimed all ports from 10000 to 31999")


def bound(port: int) -> bool:
    """Whether some socket is bound to a UDP port; looking must not take the port itself."""
    tables = [Path("/proc/net/udp"), Path("/proc/net/udp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()]
    return any(line.split()[1].endswith(f":{port:04X}") for line in lines)


def until(what: str, holds: Any, alive: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if alive.poll() is not None:
            raise RuntimeError(f"{what}: ended with exit code {alive.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not there after {seconds:.0f} s")
        time.sleep(0.02)


class Stage:
    """A gateway with the sample configuration in a directory of its own."""

    def __init__(self, directory: Path, sample_ports: bool = False) -> None:
        self.directory = directory
        keep = sample_ports and all(free(port) for port in PORTS)
        self.ports = {port: port if keep else free_port() for port in PORTS}
        shutil.copytree(TREE / "config", directory / "config")
        self.config = directory / "config" / "gateway.yaml"
        self.config.write_text(self.translated(self.config.read_text()))
        self.log = directory / "gateway.log"
        self.known: set[str] = set()
        self.reported = 0  # of those, how many belong in the account code report
        self.gateway: subprocess.Popen[bytes] | None = None

    def translated(self, text: str) -> str:
        """A text with the sample's ports replaced by ours."""
        return re.sub(r"\b\d{4}\b", lambda m: str(self.ports.get(int(m[0]), m[0])), text)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.gateway = subprocess.Popen(
                [TOLLBAR, "run", "--config", self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until("the gateway", self.ready, self.gateway)
        except RuntimeError:
            self.stop()
            sys.stderr.write(self.log.read_text())
            raise

    def ready(self) -> bool:
        url = f"http://127.0.0.1:{self.ports[9464]}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        if self.gateway is None:
            return
        self.gateway.terminate()
        try:
            self.gateway.wait(15)
        except subprocess.TimeoutExpired:
            self.gateway.kill()
            self.gateway.wait()

    def tollbar(self, *arguments: str) -> str:
        command = [str(TOLLBAR), *arguments, "--config", str(self.config)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def records(self) -> list[dict[str, Any]]:
        """The records written since they were last asked for."""
        lines = self.tollbar("cdr", "--json").splitlines()
        fresh = [r for r in map(json.loads, lines) if r["record_id"] not in self.known]
        self.known.update(r["record_id"] for r in fresh)
        self.reported += sum(r["in_report"] for r in fresh)
        return fresh

    def sipp(self, command: list[str], trace: Path) -> subprocess.Popen[bytes]:
        """SIPp as a table has it, on our ports and with a trace of its messages."""
        words = self.translated(" ".join(command)).split()
        if "-mp" in words:
            words[words.index("-mp") + 1] = str(free_port())
        else:
            words[1:1] = ["-mp", str(free_port())]
        words[1:1] = ["-nostdin", "-trace_msg", "-message_file", str(trace)]
        words[1:1] = ["-trace_err", "-error_file", str(trace.with_suffix(".errors"))]
        return subprocess.Popen(
            words, cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=-3
        )

    def play(self, scenario: Scenario) -> Played:
        """One scenario from its far end's start to its record."""
        played = Played()
        traces = self.directory / scenario.name
        traces.mkdir(exist_ok=True)
        far = None
        if scenario.far:
            far = self.sipp(scenario.far, traces / "far.log")
            port = self.ports[int(scenario.far[scenario.far.index("-p") + 1])]
            try:
                until("the far end", lambda: bound(port), far)
            except RuntimeError as error:
                raise RuntimeError(f"{error}: {told(traces / 'far.errors')}") from error
        caller = self.sipp(scenario.caller, traces / "caller.log")
        try:
            code = caller.wait(45)
        except subprocess.TimeoutExpired:
            caller.kill()
            code = caller.wait()
        if code != 0:
            played.wrong.append(f"the caller's SIPp: exit code {code}")
            played.wrong += told(traces / "caller.errors")
        played.answer = final_answer(traces / "caller.log")
        wanted = re.findall(r"\b[2-6]\d\d\b", scenario.caller_gets)[-1]
        if not played.answer.startswith(wanted):
            played.wrong.append(f"the caller got {played.answer}, not {wanted}")
        if far is not None:
            self.judge_far(scenario, far, traces, played, hurry=code != 0)
        self.judge_record(scenario, played)
        return played

    def judge_far(
        self,
        scenario: Scenario,
        far: subprocess.Popen[bytes],
        traces: Path,
        played: Played,
        hurry: bool,
    ) -> None:
        if scenario.far_gets.startswith("nothing") or hurry:
            far.send_signal(signal.SIGUSR1)  # end when no call is up
        try:
            code = far.wait(15)
        except subprocess.TimeoutExpired:
            far.kill()
            code = far.wait()
        played.far_got = requests(traces / "far.log")
        if played.far_got == "nothing":
            if not scenario.far_gets.startswith("nothing"):
                played.wrong.append("the far end got nothing")
            return
        if scenario.far_gets == "nothing":
            played.wrong.append(f"the far end got {played.far_got}")
        if code != 0:
            played.wrong.append(f"the far end's SIPp: exit code {code}")
            played.wrong += told(traces / "far.errors")

    def judge_record(self, scenario: Scenario, played: Played) -> None:
        records = self.records()
        if len(records) > 1:
            played.wrong.append(f"{len(records)} records")
        if records:
            played.record = summary(records[-1])
        got, wanted = played.record.split(", "), scenario.record.split(", ")
        if got[0] != wanted[0] or not set(wanted) <= set(got):
            played.wrong.append(f"the record: {played.record}, not {scenario.record}")
        if "row" in scenario.record and ("in report" in got) != ("in report" in wanted):
            played.wrong.append(f"the record: {played.record}, not {scenario.record}")
        if "row" in scenario.record:
            calls = len(self.tollbar("report", "detail", "--json").splitlines())
            if calls != self.reported:
                played.wrong.append(f"the report: {calls} calls, not {self.reported}")


def told(errors: Path) -> list[str]:
    return errors.read_text(errors="replace").splitlines()[:6] if errors.exists() else []


def final_answer(trace: Path) -> str:
    """The first final response in a trace of messages, those to CANCEL left out."""
    text = trace.read_text(errors="replace") if trace.exists() else ""
    for answer in re.finditer(
        r"^SIP/2\.0 ([2-6]\d\d [^\r\n]*)(.*?)^-{5}", text + "\n-----", re.S | re.M
    ):
        if not re.search(r"^CSeq:.*CANCEL", answer[2], re.M | re.I):
            return answer[1]
    return "nothing"


def requests(trace: Path) -> str:
    """The methods that came, in order, each once in a row."""
    text = trace.read_text(errors="replace") if trace.exists() else ""
    came: list[str] = []
    for method in re.findall(r"message received[^\n]*\n\n([A-Z]+) \S+ SIP/2\.0", text):
        if came[-1:] != [method]:
            came.append(method)
    return " ".join(came) or "nothing"


def summary(record: dict[str, Any]) -> str:
    words = [record["outcome"]]
    if record["matrix_row"]:
        words.append(f"row {record['matrix_row']}")
    if record["in_report"]:
        words.append("in report")
    return ", ".join(words)


def main() -> int:
    parser = argparse.ArgumentParser(description="Plays SIPp scenarios against a gateway.")
    parser.add_argument("names", nargs="*", help="scenarios; without, the twelve rows")
    parser.add_argument("--all", action="store_true", help="every scenario of README.md")
    options = parser.parse_args()
    chosen = [
        s
        for s in scenarios()
        if options.all or s.name in options.names or (not options.names and "row-" in s.name)
    ]
    if not chosen:
        parser.error("no such scenario")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tollbar-play-") as directory:
        stage = Stage(Path(directory), sample_ports=True)
        stage.start()
        try:
            print(f"Gateway on 127.0.0.1:{stage.ports[5060]}, trunk on {stage.ports[5070]}.\n")
            shown = max(len(s.shows) for s in chosen)
            wanted = max(len(s.caller_gets) for s in chosen)
            line = f"{{:4}} {{:{shown}}}  {{:{wanted}}}  {{:22}}  {{:15}}  {{}}"
            print(
                line.format("", "", "expected", "the caller got", "the far end got", "the record")
            )
            for scenario in chosen:
                played = stage.play(scenario)
                got = (played.answer, played.far_got, played.record)
                mark = "FAIL" if played.wrong else "ok"
                print(line.format(mark, scenario.shows, scenario.caller_gets, *got), flush=True)
                for wrong in played.wrong:
                    print(f"       {wrong}")
                failed += bool(played.wrong)
            print("\nThe account code report (tollbar report):\n")
            print(stage.tollbar("report"))
        finally:
            stage.stop()
    print(f"{len(chosen) - failed} as expected, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(TREE)
    sys.exit(main())

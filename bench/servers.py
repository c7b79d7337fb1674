"""The servers under test: each started on one core, with ports and files of its own."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import venv
from pathlib import Path

from load import HERE, HOST, answers_options, free_port, tree

ROOT = HERE.parent
STATE = "var"
SAMPLE_PORTS = ("5060", "5061", "5070", "5090", "9464")

KAMAILIO_SCHEMA = """
CREATE TABLE version (table_name VARCHAR(32) NOT NULL, table_version INTEGER NOT NULL);
CREATE TABLE htable (
    id INTEGER PRIMARY KEY NOT NULL,
    key_name VARCHAR(64) DEFAULT '' NOT NULL,
    key_type INTEGER DEFAULT 0 NOT NULL,
    value_type INTEGER DEFAULT 0 NOT NULL,
    key_value VARCHAR(128) DEFAULT '' NOT NULL,
    expires INTEGER DEFAULT 0 NOT NULL
);
INSERT INTO version (table_name, table_version) VALUES ('htable', 2);
CREATE TABLE cdrs (
    id INTEGER PRIMARY KEY NOT NULL,
    start_time DATETIME, end_time DATETIME, duration REAL,
    caller VARCHAR(64), dialled VARCHAR(64), code VARCHAR(64), call_id VARCHAR(255)
);
"""
CODES = ["1", "3", "20", "213", "0214", "1234", "001235", "4711", "0815", "1" * 50]


class UnavailableError(Exception):
    """This peer cannot run here; the text says why."""


class Server:
    """One server process tree, from start to stop."""

    name = ""
    top_rate = 1_000_000  # calls a second it can be asked for; more would measure its collapse

    def __init__(self, directory: Path, core: int, trunk: int) -> None:
        self.directory = directory
        self.core = core
        self.trunk = trunk
        self.port = free_port()
        self.source = free_port()  # the PBX's
        self.start_seconds = 0.0
        self.command_line: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Arguments of the server in the foreground; makes the files it needs."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What it sees of the environment."""
        return dict(os.environ)

    def records(self) -> int | None:
        """Finished records on disk; None where it keeps none."""
        return None

    def start(self) -> None:
        """Run it on its core and wait for its first answer."""
        self.command_line = self.command()
        command = ["taskset", "-c", str(self.core), *self.command_line]
        with (self.directory / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.start_seconds = answers_options(self.port, self._process, 20)
        except SystemExit as error:
            self.stop()
            raise UnavailableError(f"{error}; {self._last_words()}") from None

    def pids(self) -> list[int]:
        """Every process of it."""
        assert self._process is not None
        return tree(self._process.pid)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL, to the process started here and its children."""
        if self._process is None or self._process.poll() is not None:
            return
        pids = self.pids()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def _last_words(self) -> str:
        lines = (self.directory / "server.log").read_text(errors="replace").split("\n")
        return " / ".join(line.strip() for line in lines if line.strip())[-400:] or "no output"


class Kamailio(Server):
    """Kamailio at its cheapest: lean allocator, and one CDR a call to SQLite in WAL mode."""

    name = "kamailio"
    cdr = True
    allocator = "fm"
    journal = "wal"

    def command(self) -> list[str]:
        kamailio = shutil.which("kamailio", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if kamailio is None:
            raise UnavailableError("kamailio is not installed")
        runtime = self.directory / "run"
        runtime.mkdir()
        self._database = self.directory / "kamailio.db"
        with sqlite3.connect(self._database) as made:
            made.execute(f"PRAGMA journal_mode={self.journal}")
            made.executescript(KAMAILIO_SCHEMA)
            made.executemany(
                "INSERT INTO htable (key_name, key_value) VALUES (?, 'client')",
                [(code,) for code in CODES],
            )
        made.close()
        return [
            *(kamailio, "-DD", "-E", "-m", "512", "-M", "16"),
            *("-x", self.allocator, "-X", self.allocator, "-f", str(HERE / "kamailio.cfg")),
            *("-Y", str(runtime), "-w", str(runtime)),
            *("-A", f"LISTEN=udp:{HOST}:{self.port}"),
            *("-A", f'TRUNK="sip:{HOST}:{self.trunk}"'),
            *("-A", f'DATABASE="sqlite:///{self._database}"'),
            *(("-A", "WITH_CDR") if self.cdr else ()),
        ]

    def records(self) -> int | None:
        return count_rows(self._database, "cdrs") if self.cdr else None


class KamailioJournal(Kamailio):
    """The same with SQLite's own default, a rollback journal."""

    name = "kamailio-journal"
    journal = "delete"


class KamailioStock(Kamailio):
    """The same with the allocator Kamailio takes when nothing is said."""

    name = "kamailio-qm"
    allocator = "qm"


class KamailioBare(Kamailio):
    """The same without CDR: nothing durable."""

    name = "kamailio-nocdr"
    cdr = False


class Sippy(Server):
    """Sippy's b2bua_simple from an environment of its own: no code check, no CDR, no log."""

    name = "sippy"
    top_rate = 100

    def command(self) -> list[str]:
        place = ROOT / "build" / "bench" / "sippy-venv"
        program = place / "bin" / "b2bua_simple"
        if not program.exists():
            venv.create(place, with_pip=True, clear=True)
            got = subprocess.run(
                [place / "bin" / "python", "-m", "pip", "install", "-q", "sippy==2.5.0"],
                capture_output=True,
                text=True,
                check=False,
            )
            if got.returncode:
                raise UnavailableError("sippy could not be installed: " + got.stderr.strip()[-200:])
        return [
            *(str(program), "-f", "-l", HOST, "-p", str(self.port)),
            *("-n", f"{HOST}:{self.trunk}"),
        ]

    def environment(self) -> dict[str, str]:
        return dict(os.environ, SIPLOG_BEND="none")


class Tollbar(Server):
    """`tollbar run` with the sample configuration, its ports and state directory replaced."""

    name = "tollbar"
    config = ROOT / "config" / "gateway.yaml"
    program: str | None = None

    def __init__(self, directory: Path, core: int, trunk: int) -> None:
        super().__init__(directory, core, trunk)
        self.metrics = free_port()
        self._ports = {
            "5060": self.port,
            "5061": free_port(),
            "5070": trunk,
            "5090": self.source,
            "9464": self.metrics,
        }

    def command(self) -> list[str]:
        program = self.program or _beside_python("tollbar")
        if not self.config.exists():
            raise UnavailableError(f"{self.config.relative_to(ROOT)} is not there yet")
        copied = self.directory / "gateway.yaml"
        copied.write_text(self._own_ports(self.config.read_text()))
        for other in self.config.parent.iterdir():
            if other.name != self.config.name and other.is_file():
                shutil.copy(other, self.directory)
        return [program, "run", "--config", str(copied)]

    def records(self) -> int | None:
        database = self.directory / STATE / "tollbar.sqlite"
        return count_rows(database, "record")

    def _own_ports(self, text: str) -> str:
        text = re.sub(
            r"(?<![\d.])(" + "|".join(SAMPLE_PORTS) + r")(?![\d.])",
            lambda found: str(self._ports[found[1]]),
            text,
        )
        text, found = re.subn(
            r"(?m)^(\s*)state_directory:.*$", rf"\1state_directory: {STATE}", text
        )
        return text if found else f"{text.rstrip()}\nstate_directory: {STATE}\n"


class TollbarCompiled(Tollbar):
    """The same with the rooms that `make fast` compiled."""

    name = "tollbar-fast"
    compiled = ROOT / "build" / "fast"

    def command(self) -> list[str]:
        if not (self.compiled / "stamp").exists():
            raise UnavailableError("nothing is compiled: make fast once")
        return super().command()

    def environment(self) -> dict[str, str]:
        return dict(os.environ, PYTHONPATH=str(self.compiled))


SERVERS: dict[str, type[Server]] = {
    kind.name: kind
    for kind in (
        *(Tollbar, TollbarCompiled),
        *(Kamailio, KamailioJournal, KamailioStock, KamailioBare, Sippy),
    )
}


def count_rows(database: Path, table: str) -> int:
    """Rows of a SQLite table another process writes."""
    reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return int(reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        reader.close()


def wait_for_records(server: Server, wanted: int, limit: float = 10.0) -> int | None:
    """Records on disk, once there are as many as wanted or the time is up."""
    deadline = time.monotonic() + limit
    while True:
        seen = server.records()
        if seen is None or seen >= wanted or time.monotonic() > deadline:
            return seen
        time.sleep(0.2)


def _beside_python(program: str) -> str:
    for found in (
        Path(sys.executable).parent / program,
        ROOT / ".venv" / "bin" / program,
        Path(shutil.which(program) or ""),
    ):
        if found.is_file():
            return str(found)
    raise UnavailableError(f"{program} is not installed: make run once, or use --tollbar PATH")

#!/usr/bin/env python3
"""A million records: how soon a report begins, how long it takes, what memory it needs.

Makes the records once (`--records`, kept beside `build/bench/report`), in a local file as the
gateway writes it or, with `--url`, in a database; then runs the commands that a billing clerk
runs, each in a process of its own, and prints when its first row came out of the pipe, when it
was done, the CPU time and the peak resident memory. The exit code is 1 if a report began later
than `--first` or needed more than `--memory`.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tollbar.cdr.record import COLUMNS, Record
from tollbar.store import schema
from tollbar.store.database import Database, sqlite_url
from tollbar.store.local import FILE

ROOT = Path(__file__).resolve().parents[1]
CODES = 10_000
USERS = 500
CODES_OF_A_USER = 20
DAYS = 365
BEGIN = 1_735_689_600_000  # 2025-01-01 UTC
STEPS = "".join(
    f'["{name}","{text}"],'
    for name, text in (
        ("caller", "alice by P-Asserted-Identity"),
        ("pattern", "91NXXNXXXXXX is +1NXXNXXXXXX, United States and Canada, long_distance"),
        ("code", "by header: valid, access by workgroup litigation of user alice"),
        ("matrix", "row 8: the user has the right, a valid code, the object asks: placed"),
        ("route", "dial group carriers, trunk carrier, dial string 19195551234"),
    )
)
DECISION = f'{{"steps":[{STEPS[:-1]}]}}'

KINDS = {
    "summary by code": ["report"],
    "summary by date": ["report", "--by", "date"],
    "summary by user": ["report", "--by", "user"],
    "summary by workgroup": ["report", "--by", "workgroup"],
    "summary, office hours": ["report", "--from-time", "08:00", "--to-time", "18:00"],
    "summary, one month": ["report", "--since", "2025-06-01", "--until", "2025-06-30"],
    "detail": ["report", "detail"],
    "detail by workgroup": ["report", "detail", "--by", "workgroup"],
    "detail of one code": ["report", "detail", "--code", "1"],
    "untagged": ["untagged"],
    "untagged, calls": ["untagged", "--calls"],
    "records": ["cdr"],
}


def records(count: int) -> Iterator[Record]:
    """A year of an office: a user works on a few matters, four calls of five are answered."""
    chance = random.Random(4711)
    codes = ["1", *(str(chance.randrange(10 ** chance.randrange(1, 9))) for _ in range(CODES))]
    pace = DAYS * 86_400_000 // count
    for number in range(count):
        setup = BEGIN + number * pace
        answer = setup + chance.randrange(2_000, 20_000) if chance.random() < 0.8 else None
        lasted = chance.randrange(1_000, 1_800_000)
        user = chance.randrange(USERS)
        matter = (user * CODES_OF_A_USER + chance.randrange(CODES_OF_A_USER)) % len(codes)
        code = codes[matter] if chance.random() < 0.9 else ""
        yield Record(
            f"{setup << 80 | chance.getrandbits(80):032x}",
            peer="pbx",
            trunk="carrier",
            tries=1,
            a_call_id=f"{chance.getrandbits(128):032x}@192.0.2.20",
            b_call_id=f"{chance.getrandbits(128):032x}@192.0.2.10",
            user=f"user{user}",
            extension=str(1000 + user),
            workgroup=f"workgroup{user % 20}",
            caller=str(1000 + user),
            dialled=f"9{chance.randrange(10**9, 10**10)}",
            standardized=f"+1{chance.randrange(10**9, 10**10)}",
            classification="long_distance",
            dial_group="carriers",
            account_code=code,
            account_code_description=f"Matter {code}" if code else "",
            code_source="header" if code else "",
            matrix_row=8 if code else 5,
            outcome="answered" if answer else "no_answer",
            sip_status=200 if answer else 480,
            q850_cause=16 if answer else 19,
            ended_by="caller",
            setup=setup,
            ringing=setup + 1_000,
            answer=answer,
            end=(answer or setup + 30_000) + lasted,
            ring_ms=(answer or setup + 30_000) - setup - 1_000,
            billable_ms=lasted if answer else 0,
            in_report=code != "",
            decision=DECISION,
        )


def make(count: int, state: Path, url: str) -> None:
    """The records, unless they are there."""
    state.mkdir(parents=True, exist_ok=True)
    database = Database(url or sqlite_url(state / FILE))
    rows = (
        tuple(int(v) if v is True or v is False else v for v in r.values()) for r in records(count)
    )
    try:
        with database.reading() as connection:
            if connection.exec_driver_sql("SELECT count(*) FROM record").scalar() == count:
                return
        if url:
            with database.writing() as connection:
                database.write(connection, schema.record, COLUMNS, rows)  # type: ignore[arg-type]
            return
    finally:
        database.close()
    with closing(sqlite3.connect(state / FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(schema.FINISH, rows)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def configured(place: Path, state: Path, url: str) -> Path:
    """The sample configuration with the state directory and the database that are measured."""
    text = (ROOT / "config" / "gateway.yaml").read_text()
    text = "\n".join(
        line
        for line in text.splitlines()
        if not line.startswith(("state_directory:", "database:", "directory:"))
    )
    text += f"\nstate_directory: {state}\ndirectory: {ROOT / 'config' / 'directory.yaml'}\n"
    if url:
        text += f"database: {url}\n"
    path = place / "gateway.yaml"
    path.write_text(text)
    return path


@dataclass(slots=True)
class Run:
    """One command, from its start to its end."""

    first: float
    first_cpu: float
    total: float
    cpu: float
    mib: float
    rows: int


def cpu_so_far(pid: int) -> float:
    """CPU seconds of a process: what its first row costs, whatever else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command: list[str], config: Path) -> Run:
    """Runs a command as CSV into a pipe that is read at once."""
    words = [sys.executable, "-m", "tollbar", *command, "--csv", "--config", str(config)]
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = 0
    first = first_cpu = 0.0
    while block := os.read(process.stdout.fileno(), 1 << 16):
        lines += block.count(b"\n")
        if lines > 1 and not first:
            first = time.monotonic() - began
            first_cpu = cpu_so_far(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}")
    total = time.monotonic() - began
    return Run(
        first, first_cpu, total, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, lines - 1
    )


def main() -> int:
    """0 when every report began in time and within its memory, 1 when not."""
    parser = argparse.ArgumentParser(description="reports over many records")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--url", default="", help="a database instead of the local file")
    parser.add_argument("--first", type=float, default=2.0, help="seconds to the first row")
    parser.add_argument("--memory", type=float, default=150.0, help="MB of peak memory")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), metavar="KIND", default=[*KINDS])
    parser.add_argument("--place", type=Path, default=ROOT / "build" / "bench" / "report")
    options = parser.parse_args()
    state = options.place.resolve() / str(options.records)
    began = time.monotonic()
    make(options.records, state, options.url)
    print(f"{options.records:,} records, {time.monotonic() - began:.0f} s to make or find them")
    config = configured(options.place, state, options.url)
    print(f"{'':24}{'rows':>10}{'first s':>9}{'CPU s':>8}{'total s':>9}{'CPU s':>8}{'peak MB':>9}")
    wrong = 0
    for kind in options.only:
        done = run(KINDS[kind], config)
        peak = done.mib * 2**20 / 1e6
        late = done.first > options.first or peak > options.memory
        wrong += late
        print(
            f"{kind:24}{done.rows:>10,}{done.first:>9.2f}{done.first_cpu:>8.2f}{done.total:>9.2f}{done.cpu:>8.2f}"
            f"{peak:>9.1f}{'  WRONG' if late else ''}",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

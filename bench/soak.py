#!/usr/bin/env python3
"""Two loads on one gateway: every call completes, every record is there, nothing stays behind.

5,000 calls at 500 a second, twice, through `tollbar run` with the sample configuration (on ports
and a state directory of its own). 40 s after each load, when SIP's longest timer is over, the
resident memory is read and the live counts of /metrics must be zero.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import load
from servers import ROOT, Tollbar, UnavailableError, wait_for_records

LIVE = (
    "tollbar_calls_in_progress",
    "tollbar_trunk_calls_in_progress",
    "tollbar_sip_transactions",
)


def live_counts(port: int) -> dict[str, float]:
    """The gauges that must fall to zero, summed over their labels."""
    with urllib.request.urlopen(f"http://{load.HOST}:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counts = {}
    for name in LIVE:
        values = re.findall(rf"^{name}(?:{{.*}})? ([-+.\w]+)$", text, re.M)
        if not values and f"# TYPE {name} gauge" not in text:
            raise SystemExit(f"/metrics has no {name}")
        counts[name] = sum(map(float, values))
    return counts


def records_by_cli(server: Tollbar) -> int:
    """What `tollbar cdr --json` prints, one object a line."""
    program, _, _, config = server.command_line
    printed = subprocess.run(
        [program, "cdr", "--config", config, "--all", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in printed.stdout.splitlines() if line.strip()]
    return len({row["record_id"] for row in rows})


def soak(options: argparse.Namespace, place: Path) -> list[str]:
    """Run it; returns what is wrong."""
    wrong: list[str] = []
    trunk = load.Trunk(load.free_port(), options.load_core, place)
    server = Tollbar(place, options.core, trunk.port)
    resident: list[float] = []
    try:
        server.start()
        for turn in (1, 2):
            run = load.call(
                server.port, options.calls, options.rate, options.load_core, place, server.source
            )
            print(
                f"load {turn}: {run.completed} completed, {run.failed} failed, "
                f"{run.rate:.0f} a second, {run.retransmissions} sent again by the caller, "
                f"BYE-200 p99 {load.percentile(run.bye_ms, 0.99):.1f} ms"
            )
            if run.failed:
                wrong.append(f"load {turn}: {run.failed} calls failed")
            time.sleep(options.settle)
            resident.append(load.resident_mib(server.pids()))
            counts = live_counts(server.metrics)
            shown = ", ".join(f"{name} {value:g}" for name, value in counts.items())
            print(f"  {options.settle:g} s later: {resident[-1]:.1f} MiB resident; {shown}")
            wrong += [f"load {turn}: {n} is {v:g}, not 0" for n, v in counts.items() if v]
        records = wait_for_records(server, 2 * options.calls)
        listed = records_by_cli(server)
    finally:
        server.stop()
        again = trunk.stop()
    print(f"records: {records} in the file, {listed} by tollbar cdr; trunk sent {again} again")
    for count in (records, listed):
        if count != 2 * options.calls:
            wrong.append(f"{count} records for {2 * options.calls} calls")
    grown = (resident[1] - resident[0]) * 2**20 / 1e6
    print(f"memory: {grown:+.1f} MB from the first load to the second")
    if grown > options.growth:
        wrong.append(f"memory grew by {grown:.1f} MB, more than {options.growth:g}")
    return wrong


def main() -> int:
    """0 when everything held, 1 when not."""
    parser = argparse.ArgumentParser(description="two loads on one gateway; nothing stays behind")
    parser.add_argument("--calls", type=int, default=5000, help="calls of each load")
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--settle", type=float, default=40.0, help="seconds after each load")
    parser.add_argument("--growth", type=float, default=10.0, help="MB allowed between the loads")
    parser.add_argument("--core", type=int, default=0, help="the gateway's")
    parser.add_argument("--load-core", type=int, default=1, help="SIPp's")
    parser.add_argument("--config", type=Path, help="default: config/gateway.yaml")
    parser.add_argument("--keep", action="store_true", help="keep logs, state, SIPp's files")
    options = parser.parse_args()
    if options.config:
        Tollbar.config = options.config.resolve()
    os.sched_setaffinity(0, {options.load_core})
    place = ROOT / "build" / "bench" / "runs" / f"soak-{time.monotonic_ns()}"
    place.mkdir(parents=True)
    try:
        wrong = soak(options, place)
    except UnavailableError as error:
        wrong = [str(error)]
    if not options.keep and not wrong:
        shutil.rmtree(place)
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    if wrong:
        print(f"logs and state: {place}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

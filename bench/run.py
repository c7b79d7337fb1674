#!/usr/bin/env python3
"""CPU a call, Tollbar beside Kamailio and Sippy, in one run on one core over UDP.

The call: INVITE 100 180 200 ACK BYE 200 with an account code, no hold. Load on one core, the
server on the other. See README.md for how to read the table.
"""

import argparse
import json
import math
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import load
from servers import ROOT, SERVERS, Server, Tollbar, UnavailableError, wait_for_records

REFERENCE = "kamailio"


@dataclass(slots=True)
class Figures:
    """One server, one load."""

    server: str
    rate: int
    us_call: float  # from the first INVITE to the end of the settling time, idle cost taken off
    us_call_load: float  # up to a second after the last call only, idle cost left in
    idle_ms_second: float
    completed: int
    failed: int
    retransmissions: int
    calls_second: float
    ring_p50: float
    ring_p99: float
    bye_p50: float
    bye_p99: float
    mib_before: float
    mib_after: float
    records_missing: int | None  # None: keeps none
    start_seconds: float
    others_share: float  # of the server's core, taken by other processes and the kernel


def measure(kind: type[Server], rate: int, options: argparse.Namespace, place: Path) -> Figures:
    """Start a server, let it idle, warm it, load it, let it settle, stop it."""
    directory = place / f"{kind.name}-{rate}-{time.monotonic_ns()}"
    directory.mkdir(parents=True)
    trunk = load.Trunk(load.free_port(), options.load_core, directory)
    server = kind(directory, options.core, trunk.port)
    try:
        server.start()
        figures = _loaded(server, rate, options)
        figures.retransmissions += trunk.stop()
    finally:
        server.stop()
        trunk.stop()
    if not options.keep:
        shutil.rmtree(directory)
    return figures


def _loaded(server: Server, rate: int, options: argparse.Namespace) -> Figures:
    place, core = server.directory, options.load_core
    calls = options.calls
    if rate > server.top_rate:
        calls, rate = max(1, calls * server.top_rate // rate), server.top_rate
    time.sleep(1)
    pids = server.pids()
    # Before any call: what clearing up after one costs is not what a server without calls costs.
    idle = load.cpu_seconds(pids)
    time.sleep(options.idle)
    idle = (load.cpu_seconds(pids) - idle) / options.idle
    warm = load.call(server.port, options.warmup, min(rate, 200), core, place, server.source)
    if not warm.completed:
        raise UnavailableError(f"no call completed; see {place}")
    time.sleep(1)

    pids = server.pids()
    mib_before = load.memory_mib(pids)
    before, busy, since = load.cpu_seconds(pids), load.core_busy_seconds(server.core), _now()
    run = load.call(server.port, calls, rate, core, place, server.source)
    time.sleep(1)
    loaded, busy = load.cpu_seconds(pids), load.core_busy_seconds(server.core) - busy
    under_load = _now() - since
    records = wait_for_records(server, warm.completed + run.completed)
    time.sleep(max(0.0, options.settle - 1))
    pids = server.pids()
    settled, whole = load.cpu_seconds(pids), _now() - since
    completed = max(1, run.completed)
    return Figures(
        server=server.name,
        rate=rate,
        us_call=(settled - before - idle * whole) / completed * 1e6,
        us_call_load=(loaded - before) / completed * 1e6,
        idle_ms_second=idle * 1e3,
        completed=run.completed,
        failed=run.failed,
        retransmissions=run.retransmissions + warm.retransmissions,
        calls_second=run.rate,
        ring_p50=load.percentile(run.ring_ms, 0.5),
        ring_p99=load.percentile(run.ring_ms, 0.99),
        bye_p50=load.percentile(run.bye_ms, 0.5),
        bye_p99=load.percentile(run.bye_ms, 0.99),
        mib_before=mib_before,
        mib_after=load.memory_mib(pids),
        records_missing=(
            None if records is None else max(0, warm.completed + run.completed - records)
        ),
        start_seconds=server.start_seconds,
        others_share=max(0.0, busy - (loaded - before)) / under_load,
    )


def direct(rate: int, options: argparse.Namespace, place: Path) -> load.Run:
    """Caller to trunk with nothing between: what SIPp itself adds to the delays."""
    directory = place / f"direct-{rate}-{time.monotonic_ns()}"
    directory.mkdir(parents=True)
    trunk = load.Trunk(load.free_port(), options.load_core, directory)
    try:
        return load.call(
            trunk.port, min(options.calls, 2000), rate, options.load_core, directory,
            load.free_port(),
        )  # fmt: skip
    finally:
        trunk.stop()
        if not options.keep:
            shutil.rmtree(directory)


def medians(several: list[Figures]) -> Figures:
    """One row of a server's repeats: medians, but failures and missing records are summed."""
    row = {}
    for key, value in asdict(several[0]).items():
        values = [getattr(one, key) for one in several]
        if isinstance(value, str) or value is None or key == "rate":
            row[key] = value
        elif key in ("completed", "failed", "retransmissions", "records_missing"):
            row[key] = sum(values)
        else:
            row[key] = load.median(values)
    return Figures(**row)


def ratio(rows: dict[str, list[Figures]], name: str) -> float:
    """Median over the pairs of neighbours in time, not the quotient of two medians."""
    pairs = zip(rows.get(name, []), rows.get(REFERENCE, []), strict=False)
    return load.median([one.us_call / other.us_call for one, other in pairs])


COLUMNS = (
    ("us/call", 8),
    ("ratio", 6),
    ("max/s", 6),
    ("idle ms/s", 10),
    ("calls/s", 8),
    ("failed", 7),
    ("resent", 7),
    ("180 p50", 8),
    ("p99 ms", 8),
    ("BYE p50", 8),
    ("p99 ms", 8),
    ("MiB", 5),
    ("after", 6),
    ("missing", 8),
    ("start s", 8),
    ("others %", 9),
)


def table(rate: int, rows: dict[str, list[Figures]], plain: load.Run) -> str:
    """The printed table of one rate."""
    lines = [_line(f"{rate} calls/s", [title for title, _ in COLUMNS])]
    for name, several in rows.items():
        row = medians(several)
        share = ratio(rows, name)
        cells = [
            f"{row.us_call:.0f}",
            "-" if math.isnan(share) else f"{share:.2f}",
            f"{1e6 / row.us_call:.0f}",
            f"{row.idle_ms_second:.1f}",
            f"{row.calls_second:.0f}",
            f"{row.failed}",
            f"{row.retransmissions}",
            *(f"{ms:.1f}" for ms in (row.ring_p50, row.ring_p99, row.bye_p50, row.bye_p99)),
            f"{row.mib_before:.0f}",
            f"{row.mib_after:.0f}",
            "no CDR" if row.records_missing is None else f"{row.records_missing}",
            f"{row.start_seconds:.2f}",
            f"{row.others_share * 100:.0f}",
        ]
        lines.append(_line(name, cells))
    delays = [
        load.percentile(ordered, share)
        for ordered in (plain.ring_ms, plain.bye_ms)
        for share in (0.5, 0.99)
    ]
    cells = [f"{plain.rate:.0f}", f"{plain.failed}", f"{plain.retransmissions}"]
    cells += [f"{delay:.1f}" for delay in delays]
    lines.append(_line("(no server)", ["", "", "", "", *cells, "", "", "", "", ""]))
    return "\n".join(lines)


def _line(name: str, cells: list[str]) -> str:
    columns = zip(cells, COLUMNS, strict=True)
    return (f"{name:17}" + "".join(f"{cell:>{width}}" for cell, (_, width) in columns)).rstrip()


def main() -> int:
    """Run the benchmark; 1 when a call failed, a record is missing or a server did not run."""
    options = _options()
    if shutil.which("sipp") is None or shutil.which("taskset") is None:
        print("sipp (Debian: sip-tester) and taskset (util-linux) are needed", file=sys.stderr)
        return 2
    if options.tollbar:
        Tollbar.program = options.tollbar
    place: Path = options.place.resolve()
    place.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, {options.load_core})
    sync = load.sync_times(place)
    result: dict[str, object] = {
        "machine": platform.platform(),
        "python": platform.python_version(),
        "disk_sync_ms": {"p50": load.percentile(sync, 0.5), "p99": load.percentile(sync, 0.99)},
        "calls": options.calls,
        "settle_seconds": options.settle,
        "rates": {},
    }
    if not options.json:
        print(
            f"{options.calls} calls, {options.repeat} time(s), server on core {options.core}, load "
            f"on core {options.load_core}; disk sync p50 {load.percentile(sync, 0.5):.2f} ms, "
            f"p99 {load.percentile(sync, 0.99):.2f} ms"
        )
    clean = True
    for rate in options.rate:
        rows, plain = _one_rate(rate, options, place)
        clean &= all(rows.get(name) for name in options.only)
        clean &= all(not one.failed and not one.records_missing for r in rows.values() for one in r)
        if options.json:
            rates = result["rates"]
            assert isinstance(rates, dict)
            rates[str(rate)] = {
                name: {
                    **asdict(medians(several)),
                    "ratio": ratio(rows, name),
                    "runs": [asdict(one) for one in several],
                }
                for name, several in rows.items()
            }
        else:
            print("\n" + table(rate, rows, plain), flush=True)
            if any(medians(several).others_share > 0.2 for several in rows.values()):
                print("other work had more than a fifth of the server's core: run it again alone")
    if options.json:
        print(json.dumps(result, indent=1))
    return 0 if clean else 1


def _one_rate(
    rate: int, options: argparse.Namespace, place: Path
) -> tuple[dict[str, list[Figures]], load.Run]:
    plain = direct(rate, options, place)
    rows: dict[str, list[Figures]] = {}
    names = list(options.only)
    for _ in range(options.repeat):
        for name in list(names):
            try:
                figures = measure(SERVERS[name], rate, options, place)
            except UnavailableError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)
                names.remove(name)
                continue
            rows.setdefault(name, []).append(figures)
            print(
                f"  {name} {rate}/s: {figures.us_call:.0f} us a call "
                f"({figures.us_call_load:.0f} under load, idle included), {figures.failed} failed",
                file=sys.stderr,
                flush=True,
            )
    return rows, plain


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU a call: Tollbar beside Kamailio and Sippy")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--rate", type=int, nargs="+", default=[500], help="calls a second")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SERVERS,
        default=["tollbar", "kamailio"],
        metavar="NAME",
        help=f"servers, of {', '.join(SERVERS)} (default: tollbar kamailio)",
    )
    parser.add_argument("--repeat", type=int, default=3, help="turns, servers interleaved")
    parser.add_argument(
        "--settle",
        type=float,
        default=40.0,
        help="seconds counted after the last call: SIP's longest timer is 32 s (default 40)",
    )
    parser.add_argument("--warmup", type=int, default=400, help="calls before, not counted")
    parser.add_argument("--idle", type=float, default=3.0, help="seconds of idle measured before")
    parser.add_argument("--core", type=int, default=0, help="the server's")
    parser.add_argument("--load-core", type=int, default=1, help="SIPp's")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep logs, databases, SIPp's files")
    parser.add_argument("--tollbar", metavar="PATH", help="the program (default: this tree's)")
    parser.add_argument(
        "--place",
        type=Path,
        default=ROOT / "build" / "bench" / "runs",
        help="where the servers' files go: a real disk",
    )
    return parser.parse_args()


def _now() -> float:
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())

"""Calls by SIPp on one core, and what they cost a process tree on the other.

Only Linux: CPU time is read from each process's own clock, which counts nanoseconds and keeps
the time of threads that have ended.
"""

import csv
import os
import signal
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CALLER = HERE / "caller.xml"
TRUNK = HERE / "trunk.xml"
DIALLED = "9195551234"
HOST = "127.0.0.1"


def free_port() -> int:
    """A port of 127.0.0.1 nobody holds now, neither for UDP nor for TCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as streams,
        ):
            datagrams.bind((HOST, 0))
            port = int(datagrams.getsockname()[1])
            try:
                streams.bind((HOST, port))
            except OSError:
                continue
            return port


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of whole processes, ended threads included."""
    # clock_getcpuclockid(3): the CPU clock of another process is ~pid << 3 | CPUCLOCK_SCHED.
    return sum(time.clock_gettime(((~pid) << 3) | 2) for pid in pids)


def memory_mib(pids: list[int]) -> float:
    """Proportional set size: shared pages count once however many workers map them."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def resident_mib(pids: list[int]) -> float:
    """Resident set size, as ps shows it."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def core_busy_seconds(core: int) -> float:
    """Time a core has spent on anything at all, whoever asked for it."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, line.split()[1:])
            return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise SystemExit(f"no core {core}")


def sync_times(directory: Path, times: int = 200) -> list[float]:
    """Milliseconds the disk takes to make 4 KiB durable, sorted."""
    path = directory / "sync-probe"
    taken = []
    with path.open("wb", buffering=0) as probe:
        for _ in range(times):
            start = time.perf_counter()
            probe.write(bytes(4096))
            os.fdatasync(probe.fileno())
            taken.append((time.perf_counter() - start) * 1000)
    path.unlink()
    return sorted(taken)


def percentile(ordered: list[float], share: float) -> float:
    """Nearest rank; NaN of nothing."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(slots=True)
class Run:
    """What SIPp saw of one load."""

    completed: int = 0
    failed: int = 0
    seconds: float = 0.0
    retransmissions: int = 0  # by caller and trunk together
    ring_ms: list[float] = field(default_factory=list)  # INVITE to 180, sorted
    bye_ms: list[float] = field(default_factory=list)  # BYE to 200, sorted

    @property
    def rate(self) -> float:
        """Completed calls a second."""
        return self.completed / self.seconds if self.seconds else 0.0


class Trunk:
    """The far end, one SIPp for the life of a server under test."""

    def __init__(self, port: int, core: int, directory: Path) -> None:
        self.port = port
        self._directory = directory
        self._process = _sipp(core, directory, TRUNK, port, [])
        _wait_for_port(port, self._process)

    def stop(self) -> int:
        """End it; returns its retransmissions so far."""
        _end(self._process)
        return int(_last_row(self._directory, "trunk", self._process.pid)["Retransmissions(C)"])


def call(target: int, calls: int, rate: int, core: int, directory: Path, source: int) -> Run:
    """Place calls through the server at a UDP port and wait for the last of them."""
    limit = 60 + 2 * calls // rate
    process = _sipp(
        core,
        directory,
        CALLER,
        source,
        [
            *("-s", DIALLED, "-m", str(calls), "-r", str(rate), "-l", str(max(1000, rate * 30))),
            *("-recv_timeout", "35000", "-timeout", str(limit)),
            *("-trace_rtt", "-rtt_freq", "100", f"{HOST}:{target}"),
        ],
    )
    try:
        process.wait(limit + 40)
    except subprocess.TimeoutExpired:
        _end(process)
    row = _last_row(directory, "caller", process.pid)
    completed = int(row["SuccessfulCall(C)"])
    run = Run(
        completed=completed,
        failed=calls - completed,
        seconds=_stamp(row["CurrentTime"]) - _stamp(row["StartTime"]),
        retransmissions=int(row["Retransmissions(C)"]),
    )
    dump = directory / f"caller_{process.pid}_rtt.csv"
    if dump.exists():
        for line in dump.read_text().splitlines()[1:]:
            _, taken, which = line.split(";")
            (run.ring_ms if which == "1" else run.bye_ms).append(float(taken))
    run.ring_ms.sort()
    run.bye_ms.sort()
    return run


def answers_options(port: int, process: subprocess.Popen[bytes], limit: float) -> float:
    """Seconds until a server answers OPTIONS, with whatever status."""
    start = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        probe.settimeout(0.05)
        own = probe.getsockname()[1]
        count = 0
        while time.monotonic() - start < limit:
            if process.poll() is not None:
                raise SystemExit(f"the server ended at start with code {process.returncode}")
            count += 1
            probe.sendto(
                (
                    f"OPTIONS sip:{HOST}:{port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {HOST}:{own};rport;branch=z9hG4bKready{own}x{count}\r\n"
                    f"Max-Forwards: 70\r\nFrom: <sip:1001@{HOST}>;tag=r{count}\r\n"
                    f"To: <sip:{HOST}:{port}>\r\nCall-ID: ready-{own}-{count}@{HOST}\r\n"
                    f"CSeq: {count} OPTIONS\r\nContact: <sip:1001@{HOST}:{own}>\r\n"
                    "Content-Length: 0\r\n\r\n"
                ).encode(),
                (HOST, port),
            )
            try:
                if probe.recv(4096).startswith(b"SIP/2.0 "):
                    return time.monotonic() - start
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.02)
    raise SystemExit(f"the server on port {port} did not answer OPTIONS in {limit:.0f} s")


def median(values: list[float]) -> float:
    """Middle value; NaN of nothing."""
    return statistics.median(values) if values else float("nan")


def _sipp(
    core: int, directory: Path, scenario: Path, port: int, more: list[str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *("taskset", "-c", str(core), "sipp", "-nostdin", "-sf", str(scenario)),
            *("-i", HOST, "-p", str(port), "-buff_size", "1000000"),
            *("-trace_stat", "-fd", "5", "-trace_err", *more),
        ],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGUSR1)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return
        time.sleep(0.02)
    raise SystemExit(f"sipp did not open UDP port {port}")


def _last_row(directory: Path, scenario: str, pid: int) -> dict[str, str]:
    path = directory / f"{scenario}_{pid}_.csv"
    if not path.exists():
        raise SystemExit(f"sipp wrote no {path.name}: is it installed, and is the port free?")
    with path.open(newline="") as source:
        return list(csv.DictReader(source, delimiter=";"))[-1]


def _stamp(text: str) -> float:
    return float(text.split("\t")[-1])

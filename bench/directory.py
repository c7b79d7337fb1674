#!/usr/bin/env python3
"""How soon a change of a large directory is in force, and how long it holds up the event loop.

100,000 codes, 10,000 users, 1,000 workgroups and 10,000 dial-plan objects in a database of its own
(SQLite in `build/bench/`, or `--database URL`), followed as the gateway follows it. A stall is the
longest time between two turns of a loop that wants to turn each millisecond: `stall` by the clock,
`own stall` by the CPU time of this process, in which other work on the machine does not count.

First what such a directory takes to load, in time and memory, and to decide a call by, beside the
sample directory of `config/`.
"""

import argparse
import asyncio
import gc
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from timeit import repeat
from typing import TypeVar

from tollbar.administration import directory_database
from tollbar.config import load
from tollbar.directory.difference import Change, difference
from tollbar.directory.entry import Entry, entries
from tollbar.loading import load_snapshot
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.attempt import FORWARD, Attempt, Situation
from tollbar.policy.decision import decide
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.rights import Rights, Role, User, Workgroup
from tollbar.policy.settings import Tenant
from tollbar.policy.snapshot import Snapshot
from tollbar.server import SWITCH
from tollbar.standing import Standing
from tollbar.store.directory import DirectoryStore
from tollbar.watch import Watch

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / "build" / "bench" / "directory"

T = TypeVar("T")


def large() -> Tenant:
    random = Random(1)

    def some(count: int) -> Rights:
        return Rights(
            codes=frozenset(str(random.randrange(100_000, 200_000)) for _ in range(count))
        )

    places = [(area, office) for area in range(200, 700) for office in range(200, 220)]
    return Tenant(
        codes=tuple(Code(str(100_000 + n), f"Matter {n}") for n in range(100_000)),
        roles=tuple(Role(f"role{n}", some(50)) for n in range(200)),
        workgroups=tuple(Workgroup(f"wg{n}", some(20), (f"role{n % 200}",)) for n in range(1_000)),
        users=tuple(
            User(
                f"u{n}",
                extensions=(str(20_000 + n),),
                workgroups=(f"wg{n % 1_000}",),
                roles=(f"role{n % 200}",),
            )
            for n in range(10_000)
        ),
        dial_plan=(
            DialObject("911", "emergency", groups=(GroupUse("carriers"),)),
            *(
                DialObject(
                    f"1{area}{office}XXXX",
                    "long_distance" if office % 2 else "local",
                    standardized=f"+1{area}{office}XXXX",
                    verification=bool(office % 2),
                    groups=(GroupUse("carriers"),),
                )
                for area, office in places
            ),
        ),
    )


def changed(held: list[Entry], kind: str, key: str, words: dict[str, object]) -> Change:
    old = next(entry for entry in held if (entry.kind, entry.key) == (kind, key))
    body = json.dumps(json.loads(old.body) | words, sort_keys=True, separators=(",", ":"))
    return Change(old.tenant, kind, key, old.body, body, old.place, old.version)


CHANGES = (
    ("one code", finding.CODE, "150000", {"description": "another"}),
    ("one user", finding.USER, "u500", {"name": "another"}),
    ("one dial object", finding.DIAL_OBJECT, "1300201XXXX", {"description": "another"}),
)


@dataclass(slots=True)
class Stalls:
    """The longest turns of a loop, in seconds."""

    clock: float = 0.0
    own: float = 0.0

    async def watch(self) -> None:
        clock, own = time.monotonic(), time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now, used = time.monotonic(), time.process_time()
            self.clock = max(self.clock, now - clock - 0.001)
            self.own = max(self.own, used - own)
            clock, own = now, used


def timed(what: str, act: Callable[[], T]) -> T:
    clock, own = time.monotonic(), time.process_time()
    result = act()
    took, used = time.monotonic() - clock, time.process_time() - own
    print(f"{what:28} {took:8.3f} s   CPU {used:6.3f} s")
    return result


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def decision(what: str, snapshot: Snapshot, caller: str, dialled: str, code: str) -> float:
    """Microseconds to decide a call that asks for a code and has a good one."""
    attempt = Attempt("pbx", dialled, asserted=[caller], codes=[("header", code)])
    situation = Situation(time.time())
    found = decide(snapshot, attempt, situation)
    assert (found.action, found.account_code) == (FORWARD, code), found
    taken = repeat(lambda: decide(snapshot, attempt, situation), number=2_000, repeat=7)
    print(f"decision, {what:18} {min(taken) / 2_000 * 1e6:8.1f} us")
    return min(taken)


def decisions(sample: Snapshot, large: Snapshot) -> None:
    holder = large.tenants["default"].holders.workgroups["wg500"]
    code = min(holder.rights.codes)
    small = decision("sample directory", sample, "1001", "919195551234", "4711")
    full = decision("this directory", large, "20500", "14502011234", code)
    print(f"{'ratio':28} {full / small:8.2f}")


async def follow(standing: Standing, store: DirectoryStore) -> None:
    loop = asyncio.get_running_loop()
    news: asyncio.Queue[float] = asyncio.Queue()
    watch = Watch(
        standing, lambda: loop.call_soon_threadsafe(lambda: news.put_nowait(time.monotonic()))
    )
    watch.start()
    for what, kind, key, words in CHANGES:
        held = await asyncio.to_thread(store.load)
        change = changed(held.entries, kind, key, words)
        stalls = Stalls()
        turning = loop.create_task(stalls.watch())
        await asyncio.to_thread(store.commit, [change], "bench", held.revision)
        committed = time.monotonic()
        async with asyncio.timeout(120):
            took = await news.get() - committed
        await asyncio.sleep(0.2)
        turning.cancel()
        print(
            f"{what:28} {took:8.3f} s   stall {1000 * stalls.clock:6.1f} ms"
            f"   own stall {1000 * stalls.own:6.1f} ms"
        )
    await asyncio.to_thread(watch.stop)


def fill(store: DirectoryStore) -> None:
    """What it needs to be made goes when this is over: it is not what a start takes."""
    made = timed("made into entries", lambda: entries("default", large()))
    timed("committed", lambda: store.commit(difference([], made), "bench", 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", default="", metavar="URL", help="an empty one")
    options = parser.parse_args()
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    gateway = load(ROOT / "config" / "gateway.yaml")
    gateway.state_directory, gateway.database = STATE, options.database
    store = DirectoryStore(directory_database(gateway))
    fill(store)
    sample = timed("sample directory, from YAML", lambda: load_snapshot(gateway)[0])
    gc.collect()
    before = resident()
    held = timed("loaded", store.load)
    standing = timed("assembled and compiled", lambda: Standing(gateway, held))
    print(f"{'memory it takes':28} {resident() - before:8.0f} MiB")
    decisions(sample, standing.snapshot)
    # As the gateway does.
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.disable()
    asyncio.run(follow(standing, store))


if __name__ == "__main__":
    main()

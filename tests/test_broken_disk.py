"""The local disk fails under a gateway that runs, with real phones around it.

Emergency calls go on; other new calls get 503; a BYE crosses at once and has no 200 before its
record is on disk; metrics and /readyz say so; and when the disk is well every attempt has its
one record.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from tests.crash.capture import taped
from tests.crash.faults import fault
from tests.crash.gateway import Mortal
from tests.crash.judge import callers_left, not_one_record, phones_left
from tests.crash.lines import until
from tests.crash.phones import BUSY, CALLER, Incoming, Outgoing, Plan, unfinished
from tests.crash.scraping import answer, becomes, metric

from play import TOLLBAR

EMERGENCY: Final = "911"
PATIENCE: Final = 3.0  # seconds: longer than commit_deadline, and two repeats of a BYE


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Mortal]:
    stage = await Mortal(tmp_path).open()
    try:
        yield stage
    finally:
        await stage.close()


async def finished(call: Outgoing, status: int) -> None:
    await until(lambda: call.finals, f"a final answer to {call.call_id}")
    assert set(call.finals) == {status}


async def up(stage: Mortal, phone: object = None, dialled: str = "3175551234") -> Outgoing:
    """A call that is answered and lasts until somebody hangs up."""
    call = (stage.tcp if phone is stage.tcp else stage.udp).place(
        Plan(CALLER, talk=1000.0, dialled=dialled)
    )
    await finished(call, 200)
    await until(lambda: stage.trunk.of(call)[0].acknowledged, "the callee has its ACK")
    return call


def callee(stage: Mortal, call: Outgoing) -> Incoming:
    (found,) = stage.trunk.of(call)
    return found


async def while_it_fails(stage: Mortal, before: list[Outgoing]) -> list[Outgoing]:
    """What holds while a disk fails; the calls that wait for their BYE's 200."""
    assert await metric(stage, "tollbar_disk_failing") == 1.0
    status, text = await asyncio.to_thread(answer, stage, "/readyz")
    assert (status, text.strip()) == (503, "records cannot be written")
    for phone in (stage.udp, stage.tcp):
        refused = phone.place(Plan(BUSY))
        await finished(refused, 503)
        assert stage.trunk.of(refused) == []
    emergency = await up(stage, dialled=EMERGENCY)
    # One ends by its caller, one by its callee.
    before[0].hang_up()
    callee(stage, before[1]).hang_up()
    emergency.hang_up()
    await until(
        lambda: (
            callee(stage, before[0]).bye_done
            and before[1].bye_done
            and callee(stage, emergency).bye_done
        ),
        "each BYE has crossed",
        2.0,
    )
    await asyncio.sleep(PATIENCE)
    sides = [before[0], callee(stage, before[1]), emergency]
    assert [side.bye.waits for side in sides if side.bye] == [True, True, True]
    return [*before, emergency]


def ruled(stage: Mortal, attempts: int) -> None:
    """Every attempt on the wire has its one record, and it says what the phones heard."""
    wire, records = taped(stage), stage.on_disk()
    assert list(not_one_record(wire, records)) == []
    assert list(callers_left(wire, records)) == []
    assert list(phones_left(wire, records)) == []
    assert len(records) == attempts


@pytest.mark.parametrize("kind", ["full", "read-only", "file size"])
async def test_the_disk_fails_and_is_well_again(
    stage: Mortal, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with fault(kind, stage) as broken:
        with capsys.disabled():
            print(f"\n{kind}: {broken.way}")  # noqa: T201
        await stage.run()
        before = [await up(stage), await up(stage, stage.tcp)]
        broken.begin(stage)
        try:
            await becomes(stage, "tollbar_disk_failing", 1.0)
            await while_it_fails(stage, before)
        finally:
            broken.end(stage)
        await becomes(stage, "tollbar_disk_failing", 0.0)
        after = stage.udp.place(Plan(CALLER))
        await finished(after, 200)
        phones = (stage.udp.calls, stage.tcp.calls, stage.trunk.calls)
        await until(lambda: not unfinished(*phones), "every BYE has its 200")
        await becomes(stage, "tollbar_record_backlog", 0.0)
        ruled(stage, attempts=6)
        # And the disk really has them.
        stage.kill()
        await stage.run()
        ruled(stage, attempts=6)
        log = stage.log.read_text()
        assert log.count("records cannot be written: ") == (not broken.log_too)
        assert log.count("records are written again") == 1
        await asyncio.to_thread(stage.stop)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * path.stat().st_size)


@pytest.mark.parametrize(
    ("damage", "words"),
    [(overwrite, "was overwritten by somebody else"), (Path.unlink, "is gone")],
)
async def test_the_file_is_destroyed_under_the_gateway(
    stage: Mortal, damage: Callable[[Path], None], words: str
) -> None:
    """What is committed to such a file would not be there at the next start."""
    await stage.run()
    before = [await up(stage), await up(stage, stage.tcp)]
    file = stage.state / "tollbar.sqlite"
    damage(file)
    await becomes(stage, "tollbar_disk_failing", 1.0)
    await while_it_fails(stage, before)
    assert f"tollbar.sqlite {words}" in stage.log.read_text()
    stage.kill()


def started(stage: Mortal) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOLLBAR, "run", "--config", stage.config],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def middle(path: Path) -> None:
    """Its first page stays: SQLite alone would open it, and find out when it reads."""
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (path.stat().st_size - 8192))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("damage", "killed"), [(overwrite, False), (middle, False), (cut, False), (overwrite, True)]
)
async def test_a_damaged_file_stops_the_start_and_stays_as_it_is(
    stage: Mortal, damage: Callable[[Path], None], killed: bool
) -> None:
    await stage.run()
    await up(stage)
    if killed:
        stage.kill()  # then SQLite's log is there still, and would be written back
    else:
        await asyncio.to_thread(stage.stop)
    damage(stage.state / "tollbar.sqlite")
    files = {p: p.read_bytes() for p in stage.state.glob("tollbar.sqlite*") if "-shm" not in p.name}
    done = await asyncio.to_thread(started, stage)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tollbar: ")
    assert str(stage.state / "tollbar.sqlite") in done.stderr
    assert {path: path.read_bytes() for path in files} == files


async def test_a_damaged_directory_stops_the_start_too(stage: Mortal) -> None:
    stage.state.mkdir()
    file = stage.state / "directory.sqlite"
    file.write_bytes(b"\xa5" * 50_000)
    done = await asyncio.to_thread(started, stage)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert str(file) in done.stderr
    assert file.read_bytes() == b"\xa5" * 50_000

"""tollbar backup beside a gateway that runs, and tollbar restore after it died."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.crash.gateway import Mortal
from tests.crash.lines import until
from tests.crash.phones import BUSY, CALLER, Plan

from play import TOLLBAR


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Mortal]:
    stage = await Mortal(tmp_path).open()
    try:
        yield stage
    finally:
        await stage.close()


async def tollbar(stage: Mortal, *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    command = [str(TOLLBAR), *map(str, words), "--config", str(stage.config)]
    done = await asyncio.to_thread(
        subprocess.run, command, check=False, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_backup_is_made_beside_calls_and_brings_them_back(stage: Mortal) -> None:
    await stage.run()
    first = stage.tcp.place(Plan(BUSY))
    await until(lambda: first.over, "the first call is over")
    up = stage.tcp.place(Plan(CALLER, talk=1000.0))
    await until(lambda: up.answered, "the second one is up")
    kept = stage.directory / "kept.tar"
    code, out, err = await tollbar(stage, "backup", kept)
    assert (code, err) == (0, "")
    assert out.startswith(f"{kept}: tollbar.sqlite")
    up.hang_up()
    await until(lambda: up.over, "it is over")
    later = stage.tcp.place(Plan(BUSY))
    await until(lambda: later.over, "the third call is over")

    code, out, err = await tollbar(stage, "restore", kept)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "in use by another process" in err
    assert len(stage.on_disk()) == 3

    stage.kill()
    code, out, err = await tollbar(stage, "restore", kept)
    assert (code, err) == (0, "")
    assert set(stage.on_disk()) == {first.call_id}
    (aside,) = stage.state.glob("before-restore-*")
    assert str(aside) in out
    assert (aside / "tollbar.sqlite").exists()
    # The call that was up then is over by now: its phones say so, and it has its record.
    await stage.run()
    await until(lambda: up.call_id in stage.on_disk(), "the record of the second call", 40.0)
    (record,) = stage.on_disk()[up.call_id]
    assert record.outcome == "answered"
    await asyncio.to_thread(stage.stop)


async def test_what_is_in_postgresql_is_named(stage: Mortal, postgres_url: str) -> None:
    with stage.config.open("a") as file:
        file.write(f"\ndatabase: {postgres_url}\n")
    await stage.run()
    code, out, _ = await tollbar(stage, "backup", stage.directory / "kept.tar")
    assert code == 0
    assert "pg_dump" in out.splitlines()[1]
    assert postgres_url not in out

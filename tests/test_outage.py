"""The database stops under load and comes back: no call notices, no record is lost or doubled.

OUTAGE=30 OUTAGE_RATE=100 makes it as long, with as many calls a second.
"""

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select
from tests.crash.capture import taped
from tests.crash.gateway import Mortal
from tests.crash.judge import attempts, callers_left, not_one_record, phones_left
from tests.crash.lines import until
from tests.crash.load import Load
from tests.crash.phones import CALLER, Outgoing, Plan, unfinished
from tests.crash.scraping import becomes, metric
from tests.postgres import PostgreSQL

from tollbar.cdr.record import COLUMNS, Record, from_values
from tollbar.directory.difference import Change
from tollbar.store import schema
from tollbar.store.database import Database
from tollbar.store.directory import DirectoryStore
from tollbar.store.errors import StoreError

pytestmark = pytest.mark.alone

# The server goes with the thread that started it: this one stays.
STARTER = ThreadPoolExecutor(1)
OUTAGE = float(os.environ.get("OUTAGE", "5"))
RATE = int(os.environ.get("OUTAGE_RATE", "50"))
NEW = Change("default", "code", "4712", None, '{"description":"Miller"}', 0, 0)
AROUND = 3.0  # seconds of calls before and after
SETTLED = 40.0  # seconds: longer than any timer of a set-up
CLOSED = 60.0  # seconds: an open call's row stays as long as SIP's longest timer


@pytest_asyncio.fixture
async def stage(tmp_path: Path, postgres_url: str) -> AsyncIterator[Mortal]:
    stage = await Mortal(tmp_path).open()
    with stage.config.open("a") as file:
        file.write(f"\ndatabase: {postgres_url}\n")
    try:
        yield stage
    finally:
        await stage.close()


def delivered(url: str) -> dict[str, list[Record]]:
    """All records of the database, by the Call-ID of their caller."""
    found: dict[str, list[Record]] = defaultdict(list)
    database = Database(url, readonly=True)
    with database.reading() as connection:
        for row in connection.execute(select(*(schema.record.c[name] for name in COLUMNS))):
            record = from_values(list(row))
            found[record.a_call_id].append(record)
    database.close()
    return found


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def say(line: str) -> None:
        with capsys.disabled():
            print(line)  # noqa: T201

    return say


def calls(stage: Mortal) -> list[Outgoing]:
    return [*stage.udp.calls.values(), *stage.tcp.calls.values()]


async def all_there_once(stage: Mortal, url: str) -> tuple[int, int]:
    """Every phone is idle and every record in the database, once; attempts and records."""
    phones = (stage.udp.calls, stage.tcp.calls, stage.trunk.calls)
    with suppress(TimeoutError):  # what is left is told by the rules below
        await until(lambda: not unfinished(*phones), "every phone is idle", SETTLED)
    # Every call is closed, so that every record may leave this machine.
    await becomes(stage, "tollbar_sip_transactions", 0.0, CLOSED)
    await becomes(stage, "tollbar_record_backlog", 0.0)
    await becomes(stage, "tollbar_delivery_backlog", 0.0)
    await until(lambda: not stage.on_disk(), "the local file has no record left")
    wire, records = taped(stage), delivered(url)
    assert list(not_one_record(wire, records)) == []
    assert list(callers_left(wire, records)) == []
    assert unfinished(*phones) == []
    return len(attempts(wire)), sum(map(len, records.values()))


async def test_the_database_stops_under_load_and_comes_back(
    stage: Mortal, postgres: PostgreSQL, postgres_url: str, say: Callable[[str], None]
) -> None:
    await stage.run()
    database = Database(postgres_url)
    directory = DirectoryStore(database)
    revision = directory.revision()
    load = Load(stage, random.Random(1), RATE)
    await asyncio.sleep(AROUND)
    await asyncio.to_thread(postgres.stop)
    try:
        await asyncio.sleep(OUTAGE)
        say(f"\n{len(calls(stage))} calls so far, {RATE} a second; the database is away")
        assert await metric(stage, "tollbar_disk_failing") == 0.0
        with pytest.raises(StoreError) as told:
            await asyncio.to_thread(directory.commit, [NEW], "eve", revision)
        assert "\n" not in str(told.value)
        assert str(told.value).startswith("cannot use PostgreSQL database ")
    finally:
        await asyncio.get_running_loop().run_in_executor(STARTER, postgres.start)
    await asyncio.sleep(AROUND)
    await load.stop()
    assert directory.commit([NEW], "eve", revision) == revision + 1
    database.close()
    counts = await all_there_once(stage, postgres_url)
    say("{} attempts, {} records delivered".format(*counts))
    assert list(phones_left(taped(stage), delivered(postgres_url))) == []
    # No call was refused or failed for want of a database.
    heard = {status for call in calls(stage) for status in call.finals}
    assert heard == {200, 403, 486, 487}
    log = stage.log.read_text()
    assert log.count("records wait on this machine's disk") == 1
    assert log.count("records reach their database again") == 1
    await asyncio.to_thread(stage.stop)


async def test_the_gateway_dies_while_records_are_on_their_way(
    stage: Mortal, postgres_url: str, say: Callable[[str], None]
) -> None:
    """What it delivered and had not deleted goes again, and is there once all the same."""
    await stage.run()
    dice = random.Random(2)
    load = Load(stage, dice, RATE)
    for _ in range(4):
        await asyncio.sleep(dice.uniform(1.0, 3.0))
        stage.kill()
        await stage.run()
    await load.stop()
    counts = await all_there_once(stage, postgres_url)
    say("{} attempts, {} records delivered, 4 times killed".format(*counts))


async def test_it_starts_and_takes_calls_while_the_database_is_away(
    stage: Mortal, postgres: PostgreSQL, postgres_url: str
) -> None:
    await stage.run()  # the directory it starts with later is the last good one
    stage.kill()
    await asyncio.to_thread(postgres.stop)
    try:
        await stage.run()
        call = stage.tcp.place(Plan(CALLER))
        await until(lambda: call.over, "the call is over")
        assert set(call.finals) == {200}
        await until(lambda: "records wait" in stage.log.read_text(), "it is said", 60.0)
    finally:
        await asyncio.get_running_loop().run_in_executor(STARTER, postgres.start)
    await all_there_once(stage, postgres_url)

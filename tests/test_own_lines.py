import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tollbar.outlet import Outlet
from tollbar.own_lines import OwnLines

logger = logging.getLogger("tollbar.test")


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[OwnLines, Path]]:
    """Own lines that go to a file."""
    place = tmp_path / "log"
    with place.open("wb") as file:
        outlet = Outlet(file.fileno())
        lines = OwnLines(outlet)
        logger.addHandler(lines)
        yield lines, place
        logger.removeHandler(lines)
        outlet.close()


def test_a_line_has_the_clock_of_the_calls(written: tuple[OwnLines, Path]) -> None:
    logger.warning("read %s", "again")
    text = written[1].read_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING read again\n", text)


def test_with_json_it_is_json_too(written: tuple[OwnLines, Path]) -> None:
    lines, place = written
    lines.take("json", "info")
    logger.error("it\nfails")
    (line,) = place.read_text().splitlines()
    told = json.loads(line)
    assert list(told) == ["time", "event", "level", "text"]
    assert told["time"].endswith("Z")
    del told["time"]
    assert told == {"event": "gateway", "level": "error", "text": "it\nfails"}


def test_below_the_level_nothing_is_written(written: tuple[OwnLines, Path]) -> None:
    lines, place = written
    lines.take("text", "error")
    logger.warning("no")
    assert place.read_text() == ""


def test_a_reader_that_has_stopped_holds_up_nobody() -> None:
    read, write = os.pipe()
    outlet = Outlet(write)
    lines = OwnLines(outlet)
    logger.addHandler(lines)
    try:
        for number in range(30_000):
            logger.error("line %d", number)
        assert outlet.dropped > 0
    finally:
        logger.removeHandler(lines)
    outlet.close()
    logger.error("after the end")
    lines.emit(logging.makeLogRecord({"msg": "after the end"}))
    os.close(read)
    os.close(write)

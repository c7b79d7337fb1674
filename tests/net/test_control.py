import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tollbar.net import control
from tollbar.net.control import Control, ControlError, ask


def refuse(request: object) -> Any:
    raise ControlError("no such call")


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Path]:
    async def later(word: str) -> str:
        await asyncio.sleep(0)
        if not word:
            raise ControlError("too late")
        return word

    commands = {
        "echo": lambda request: request.get("word"),
        "hangup": refuse,
        "later": lambda request: later(request["word"]),
    }
    server = Control(tmp_path, commands)
    await server.start()
    yield tmp_path
    server.close()


async def asked(directory: Path, **request: Any) -> Any:
    return await asyncio.to_thread(ask, directory, request)


async def test_a_command_is_answered(served: Path) -> None:
    assert await asked(served, command="echo", word="ü\n") == "ü\n"


async def test_a_refusal_is_told_as_such(served: Path) -> None:
    with pytest.raises(ControlError, match="no such call"):
        await asked(served, command="hangup")


async def test_an_answer_may_take_its_time(served: Path) -> None:
    assert await asked(served, command="later", word="done") == "done"
    with pytest.raises(ControlError, match="too late"):
        await asked(served, command="later", word="")


async def test_an_unknown_command_names_the_known_ones(served: Path) -> None:
    with pytest.raises(ControlError, match="echo, hangup"):
        await asked(served, command="reboot")


async def test_only_the_owner_may_open_it(served: Path) -> None:
    mode = (served / control.NAME).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("line", [b"{", b"[1]", b"null", b"\xff\xfe"])
async def test_nonsense_is_answered_and_the_connection_stays(served: Path, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(served / control.NAME))
    for _ in range(2):
        writer.write(line + b"\n")
        assert json.loads(await reader.readline())["ok"] is False
    writer.close()
    await writer.wait_closed()


async def test_a_line_without_end_is_cut_off(served: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(served / control.NAME))
    writer.write(b"x" * (3 * control.LONGEST))
    try:
        got = await reader.read()
    except ConnectionError:
        got = b""
    assert got == b""
    writer.transport.abort()


async def test_connections_are_bounded(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CONNECTIONS", 1)
    first = await asyncio.open_unix_connection(str(served / control.NAME))
    first[1].write(b'{"command": "echo", "word": 1}\n')
    await first[0].readline()
    second = await asyncio.open_unix_connection(str(served / control.NAME))
    assert await second[0].read() == b""
    for _, writer in (first, second):
        writer.close()
        await writer.wait_closed()


async def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / control.NAME))
    server = Control(tmp_path, {"echo": lambda request: 1})
    await server.start()
    assert await asked(tmp_path, command="echo") == 1
    server.close()
    assert not (tmp_path / control.NAME).exists()


async def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / control.NAME).write_text("mine")
    with pytest.raises(OSError, match="in the way"):
        await Control(tmp_path, {}).start()
    assert (tmp_path / control.NAME).read_text() == "mine"


async def test_a_deep_state_directory_serves_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    server = Control(deep, {"echo": lambda request: 1})
    await server.start()
    assert await asked(deep, command="echo") == 1
    server.close()


def test_no_gateway_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no gateway runs"):
        ask(tmp_path, {"command": "status"})


def test_a_gateway_that_does_not_answer_is_not_said_to_be_away(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / control.NAME))
        silent.listen()
        with pytest.raises(ControlError, match="no answer from the gateway"):
            ask(tmp_path, {"command": "status"}, patience=0.05)

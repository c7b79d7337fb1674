"""The control socket: a running gateway answers its own machine's operator.

One JSON object per line in, one per line out, over a Unix socket of mode 0600 in the state
directory. Who may open the file may ask. Whoever holds the state directory's lock owns the
socket's name, so one left over from a crash is simply replaced.
"""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final

NAME: Final = "control.sock"
LONGEST: Final = 65_536  # bytes of a request
CONNECTIONS: Final = 16
PATIENCE: Final = 60.0  # seconds a connection may be silent
LONGEST_PATH: Final = 100  # sun_path holds 108

Ask = Callable[[Mapping[str, Any]], Any]


class ControlError(Exception):
    """The gateway will not or cannot; the text is the operator's answer."""


class Control:
    """Serves commands: a name to a function from the request to the answer, or to something to
    await that gives it."""

    __slots__ = ("commands", "open", "path", "server")

    def __init__(self, directory: Path, commands: Mapping[str, Ask]) -> None:
        self.path = directory / NAME
        self.commands = commands
        self.server: asyncio.Server | None = None
        self.open = 0

    async def start(self) -> None:
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self.path.lstat().st_mode):
                raise OSError("not a socket, and in the way")
            self.path.unlink()
        with reachable(self.path) as name:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            mask = os.umask(0o177)
            try:
                sock.bind(str(name))
            except OSError:
                sock.close()
                raise
            finally:
                os.umask(mask)
        self.path.chmod(0o600)
        sock.setblocking(False)
        self.server = await asyncio.start_unix_server(self.serve, sock=sock, limit=LONGEST)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
            with suppress(FileNotFoundError):
                self.path.unlink()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while self.open <= CONNECTIONS:
                async with asyncio.timeout(PATIENCE):
                    line = await reader.readline()
                if not line:
                    break
                reply = self.answer(line)
                if isawaitable(reply.get("answer")):
                    reply = await self.awaited(reply["answer"])
                writer.write(json.dumps(reply).encode() + b"\n")
                async with asyncio.timeout(PATIENCE):
                    await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # gone, silent, or a line without end
        finally:
            self.open -= 1
            writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            return {"ok": False, "error": "not a JSON object"}
        if not isinstance(request, dict):
            return {"ok": False, "error": "not a JSON object"}
        command = self.commands.get(str(request.get("command")))
        if command is None:
            return {"ok": False, "error": f"unknown command; known: {', '.join(self.commands)}"}
        try:
            return {"ok": True, "answer": command(request)}
        except ControlError as refusal:
            return {"ok": False, "error": str(refusal)}

    @staticmethod
    async def awaited(answer: Awaitable[Any]) -> dict[str, Any]:
        """An answer that takes its time, as long as a connection may be silent."""
        try:
            async with asyncio.timeout(PATIENCE):
                return {"ok": True, "answer": await answer}
        except ControlError as refusal:
            return {"ok": False, "error": str(refusal)}


class reachable:  # noqa: N801 - reads as a phrase in a with statement
    """A name for a path that may be longer than a Unix socket address holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.directory = -1

    def __enter__(self) -> Path:
        if len(os.fsencode(self.path)) < LONGEST_PATH:
            return self.path
        self.directory = os.open(self.path.parent, os.O_PATH | os.O_DIRECTORY)
        return Path(f"/proc/self/fd/{self.directory}") / self.path.name

    def __exit__(self, *_: object) -> None:
        if self.directory >= 0:
            os.close(self.directory)


def ask(directory: Path, request: Mapping[str, Any], patience: float = 10.0) -> Any:
    """The other end, for the command line: ask the gateway of this state directory.

    Raises ControlError with a line for the operator where there is no gateway or it says no.
    ``patience`` is how many seconds it may take.
    """
    path = directory / NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(patience)
        try:
            with reachable(path) as name:
                sock.connect(str(name))
            sock.sendall(json.dumps(request).encode() + b"\n")
            with sock.makefile("rb") as stream:
                line = stream.readline()
        except PermissionError as error:
            raise ControlError(f"{path}: permission denied") from error
        except TimeoutError as error:
            raise ControlError(f"no answer from the gateway in {patience:.0f} s") from error
        except OSError as error:
            raise ControlError(f"no gateway runs with state directory {directory}") from error
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ControlError("the gateway broke off") from error
    if not answer.get("ok"):
        raise ControlError(str(answer.get("error")))
    return answer.get("answer")

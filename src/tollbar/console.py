"""What an operator may ask a running gateway through its control socket.

Each command is a plain function from the request to its answer. Codes are masked here as in
the log, and lists are bounded: an answer must never hold up the signalling.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tollbar import __version__
from tollbar.cdr.record import Record
from tollbar.mask import MASK
from tollbar.net.control import ControlError
from tollbar.trace import Trace

if TYPE_CHECKING:
    from tollbar.server import Server

LIST: Final = 1_000  # calls in one answer

Request = Mapping[str, Any]


class Console:
    """The commands of one server."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.commands: dict[str, Callable[[Request], Any]] = {
            "status": self.status,
            "calls": self.calls,
            "hangup": self.hangup,
            "drain": self.drain,
            "trace": self.trace,
            "reload": self.reload,
        }

    def status(self, _request: Request) -> dict[str, Any]:
        server = self.server
        running = list(server.ledger.running())
        answered = sum(record.answer is not None for record in running)
        return {
            "version": __version__,
            "instance": server.gateway.instance,
            "pid": os.getpid(),
            "ready": server.not_ready() or "yes",
            "up_seconds": round(time.time() - server.began),
            "listeners": [
                f"{entry.transport}:{entry.host}:{entry.port}" for entry in server.gateway.listeners
            ],
            "calls": len(running),
            "answered": answered,
            "transactions": len(server.engine.stack),
            "backlog": server.writer.backlog if server.writer else 0,
            **(server.archive.status() if server.archive else {}),
            "metrics": server.metrics_url,
            "state_directory": str(server.gateway.state_directory),
            "trace": str(server.trace.path) if server.trace else "",
        }

    def calls(self, request: Request) -> list[dict[str, Any]]:
        limit = number(request, "limit", LIST)
        found = self._calls(str(request.get("tenant") or ""))
        return list(islice(found, min(int(limit or LIST), LIST)))

    def _calls(self, tenant: str) -> Iterator[dict[str, Any]]:
        """Those of one tenant, or with "" of all."""
        now = time.time()
        for record in self.server.ledger.running():
            if tenant and record.tenant != tenant:
                continue
            yield {
                "record_id": record.record_id,
                "tenant": record.tenant,
                "state": state(record),
                "seconds": round(max(0.0, now - (record.answer or record.setup) / 1000), 1),
                "direction": record.direction,
                "peer": record.peer,
                "trunk": record.trunk,
                "caller": record.caller,
                "dialled": self.server.mask.number(record.dialled),
                "classification": record.classification,
                "account_code": MASK if record.account_code else "",
            }

    def hangup(self, request: Request) -> str:
        server = self.server
        wanted = str(request.get("call", ""))
        found = [
            record.record_id
            for record in server.ledger.running()
            if wanted and record.record_id.startswith(wanted)
        ]
        if len(found) != 1:
            raise ControlError("no such call" if not found else "more than one call begins so")
        now = server.loop.time()
        done = server.engine.hangup(found[0], "operator", now)
        server.driver.settle(now)
        if not done:
            raise ControlError("the call is ending already")
        return found[0]

    def drain(self, request: Request) -> str:
        seconds = number(request, "seconds", None)
        self.server.drain(seconds)
        return "draining"

    def trace(self, request: Request) -> str:
        server = self.server
        if server.trace is not None:
            server.trace.close()
            path = str(server.trace.path)
            server.trace = server.driver.tap = None
            if not request.get("on"):
                return path
        elif not request.get("on"):
            raise ControlError("no trace is on")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        place = server.gateway.state_directory / f"trace-{stamp}.txt"
        caller = str(request.get("caller", ""))
        try:
            server.trace = Trace(place, server.mask, caller)
        except OSError as error:
            raise ControlError(f"{place}: {error.strerror}") from error
        server.driver.tap = server.trace
        return str(place)

    def reload(self, _request: Request) -> str:
        self.server.asked_to_reload()
        return "reading again; the log says how it went"


def state(record: Record) -> str:
    if record.answer is not None:
        return "answered"
    return "ringing" if record.ringing is not None else "calling"


def number(request: Request, name: str, default: float | None) -> float | None:
    value = request.get(name, default)
    if value is None or (isinstance(value, (int, float)) and value >= 0):
        return value
    raise ControlError(f"{name} must be a number")

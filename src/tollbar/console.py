"""What an operator may ask a running gateway through its control socket.

Each command is a plain function from the request to its answer. Codes are masked here as in
the log, and lists are bounded: an answer must never hold up the signalling.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tollbar import __version__
from tollbar.address import bracketed
from tollbar.b2bua.facts import CHAT
from tollbar.cdr.record import Record
from tollbar.mask import MASK
from tollbar.net.control import ControlError
from tollbar.policy.account import Codes
from tollbar.policy.guess import number_holder
from tollbar.policy.queue import NOT_YOUR_QUEUE, may_assign, why
from tollbar.policy.rights import Effective
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
            "assign": self.assign,
            "locks": self.locks,
            "lift": self.lift,
            "drain": self.drain,
            "trace": self.trace,
            "reload": self.reload,
        }

    def status(self, _request: Request) -> dict[str, Any]:
        server = self.server
        running = list(server.ledger.running())
        chats = sum(record.kind == CHAT for record in running)
        answered = sum(record.answer is not None and record.kind != CHAT for record in running)
        return {
            "version": __version__,
            "instance": server.gateway.instance,
            "pid": os.getpid(),
            "ready": server.not_ready() or "yes",
            "up_seconds": round(time.time() - server.began),
            "listeners": [
                f"{entry.transport}:{bracketed(entry.host)}:{entry.port}"
                for entry in server.gateway.listeners
            ],
            "calls": len(running) - chats,
            "answered": answered,
            "chats": chats,
            "transactions": len(server.engine.stack),
            "backlog": server.writer.backlog if server.writer else 0,
            **(server.archive.status() if server.archive else {}),
            "directory": followed(server.standing.revision, server.watch.error),
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
                "kind": record.kind,
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

    def _named(self, request: Request) -> Record:
        """The call that the request means, by the beginning of its record id."""
        wanted = str(request.get("call", ""))
        found = [
            record
            for record in self.server.ledger.running()
            if wanted and record.record_id.startswith(wanted)
        ]
        if len(found) != 1:
            raise ControlError("no such call" if not found else "more than one call begins so")
        return found[0]

    def hangup(self, request: Request) -> str:
        server = self.server
        record_id = self._named(request).record_id
        now = server.loop.time()
        done = server.engine.hangup(record_id, "operator", now)
        server.driver.settle(now)
        if not done:
            raise ControlError("the call is ending already")
        return record_id

    def assign(self, request: Request) -> Awaitable[str]:
        """Another account code for a call in progress; answered once that is on disk.

        A user's rights decide. What is not accepted changes nothing, and is on record.
        """
        server = self.server
        record = self._named(request)
        code, by = str(request.get("code", "")), str(request.get("by", ""))
        if not server.standing.snapshot.settings.account_codes:
            raise ControlError("account codes are switched off")
        tenant = server.standing.snapshot.tenants.get(record.tenant)
        actor = tenant.users.get(by) if tenant is not None else None
        if tenant is None or actor is None:
            raise ControlError(f"there is no user {by!r}")
        reason = against(record, actor, code, time.time(), tenant.codes)
        known = tenant.codes.by_code.get(code)
        now = server.loop.time()
        number = server.engine.assign(
            record.record_id,
            code,
            known.description if known is not None else "",
            "api",
            by,
            now,
            reason,
        )
        server.driver.settle(now)
        if not number:
            raise ControlError("the call is ending already, or was given too many codes")
        return self._assigned(record.record_id, number, reason)

    async def _assigned(self, record_id: str, number: int, reason: str) -> str:
        if reason:
            raise ControlError(f"not accepted: {why(reason)}")
        try:
            async with asyncio.timeout(self.server.gateway.commit_deadline):
                await self.server.disk.holds(number)
        except TimeoutError:
            raise ControlError("assigned, but records cannot be written right now") from None
        return record_id

    def locks(self, _request: Request) -> list[dict[str, Any]]:
        found = self.server.engine.gate.guesses.locks(time.time())
        enforced = {key for key, _ in self.server.engine.gate.locks(time.time())}
        return [
            {
                "tenant": key[0],
                "holder": key[1],
                "kind": "caller" if key[0] else "peer",
                "missed": guess.missed,
                "until": datetime.fromtimestamp(guess.until, UTC).isoformat(timespec="seconds"),
                "refused": key in enforced,
            }
            for key, guess in islice(found, LIST)
        ]

    def lift(self, request: Request) -> str:
        server = self.server
        holder, tenant = str(request.get("holder", "")), request.get("tenant")
        names = (holder, number_holder(holder))
        found = [
            key
            for key in server.engine.gate.guesses.held
            if key[1] in names and (tenant is None or key[0] == tenant)
        ]
        if len(found) != 1:
            more = "more than one tenant has that caller: say --tenant"
            raise ControlError(more if found else "nothing is held against that caller")
        now = server.loop.time()
        server.engine.gate.lift(found[0], str(request.get("by", "operator")), now)
        server.driver.settle(now)
        return found[0][1]

    def drain(self, request: Request) -> str:
        return self.server.departure.asked(number(request, "seconds", None))

    def trace(self, request: Request) -> str:
        """The file that is written, or that has been."""
        if request.get("on"):
            return self._trace_on(str(request.get("caller", "")))
        return self._trace_off()

    def _trace_on(self, caller: str) -> str:
        server = self.server
        if server.trace is not None:
            self._trace_off()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        place = server.gateway.state_directory / f"trace-{stamp}.txt"
        try:
            server.trace = Trace(place, server.mask, caller)
        except OSError as error:
            raise ControlError(f"{place}: {error.strerror}") from error
        server.driver.tap = server.trace
        return str(place)

    def _trace_off(self) -> str:
        server = self.server
        if server.trace is None:
            raise ControlError("no trace is on")
        path = str(server.trace.path)
        server.trace.close()
        server.trace = server.driver.tap = None
        return path

    async def reload(self, _request: Request) -> str:
        refused = await self.server.reload.run()
        if refused:
            raise ControlError(f"refused, the old configuration stays: {refused}")
        return "configuration and certificates read again"


def against(record: Record, actor: Effective, code: str, utc: float, codes: Codes) -> str:
    """The reason against this user giving this call that code, or "".

    A call is on the queue of its user, and of the workgroup it is made for.
    """
    user = actor.user
    own = user is not None and (
        user.name == record.user or (record.workgroup != "" and record.workgroup in user.workgroups)
    )
    reason = may_assign(actor, own, record.user, code, utc, codes)
    if reason == NOT_YOUR_QUEUE and record.workgroup:
        reason = may_assign(actor, own, record.workgroup, code, utc, codes)
    return reason


def followed(revision: int, error: str) -> str:
    return f"revision {revision}" + (f", {error}" if error else "")


def state(record: Record) -> str:
    if record.kind == CHAT:
        return CHAT
    if record.answer is not None:
        return "answered"
    return "ringing" if record.ringing is not None else "calling"


def number(request: Request, name: str, default: float | None) -> float | None:
    value = request.get(name, default)
    if value is None or (isinstance(value, (int, float)) and value >= 0):
        return value
    raise ControlError(f"{name} must be a number")

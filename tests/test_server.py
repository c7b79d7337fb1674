"""The whole process in one loop: real engine, real sockets on free ports, real disk."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.cdr.story import record

from tollbar import administration
from tollbar.b2bua.engine import Engine
from tollbar.cdr.ledger import Finished
from tollbar.cdr.record import Record
from tollbar.config import load
from tollbar.directory.difference import difference
from tollbar.directory.entry import Entry
from tollbar.gateway import Destination, Gateway, Listener, Peer, Source
from tollbar.net.control import ControlError, ask
from tollbar.server import Server, StartError
from tollbar.store.audit import Audit
from tollbar.store.batch import Batch
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.local import LocalFile
from tollbar.store.records import Records

SAMPLE = Path(__file__).parents[1] / "config" / "gateway.yaml"


class Phone:
    """A UDP peer that sends a message and waits for one."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]

    def send(self, text: str, port: int) -> None:
        self.sock.sendto(text.replace("\n", "\r\n").encode(), ("127.0.0.1", port))

    async def receive(self, start: str, method: str = "") -> str:
        """The next message that starts so, of this method; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                data = await asyncio.get_running_loop().sock_recv(self.sock, 65535)
                text = data.decode()
                if text.startswith(start) and field(text, "CSeq").endswith(method):
                    return text


def field(message: str, name: str) -> str:
    return next(
        line.partition(": ")[2] for line in message.splitlines() if line.startswith(f"{name}: ")
    )


class Running:
    """A server on free ports, between a PBX and a trunk."""

    def __init__(self, directory: Path, templates: tuple[str, ...] = ("*61*CODE#NUMBER",)) -> None:
        self.pbx, self.trunk = Phone(), Phone()
        self.gateway = self.configured(directory)
        self.gateway.account_codes.templates = list(templates)
        self.said: list[str] = []
        standing = administration.start(self.gateway, self.said.append)
        self.said.clear()
        self.errors = (directory / "err").open("ab")
        self.server = Server(
            self.gateway, standing, Engine, say=self.said.append, errors=self.errors.fileno()
        )
        self.task: asyncio.Task[int] | None = None

    def configured(self, directory: Path) -> Gateway:
        gateway = load(SAMPLE)
        gateway.state_directory = directory / "state"
        gateway.listeners = [
            Listener("udp", "udp", "127.0.0.1", 0, "127.0.0.1", 0),
            Listener("tcp", "tcp", "127.0.0.1", 0, "127.0.0.1", 0),
        ]
        here = ip_network("127.0.0.1/32")
        gateway.peers = [
            Peer(
                "pbx",
                "pbx",
                listener="udp",
                sources=[Source(here)],
                to=Destination("udp", "127.0.0.1", self.pbx.port),
                trust_identity=True,
                trust_code=True,
            ),
            Peer(
                "carrier",
                "trunk",
                listener="udp",
                sources=[Source(here, self.trunk.port)],
                to=Destination("udp", "127.0.0.1", self.trunk.port),
                incoming="pbx",
            ),
        ]
        gateway.metrics_port = 0
        return gateway

    async def start(self) -> "Running":
        self.task = asyncio.get_running_loop().create_task(self.server.run())
        while not self.said and not self.task.done():
            await asyncio.sleep(0)
        if self.task.done():
            self.task.result()
        return self

    async def stop(self) -> None:
        if self.task is not None and not self.task.done():
            self.server.left.set()
            await self.task
        self.errors.close()
        self.pbx.sock.close()
        self.trunk.sock.close()

    @property
    def port(self) -> int:
        return self.gateway.listeners[0].port

    async def asked(self, command: str, **request: Any) -> Any:
        request["command"] = command
        return await asyncio.to_thread(ask, self.gateway.state_directory, request)

    def records(self) -> list[Record]:
        store = Records(self.gateway.state_directory)
        try:
            return list(store.find())
        finally:
            store.close()

    def invite(
        self,
        number: str = "3175551234",
        call_id: str = "one",
        sender: str = "<sip:1001@127.0.0.1>",
        more: str = "",
        behind: str = "",
    ) -> None:
        """``more`` are header lines, ``behind`` parameters of the Request-URI."""
        port = self.pbx.port
        self.pbx.send(
            f"INVITE sip:{number}@127.0.0.1:{self.port}{behind} SIP/2.0\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call_id}\n"
            f"From: {sender};tag=a\nTo: <sip:{number}@127.0.0.1{behind}>\n"
            f"Call-ID: {call_id}\nCSeq: 1 INVITE\nContact: <sip:1001@127.0.0.1:{port}>\n"
            f"{more}Max-Forwards: 70\nContent-Length: 0\n\n",
            self.port,
        )

    def answer(self, invite: str, status: str) -> None:
        """The trunk's response to an INVITE or BYE it got."""
        tag = "" if ";tag=" in field(invite, "To") else ";tag=b"
        kept = "\n".join(
            line
            for line in invite.splitlines()
            if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:"))
        )
        self.trunk.send(
            f"SIP/2.0 {status}\n{kept}\nTo: {field(invite, 'To')}{tag}\n"
            f"Contact: <sip:x@127.0.0.1:{self.trunk.port}>\nContent-Length: 0\n\n",
            self.port,
        )

    async def up(self) -> tuple[str, str]:
        """An answered call; the trunk's INVITE and the caller's 200."""
        self.invite()
        invite = await self.trunk.receive("INVITE")
        self.answer(invite, "200 OK")
        ok = await self.pbx.receive("SIP/2.0 200")
        self.in_dialog("ACK", ok, 1)
        return invite, ok

    def in_dialog(self, method: str, ok: str, cseq: int) -> None:
        self.pbx.send(
            f"{method} sip:gw@127.0.0.1:{self.port} SIP/2.0\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.pbx.port};branch=z9hG4bK-{method}\n"
            f"From: {field(ok, 'From')}\nTo: {field(ok, 'To')}\nCall-ID: one\n"
            f"CSeq: {cseq} {method}\nMax-Forwards: 70\nContent-Length: 0\n\n",
            self.port,
        )


Begin = Callable[[], Awaitable[Running]]


@pytest_asyncio.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    begun: list[Running] = []

    async def begin() -> Running:
        begun.append(Running(tmp_path))
        return await begun[-1].start()

    yield begin
    for running in begun:
        await running.stop()


async def test_it_says_where_to_look(begin: Begin) -> None:
    running = await begin()
    text = "\n".join(running.said)
    assert f"udp 127.0.0.1:{running.port}" in text
    assert str(running.gateway.state_directory) in text
    assert "tollbar status" in text


async def test_a_call_goes_through_and_its_record_is_on_disk_before_the_bye_is_answered(
    begin: Begin,
) -> None:
    running = await begin()
    _, ok = await running.up()
    await running.trunk.receive("ACK")
    assert (await running.asked("status"))["answered"] == 1
    running.in_dialog("BYE", ok, 2)
    bye = await running.trunk.receive("BYE")
    await running.pbx.receive("SIP/2.0 200", "BYE")
    (found,) = running.records()
    assert (found.outcome, found.trunk, found.ended_by) == ("answered", "carrier", "caller")
    assert "BYE" in field(bye, "CSeq")


async def test_the_status_writes_listeners_as_gateway_yaml_does(begin: Begin) -> None:
    running = await begin()
    udp, tcp = running.gateway.listeners
    tcp.host = "::1"
    assert (await running.asked("status"))["listeners"] == [
        f"udp:127.0.0.1:{udp.port}",
        f"tcp:[::1]:{tcp.port}",
    ]


@dataclass(slots=True)
class Form:
    """A way to give the code 001235 with a call to 9195551234."""

    source: str
    template: str = "*61*CODE#NUMBER"
    invite: dict[str, str] = field_of(default_factory=dict)


@pytest.mark.parametrize(
    "form",
    [
        Form("header", invite={"more": "X-Account-Code: 001235\n"}),
        Form("header", invite={"more": "x-asterisk-ACCOUNTCODE : 001235\n"}),
        Form("uri_parameter", invite={"behind": ";account-code=001235"}),
        Form("uri_parameter", invite={"number": "9195551234;account-code=001235"}),
        Form("from_parameter", invite={"sender": "<sip:1001@127.0.0.1;account-code=001235>"}),
        Form("from_parameter", invite={"sender": "<sip:1001@127.0.0.1>;account-code=001235"}),
        Form("digits", invite={"number": "*61*001235#9195551234"}),
        Form("digits", invite={"number": "*61*001235%239195551234"}),
        Form("digits", invite={"number": "*6-1*001235%23(919)555-1234"}),
        Form("digits", "CODE**NUMBER", {"number": "001235**9195551234"}),
        Form("digits", "NUMBER**CODE", {"number": "9195551234**001235"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("caller", ["1001", "1004"])
async def test_no_form_of_a_code_reaches_the_trunk_or_the_log(
    tmp_path: Path, form: Form, caller: str
) -> None:
    """Neither that of alice, who may use it, nor that of dave, who may not."""
    running = Running(tmp_path, (form.template,))
    try:
        await running.start()
        given = {"number": "9195551234", **form.invite}
        given["sender"] = given.get("sender", "<sip:1001@127.0.0.1>").replace("1001", caller)
        running.invite(**given)
        if caller == "1001":
            got = await running.trunk.receive("INVITE")
            running.answer(got, "486 Busy")
            got += await running.trunk.receive("ACK")
            assert "9195551234" in got
            assert "001235" not in got
        answer = await running.pbx.receive("SIP/2.0 4" if caller == "1004" else "SIP/2.0 486")
        assert answer.startswith("SIP/2.0 403") == (caller == "1004")
        running.server.tell()
        (record,) = running.records()
        assert record.code_source == form.source
        assert (record.account_code == "001235") == (caller == "1001")
        log = Path(running.errors.name).read_text()
        assert f"call={record.record_id}" in log
        assert "001235" not in log
    finally:
        await running.stop()


async def test_a_refused_call_is_counted_logged_and_recorded(begin: Begin) -> None:
    running = await begin()
    running.invite("9195551234")
    await running.pbx.receive("SIP/2.0 403")
    (found,) = running.records()
    assert (found.outcome, found.reason) == ("refused", "required")
    assert (await running.asked("status"))["calls"] == 0
    running.server.tell()
    labels = next(iter(running.server.metrics.calls))
    assert labels[:2] == ("refused", "required")
    log = Path(running.errors.name).read_text()
    assert "refused" in log
    assert "reason=required" in log


async def test_a_trunk_where_nobody_listens_is_told_by_the_network(begin: Begin) -> None:
    running = await begin()
    running.trunk.sock.close()
    running.invite()
    await running.pbx.receive("SIP/2.0 503")
    (found,) = running.records()
    assert (found.outcome, found.reason) == ("failed", "unreachable")


async def test_an_operator_sees_and_ends_a_call(begin: Begin) -> None:
    running = await begin()
    await running.up()
    (call,) = await running.asked("calls")
    assert (call["state"], call["dialled"], call["trunk"]) == ("answered", "3175551234", "carrier")
    assert await running.asked("hangup", call=call["record_id"][:12]) == call["record_id"]
    await running.trunk.receive("BYE")
    await running.pbx.receive("BYE")


async def test_a_drain_is_in_the_log(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    running = await begin()
    await running.up()
    await running.asked("drain", seconds=3600)
    assert "draining: no new calls; it leaves when the last one has ended, or in 3600 s" in (
        caplog.text
    )


async def test_a_drained_gateway_refuses_and_leaves_when_the_last_call_has_ended(
    begin: Begin,
) -> None:
    running = await begin()
    _, ok = await running.up()
    assert await running.asked("drain") == "draining"
    assert running.server.not_ready() == "draining"
    running.invite(call_id="two")
    assert field(await running.pbx.receive("SIP/2.0 503"), "Retry-After")
    assert running.task is not None
    assert not running.task.done()
    running.in_dialog("BYE", ok, 2)
    running.answer(await running.trunk.receive("BYE"), "200 OK")
    async with asyncio.timeout(10):
        assert await running.task == 0


async def test_a_drained_gateway_repeats_the_last_bye_until_it_is_answered(begin: Begin) -> None:
    """There may be no next start: a BYE that was lost would leave a phone off the hook."""
    running = await begin()
    _, ok = await running.up()
    await running.trunk.receive("ACK")
    await running.asked("drain")
    running.in_dialog("BYE", ok, 2)
    await running.trunk.receive("BYE")
    await running.pbx.receive("SIP/2.0 200", "BYE")
    running.server.departure.look()
    assert not running.server.left.is_set()
    running.answer(await running.trunk.receive("BYE"), "200 OK")
    assert running.task is not None
    async with asyncio.timeout(10):
        assert await running.task == 0


async def test_a_call_that_is_up_outlives_the_process(begin: Begin) -> None:
    running = await begin()
    _, ok = await running.up()
    await running.trunk.receive("ACK")
    os.kill(os.getpid(), signal.SIGTERM)
    assert running.task is not None
    async with asyncio.timeout(10):
        assert await running.task == 0
    assert running.records() == []
    # The same places, so that both phones are still where the call knows them.
    again = running
    again.said.clear()
    standing = administration.start(again.gateway, again.said.append)
    assert again.said == []
    again.server = Server(
        again.gateway, standing, Engine, say=again.said.append, errors=again.errors.fileno()
    )
    await again.start()
    assert again.server.restored == 1
    again.in_dialog("BYE", ok, 2)
    await again.trunk.receive("BYE")
    await again.pbx.receive("SIP/2.0 200", "BYE")
    (found,) = again.records()
    assert found.outcome == "answered"


@pytest.mark.parametrize("how", ["signal", "drain"])
async def test_nobody_is_left_ringing_when_it_leaves(
    begin: Begin, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollbar.departure.SETUPS", 0.2)
    running = await begin()
    running.invite()
    invite = await running.trunk.receive("INVITE")
    running.answer(invite, "180 Ringing")
    await running.pbx.receive("SIP/2.0 180")
    if how == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        await running.asked("drain", seconds=0.2)
    await running.trunk.receive("CANCEL")
    await running.pbx.receive("SIP/2.0 480")
    assert running.task is not None
    async with asyncio.timeout(10):
        assert await running.task == 0
    (record,) = running.records()
    assert (record.outcome, record.reason) == ("failed", "shutdown")


async def test_a_second_signal_leaves_at_once(begin: Begin) -> None:
    running = await begin()
    running.invite()
    await running.trunk.receive("INVITE")
    os.kill(os.getpid(), signal.SIGTERM)
    assert running.task is not None
    while not running.server.departure.draining:
        await asyncio.sleep(0)
    assert not running.task.done()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await running.task == 0


async def test_a_drain_does_not_hold_up_one_that_is_leaving(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for the calls that are up, until its supervisor kills it."""
    monkeypatch.setattr("tollbar.departure.SETUPS", 0.2)
    running = await begin()
    await running.up()
    running.invite(call_id="two")
    await running.trunk.receive("INVITE")
    os.kill(os.getpid(), signal.SIGTERM)
    while not running.server.departure.draining:
        await asyncio.sleep(0)
    assert await running.asked("drain") == "leaving"
    assert running.task is not None
    async with asyncio.timeout(5):
        assert await running.task == 0


async def test_a_second_process_in_the_state_directory_is_told_in_one_line(begin: Begin) -> None:
    await begin()
    with pytest.raises(StartError) as caught:
        await begin()
    assert "\n" not in str(caught.value)


async def test_a_taken_port_is_told_in_one_line(begin: Begin, tmp_path: Path) -> None:
    running = await begin()
    (tmp_path / "two").mkdir()
    other = Running(tmp_path / "two")
    other.gateway.listeners[0].port = running.port
    try:
        with pytest.raises(StartError, match=r"'udp'.*in use"):
            await other.start()
    finally:
        await other.stop()


async def test_records_go_on_to_the_database_of_the_url(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.gateway.database = sqlite_url(tmp_path / "far.sqlite")
    local = LocalFile(running.gateway.state_directory)
    local.commit([Finished(record(1), b"")])
    local.close()
    await running.start()
    try:
        async with asyncio.timeout(10):
            while (await running.asked("status"))["database"] != "well, 1 records delivered":
                await asyncio.sleep(0.05)
        assert (await running.asked("status"))["undelivered"] == 0
    finally:
        await running.stop()
    assert running.records() == []
    far = Database(running.gateway.database)
    with far.reading() as connection:
        found = connection.exec_driver_sql("SELECT record_id FROM record").all()
    far.close()
    assert [tuple(row) for row in found] == [(record(1).record_id,)]


async def test_a_disk_that_does_not_come_back_is_a_failing_one(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = await begin()
    caplog.set_level(logging.WARNING)
    well, write = threading.Event(), LocalFile.write

    def hanging(local: LocalFile, batch: Batch, beat: float | None = None) -> None:
        well.wait()
        write(local, batch, beat)

    monkeypatch.setattr(LocalFile, "write", hanging)
    try:
        running.invite()
        await running.pbx.receive("SIP/2.0 503")
        gauges = {name: read for (name, _), read in running.server.metrics.gauges.items()}
        assert gauges["tollbar_disk_failing"]() == 1
        assert running.server.not_ready() == "records cannot be written"
        await told(caplog, "a commit takes longer than commit_deadline")
    finally:
        well.set()
    await told(caplog, "records are written again")
    assert gauges["tollbar_disk_failing"]() == 0
    running.invite(call_id="two")
    await running.trunk.receive("INVITE")


async def told(caplog: pytest.LogCaptureFixture, words: str) -> None:
    async with asyncio.timeout(10):
        while words not in caplog.text:
            await asyncio.sleep(0.01)


async def test_a_trace_is_written_on_request(begin: Begin) -> None:
    running = await begin()
    place = Path(await running.asked("trace", on=True, caller=""))
    running.invite("*61*4711%239195551234")
    await running.trunk.receive("INVITE")
    assert await running.asked("trace", on=False) == str(place)
    text = place.read_text()
    assert "INVITE sip:" in text
    assert "4711" not in text


async def test_a_reload_takes_the_new_or_keeps_the_old(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await begin()
    standing = running.server.standing
    before = standing.snapshot
    fresh = replace(running.gateway, dial_groups=list(running.gateway.dial_groups))
    monkeypatch.setattr("tollbar.reload.load", lambda path: fresh)
    assert await running.server.reload.run() == ""
    assert standing.snapshot is not before
    kept = standing.snapshot
    fresh = replace(running.gateway, dial_groups=[])
    assert await running.server.reload.run() == (
        f"{fresh.path}: does not fit the directory (tollbar check tells why)"
    )
    assert standing.snapshot is kept
    assert running.server.engine.setting_up() == 0


async def test_a_trace_masks_what_a_reload_calls_a_code(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await begin()
    place = Path(await running.asked("trace", on=True, caller=""))
    codes = replace(running.gateway.account_codes, headers=["X-Matter"])
    fresh = replace(running.gateway, account_codes=codes)
    monkeypatch.setattr("tollbar.reload.load", lambda path: fresh)
    assert await running.asked("reload")
    running.invite(more="X-Matter: 4711\n")
    await running.trunk.receive("INVITE")
    await running.asked("trace", on=False)
    assert "X-Matter: " in place.read_text()
    assert "4711" not in place.read_text()


async def test_who_asks_for_a_reload_is_told_how_it_went(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await begin()
    fresh = replace(running.gateway, dial_groups=list(running.gateway.dial_groups))
    monkeypatch.setattr("tollbar.reload.load", lambda path: fresh)
    assert await running.asked("reload") == "configuration and certificates read again"
    assert running.server.gateway is fresh
    kept, fresh = fresh, replace(fresh, instance="other")
    with pytest.raises(ControlError, match=r"refused, .*: instance changed: that takes a restart"):
        await running.asked("reload")
    assert running.server.gateway is kept


async def test_a_signal_before_a_reload_begins_is_meant_by_it(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await begin()
    read = 0

    def load(path: Path) -> Gateway:
        nonlocal read
        read += 1
        return replace(running.gateway)

    monkeypatch.setattr("tollbar.reload.load", load)
    for _ in range(5):
        running.server.reload.signalled()
    assert await running.server.reload.run() == ""
    assert read == 2


async def test_a_reload_takes_how_the_log_is_written(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = await begin()
    fresh = replace(running.gateway, log_format="json", log_level="debug")
    monkeypatch.setattr("tollbar.reload.load", lambda path: fresh)
    assert await running.server.reload.run() == ""
    running.invite()
    await running.trunk.receive("INVITE")
    running.server.tell()
    events = [json.loads(line)["event"] for line in (tmp_path / "err").read_text().splitlines()]
    assert events == ["attempted", "tried"]
    assert running.server.own_lines.level == logging.DEBUG


async def test_a_code_is_assigned_to_a_call_by_the_rights_of_a_user(begin: Begin) -> None:
    running = await begin()
    _, ok = await running.up()
    (call,) = await running.asked("calls")
    record_id = call["record_id"]
    with pytest.raises(ControlError, match="no user 'nobody'"):
        await running.asked("assign", call=record_id, code="4711", by="nobody")
    with pytest.raises(ControlError, match="there is no such account code"):
        await running.asked("assign", call=record_id, code="9999", by="alice")
    with pytest.raises(ControlError, match="modify queue"):
        await running.asked("assign", call=record_id, code="4711", by="bob")
    assert await running.asked("assign", call=record_id[:20], code="001235", by="alice")
    local = running.server.local
    assert local is not None
    running.in_dialog("BYE", ok, 2)
    await running.pbx.receive("SIP/2.0 200", "BYE")
    (record,) = running.records()
    assert (record.account_code, record.in_report, record.code_source) == ("001235", True, "api")
    tries = [(c["by"], c["to"], c.get("refused")) for c in json.loads(record.code_changes)]
    assert tries == [
        ("alice", "9999", "unknown"),
        ("bob", "4711", "not_your_queue"),
        ("alice", "001235", None),
    ]
    await running.stop()
    audit = Audit(Database(sqlite_url(running.gateway.state_directory / DIRECTORY_FILE)))
    lines = [(line.action, line.who, line.key, line.after) for line in audit.lines(kind="call")]
    audit.database.close()
    assert lines[::-1] == [
        ("refuse", "alice", record_id, "9999"),
        ("refuse", "bob", record_id, "4711"),
        ("assign", "alice", record_id, "001235"),
    ]
    running.server.tell()
    assert "001235" not in Path(running.errors.name).read_text()


async def test_locks_are_listed_lifted_and_audited(begin: Begin) -> None:
    running = await begin()
    gate = running.server.engine.gate
    rules = running.server.standing.snapshot.settings.guessing
    now = time.time()
    for _ in range(rules.tries):
        gate.guesses.count(("default", "number:3175550100"), "pbx", rules, now)
    (lock,) = await running.asked("locks")
    assert (lock["tenant"], lock["holder"], lock["missed"]) == (
        "default",
        "number:3175550100",
        rules.tries,
    )
    with pytest.raises(ControlError, match="nothing is held"):
        await running.asked("lift", holder="alice")
    lifted = await running.asked("lift", holder="3175550100", by="root")
    assert lifted == "number:3175550100"
    assert await running.asked("locks") == []
    await running.stop()
    audit = Audit(Database(sqlite_url(running.gateway.state_directory / DIRECTORY_FILE)))
    (line,) = audit.lines(action="lift")
    audit.database.close()
    assert (line.action, line.who, line.tenant, line.key) == ("lift", "root", "default", lifted)


async def test_a_chat_is_among_the_calls_and_no_call(begin: Begin) -> None:
    running = await begin()
    port = running.pbx.port
    running.pbx.send(
        f"MESSAGE sip:3175551234@127.0.0.1:{running.port} SIP/2.0\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-chat\n"
        "From: <sip:1001@127.0.0.1>;tag=a\nTo: <sip:3175551234@127.0.0.1>\n"
        "Call-ID: chat\nCSeq: 1 MESSAGE\nMax-Forwards: 70\nX-Account-Code: 001235\n"
        "Content-Type: text/plain\nContent-Length: 5\n\nhello",
        running.port,
    )
    message = await running.trunk.receive("MESSAGE")
    assert "001235" not in message
    assert message.endswith("hello")
    running.answer(message, "200 OK")
    await running.pbx.receive("SIP/2.0 200", "MESSAGE")
    (chat,) = await running.asked("calls")
    assert (chat["kind"], chat["state"], chat["trunk"]) == ("chat", "chat", "carrier")
    status = await running.asked("status")
    assert (status["calls"], status["answered"], status["chats"]) == (0, 0, 1)
    await running.asked("hangup", call=chat["record_id"])
    await running.stop()
    (record,) = running.records()
    assert (record.kind, record.outcome, record.account_code) == ("chat", "answered", "001235")
    assert record.in_report


def without_codes(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.key not in ("1234", "001235")]


async def test_a_change_of_the_directory_comes_into_force_by_itself(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    running = await begin()
    running.invite("*61*1234%239195551234")
    await running.trunk.receive("INVITE")
    with administration.Administration(running.gateway, "ann") as opened:
        outcome = await asyncio.to_thread(opened.change, without_codes)
    assert len(outcome.changes) == 2
    async with asyncio.timeout(10):
        while f"revision {outcome.revision} is in force" not in caplog.text:
            await asyncio.sleep(0.01)
    running.invite("*61*1234%239195551234", "two")
    assert "403" in await running.pbx.receive("SIP/2.0 403")
    status = await running.asked("status")
    assert status["directory"] == f"revision {outcome.revision}"


async def test_what_does_not_fit_gateway_yaml_leaves_the_old_directory_in_force(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    running = await begin()
    before = running.server.standing.snapshot
    with administration.Administration(running.gateway, "ann") as opened:
        held = opened.store.load()
        broken = [
            replace(entry, body=entry.body.replace("carriers", "carriages"))
            for entry in held.entries
        ]
        changes = difference(held.entries, broken)
        assert changes
        opened.store.commit(changes, "by hand", held.revision)
    async with asyncio.timeout(10):
        while "cannot be used" not in caplog.text:
            await asyncio.sleep(0.01)
    assert running.server.standing.snapshot is before
    with administration.Administration(running.gateway, "ann") as opened:
        mended = opened.apply(running.gateway.directory)
    async with asyncio.timeout(10):
        while f"revision {mended.revision} is in force" not in caplog.text:
            await asyncio.sleep(0.01)
    assert running.server.standing.snapshot is not before

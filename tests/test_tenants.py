"""Two tenants with the same codes and extensions on one gateway: neither knows of the other.

Each has a PBX; a trunk is shared. Real processes, real sockets, calls of both at once.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, Self

import pytest_asyncio
from tests.crash.gateway import Mortal
from tests.crash.lines import Datagrams, until
from tests.crash.phones import CALLEE, CALLER, Callee, Caller, Outgoing, Plan, unfinished

from play import TOLLBAR, free_port

TENANTS: Final = ("red", "blue")
OUT: Final = "3175551234"
GUESSES: Final = 4  # one more and the caller would be locked

GATEWAY: Final = """
listeners:
  udp: {{bind: "udp:127.0.0.1:{gateway}"}}
peers:
  red:
    role: pbx
    tenant: red
    from: udp:127.0.0.1:{red_calls}
    to: udp:127.0.0.1:{red}
    trust: {{identity: true, account_code: true}}
  blue:
    role: pbx
    tenant: blue
    from: udp:127.0.0.1:{blue_calls}
    to: udp:127.0.0.1:{blue}
    trust: {{identity: true, account_code: true}}
  carrier:
    role: trunk
    tenant: red
    from: udp:127.0.0.1:{carrier_calls}
    to: udp:127.0.0.1:{carrier}
    incoming_numbers: {{31755510XX: red, 31755520XX: blue}}
dial_groups:
  carriers: [carrier]
  red: [red]
  blue: [blue]
account_codes:
  templates: ["*61*CODE#NUMBER"]
metrics: {{bind: "127.0.0.1:{metrics}"}}
state_directory: ../var
"""

DIRECTORY: Final = """
tenants:
  red:
    codes:
      "4711": {description: Red matter}
      "100": {description: Only red}
    users:
      alice: {extensions: ["1001"], numbers: ["3175551001"], access: "*"}
      anna: {extensions: ["1077"]}
    dial_plan:
      - description: Emergency
        pattern: ["911"]
        classification: emergency
        dial_groups: [carriers]
      - description: Out
        pattern: [317555XXXX]
        classification: local
        account_code_verification: true
        dial_groups: [carriers]
      - {description: Colleagues, pattern: [10XX], classification: intercom, dial_groups: [red]}
  blue:
    codes:
      "4711": {description: Blue matter}
      "200": {description: Only blue}
    users:
      bob: {extensions: ["1001"], numbers: ["3175552001"], access: "*"}
      bert: {extensions: ["2002"]}
    dial_plan:
      - description: Emergency
        pattern: ["911"]
        classification: emergency
        dial_groups: [carriers]
      - description: Out
        pattern: [317555XXXX]
        classification: local
        account_code_verification: true
        dial_groups: [carriers]
      - description: Colleagues
        pattern: [10XX, 20XX]
        classification: intercom
        dial_groups: [blue]
"""


class Shared(Mortal):
    """A gateway between two PBXs and the trunk they share. Each places calls from one port and
    is called on another."""

    async def open(self) -> Self:
        names = ("red_calls", "red", "blue_calls", "blue", "carrier_calls", "carrier")
        ports = {name: free_port() for name in names}
        self.config.write_text(GATEWAY.format(gateway=self.port, metrics=self.ports[9464], **ports))
        (self.config.parent / "directory.yaml").write_text(DIRECTORY)
        self.callers: dict[str, Caller] = {}
        self.callees: dict[str, Callee] = {}
        for name in ("red", "blue", "carrier"):
            line = await Datagrams(ports[f"{name}_calls"], self.port).open()
            self.callers[name] = Caller(line, self.port)
            self.callees[name] = Callee(await Datagrams(ports[name], self.port).open())
        return self

    async def close(self) -> None:
        if self.gateway is not None and self.gateway.poll() is None:
            self.kill()
        for caller in self.callers.values():
            await caller.line.close()
        for callee in self.callees.values():
            await callee.line.close()

    def place(self, who: str, dialled: str, ending: str = CALLER) -> Outgoing:
        plan = Plan(ending, ring=0.05, talk=0.2, dialled=dialled)
        return self.callers[who].place(plan)

    def rang(self, call: Outgoing) -> list[str]:
        """Where a call came out."""
        return [name for name, callee in self.callees.items() if callee.of(call)]

    async def said(self, *arguments: str) -> list[dict[str, Any]]:
        command = [str(TOLLBAR), *arguments, "--json", "--config", str(self.config)]
        done = await asyncio.to_thread(
            subprocess.run, command, check=False, capture_output=True, text=True, timeout=60
        )
        assert done.stderr == ""
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest_asyncio.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    stage = await Shared(tmp_path).open()
    try:
        await stage.run()
        yield stage
    finally:
        await stage.close()


async def test_neither_is_seen_reported_or_reached_by_the_other(shared: Shared) -> None:
    rounds = 10
    calls: dict[tuple[str, str], list[Outgoing]] = {}
    for number in range(rounds):
        for name in TENANTS:
            for kind, who, dialled, ending in (
                ("out", name, f"*61*4711%23{OUT}", CALLER),
                ("their code", name, f"*61*{'200' if name == 'red' else '100'}%23{OUT}", CALLER),
                ("intercom", name, "1001", CALLEE),
                ("2002", name, "2002", CALLER),
            ):
                if kind != "their code" or number < GUESSES:
                    calls.setdefault((kind, name), []).append(shared.place(who, dialled, ending))
        await asyncio.sleep(0.02)
    phones: list[dict[str, Any]] = [caller.calls for caller in shared.callers.values()]
    phones += [callee.calls for callee in shared.callees.values()]
    await until(lambda: not unfinished(*phones), "every call is over")

    def heard(kind: str, name: str) -> set[int]:
        return {status for call in calls[kind, name] for status in call.finals}

    def places(kind: str, name: str) -> set[str]:
        return {place for call in calls[kind, name] for place in shared.rang(call)}

    for name in TENANTS:
        assert (heard("out", name), places("out", name)) == ({200}, {"carrier"})
        assert (heard("intercom", name), places("intercom", name)) == ({200}, {name})
        assert (heard("their code", name), places("their code", name)) == ({403}, set())
    # An extension only the other has.
    assert (heard("2002", "red"), places("2002", "red")) == ({404}, set())
    assert (heard("2002", "blue"), places("2002", "blue")) == ({200}, {"blue"})

    seen: set[str] = set()
    for name, user, matter in (("red", "alice", "Red matter"), ("blue", "bob", "Blue matter")):
        records = await shared.said("cdr", "--all", "--tenant", name)
        own = {c.call_id for (_, whose), many in calls.items() if whose == name for c in many}
        assert {record["a_call_id"] for record in records} == own
        assert {record["tenant"] for record in records} == {name}
        assert {record["user"] for record in records} <= {user, "bert", ""}
        seen |= {record["record_id"] for record in records}
        coded = [record for record in records if record["in_report"]]
        assert len(coded) == rounds
        assert {r["account_code_description"] for r in coded} == {matter}
        detail = await shared.said("report", "detail", "--tenant", name)
        assert len(detail) == rounds
        assert {user} == {line["user"] for line in detail}
        total = [line for line in await shared.said("report", "--tenant", name) if line["level"]]
        assert {line["attempts"] for line in total} == {rounds}
    assert len(seen) == 2 * (3 * rounds + GUESSES)
    assert len(await shared.said("cdr", "--all")) == len(seen)


async def test_an_incoming_call_on_a_shared_trunk_is_that_of_the_pbx_it_goes_to(
    shared: Shared,
) -> None:
    for name, user, number in (("red", "alice", "3175551001"), ("blue", "bob", "3175552001")):
        call = shared.place("carrier", number)
        await until(lambda: not unfinished(shared.callers["carrier"].calls), "it is over")
        assert (set(call.finals), shared.rang(call)) == ({200}, [name])
        records = await shared.said("cdr", "--tenant", name)
        assert [record["user"] for record in records] == [user]


async def test_who_guesses_codes_locks_nobody_of_the_other(shared: Shared) -> None:
    for _ in range(GUESSES + 1):
        call = shared.place("red", f"*61*200%23{OUT}")
        await until(lambda: not unfinished(shared.callers["red"].calls), "it is refused")
        assert set(call.finals) == {403}
    good = [shared.place(name, f"*61*4711%23{OUT}") for name in TENANTS]
    await until(lambda: not unfinished(*(c.calls for c in shared.callers.values())), "both ended")
    assert [set(call.finals) for call in good] == [{403}, {200}]
    (locked,) = await shared.said("locks")
    assert locked["tenant"] == "red"
    assert await shared.said("locks", "--tenant", "blue") == []


async def test_calls_in_progress_are_listed_by_tenant(shared: Shared) -> None:
    for name in TENANTS:
        shared.callers[name].place(Plan(CALLER, talk=1000.0, dialled=f"*61*4711%23{OUT}"))
    await until(
        lambda: all(
            caller.calls and next(iter(caller.calls.values())).answered
            for name, caller in shared.callers.items()
            if name in TENANTS
        ),
        "both calls are up",
    )
    assert {call["tenant"] for call in await shared.said("calls")} == set(TENANTS)
    for name in TENANTS:
        (call,) = await shared.said("calls", "--tenant", name)
        assert (call["tenant"], call["peer"]) == (name, name)


async def test_simulate_decides_by_the_tenant_of_the_peer(shared: Shared) -> None:
    for name, user in (("red", "alice"), ("blue", "bob")):
        asked = ("simulate", "--from", "1001", "--to", OUT, "--peer", name, "--code")
        (known,) = await shared.said(*asked, "4711")
        assert (known["tenant"], known["user"]) == (name, user)
        (theirs,) = await shared.said(*asked, "200" if name == "red" else "100")
        assert theirs["reason"] == "unknown"

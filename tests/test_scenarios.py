"""Every scenario of sipp-scenarios/README.md, by its own command line, against the gateway."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.interop.wire import Wire

from play import SCENARIOS, Scenario, Stage, scenarios

CODE = "001235"  # what the code-in scenarios give


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"))
    stage.start()
    yield stage
    stage.stop()


@pytest.fixture(scope="module", autouse=True)
def wire(stage: Stage) -> Iterator[Wire]:
    """All that goes to and from the gateway while these tests run."""
    wire = Wire(stage.directory / "wire.pcapng", [stage.ports[5060]])
    yield wire
    wire.stop()


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_it_goes_as_the_table_says(stage: Stage, scenario: Scenario) -> None:
    assert stage.play(scenario).wrong == []


@pytest.mark.parametrize(
    "scenario",
    [s for s in scenarios() if s.name in ("basic-call", "cancelled-call", "hold-by-callee")],
    ids=lambda scenario: scenario.name,
)
def test_it_goes_the_same_way_for_a_caller_over_tcp(stage: Stage, scenario: Scenario) -> None:
    over_tcp = replace(scenario, caller=["sipp", "-t", "t1", *scenario.caller[1:]])
    assert stage.play(over_tcp).wrong == []
    assert "SIP/2.0/TCP" in (stage.directory / scenario.name / "caller.log").read_text()


@pytest.mark.parametrize("caller", ["1002", "1003"])
@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in scenarios() if scenario.name.startswith("emergency-")],
    ids=lambda scenario: scenario.name,
)
def test_rows_3_and_9_on_911_are_placed(stage: Stage, scenario: Scenario, caller: str) -> None:
    """A bad code, without the right (bob) and with it (carol)."""
    *words, gateway = scenario.caller
    called = replace(scenario, caller=[*words, "-set", "caller", caller, gateway])
    assert stage.play(called).wrong == []
    assert f"<sip:{caller}@" in (stage.directory / scenario.name / "caller.log").read_text()


def over_ipv6(words: list[str]) -> list[str]:
    """A command line of the table with IPv6 addresses in it."""
    return [word.replace("127.0.0.1:", "[::1]:").replace("127.0.0.1", "::1") for word in words]


@pytest.fixture(scope="module")
def ipv6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("ipv6"))
    text = stage.config.read_text()
    stage.config.write_text(re.sub(r"\b(udp|tcp):127\.0\.0\.1:(\d+)", r'"\1:[::1]:\2"', text))
    stage.start()
    yield stage
    stage.stop()


@pytest.mark.parametrize("transport", ["u1", "t1"])
@pytest.mark.parametrize(
    "scenario",
    [
        scenario
        for scenario in scenarios()
        if scenario.name
        in ("basic-call", "cancelled-call", "hold-by-callee", "code-in-digits", "trunk-to-pbx")
    ],
    ids=lambda scenario: scenario.name,
)
def test_it_goes_the_same_way_over_ipv6(ipv6: Stage, scenario: Scenario, transport: str) -> None:
    if scenario.name == "trunk-to-pbx" and transport == "t1":
        # Over TCP a trunk calls from any port, and on this machine that is the PBX.
        transport = "u1"
    caller = over_ipv6(scenario.caller)
    caller[1:1] = ["-t", transport]
    assert ipv6.play(replace(scenario, far=over_ipv6(scenario.far), caller=caller)).wrong == []
    heard = (ipv6.directory / scenario.name / "caller.log").read_text()
    assert f"SIP/2.0/{'TCP' if transport == 't1' else 'UDP'} [::1]" in heard
    assert "127.0.0.1" not in heard


@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in scenarios() if scenario.name.startswith("code-in-")],
    ids=lambda scenario: scenario.name,
)
def test_the_code_is_nowhere_in_what_the_trunk_got_nor_in_the_log(
    stage: Stage, scenario: Scenario
) -> None:
    before = stage.log.stat().st_size
    assert stage.play(scenario).wrong == []
    got = (stage.directory / scenario.name / "far.log").read_text()
    assert "INVITE sip:" in got
    assert CODE not in got
    assert CODE not in stage.log.read_bytes()[before:].decode()


def test_every_file_is_in_the_table() -> None:
    played = {Path(word).name for s in scenarios() for word in (*s.far, *s.caller)}
    assert {path.name for path in SCENARIOS.glob("*.xml")} - played == set()


def test_the_twelve_rows_are_there_in_order() -> None:
    rows = [scenario.name[:6] for scenario in scenarios() if scenario.name.startswith("row-")]
    assert rows == [f"row-{row:02}" for row in range(1, 13)]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.xml")), ids=lambda path: path.stem)
def test_the_file_says_how_it_is_run(path: Path) -> None:
    if not path.stem.endswith(".callee"):
        assert f"sipp -sf sipp-scenarios/{path.name} " in path.read_text()


def test_stock_sipp_calls_through(stage: Stage) -> None:
    far = stage.sipp(["sipp", "-sn", "uas", "-p", "5070", "-m", "1"], stage.directory / "uas.log")
    caller = stage.sipp(
        ["sipp", "-sn", "uac", "-m", "1", "-s", "3175551234", "127.0.0.1:5060"],
        stage.directory / "uac.log",
    )
    try:
        assert (caller.wait(45), far.wait(45)) == (0, 0)
    finally:
        for process in (caller, far):
            if process.poll() is None:
                process.kill()
    assert [record["outcome"] for record in stage.records()] == ["answered"]


def test_every_file_loads(tmp_path: Path) -> None:
    """SIPp reads a file before it does anything; one that it cannot read ends it at once."""
    for path in sorted(SCENARIOS.glob("*.xml")):
        done = subprocess.run(
            ["sipp", "-sf", path, "-nostdin", "-m", "0", "-timeout", "1", "127.0.0.1:9"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
        assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_tshark_finds_nothing_malformed_in_any_call_of_these_tests(
    stage: Stage, wire: Wire
) -> None:
    (call,) = (scenario for scenario in scenarios() if scenario.name == "basic-call")
    assert stage.play(call).wrong == []
    wire.stop()
    if not wire.heard:
        pytest.skip("nobody may listen on this machine")
    assert wire.count("sip.Method == INVITE") >= 2
    assert wire.faults() == []

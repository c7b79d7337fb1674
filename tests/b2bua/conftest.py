"""The decision of these tests is ``wire.decide``; how much was tried is printed at the end."""

import pytest
from tests.b2bua import hostile, ladder
from tests.b2bua.wire import decide


@pytest.fixture(autouse=True)
def _plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollbar.b2bua.gate.decide", decide)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ladder.climbed:
        terminalreporter.write_line(f"{ladder.climbed} ladders climbed")
    for line in hostile.shot:
        terminalreporter.write_line(line)

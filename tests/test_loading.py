"""The sample files as callers meet them, and a broken plan told with its line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tollbar.config import load
from tollbar.directory.reading import read_directory
from tollbar.document import Rejected
from tollbar.finding import Finding
from tollbar.loading import compile_for, load_snapshot
from tollbar.policy.attempt import FORWARD, REJECT, Attempt, Decision, Route, Situation
from tollbar.policy.decision import decide
from tollbar.policy.snapshot import Snapshot

SAMPLE = Path(__file__).parent.parent / "config" / "gateway.yaml"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
FIFTY = "12345678901234567890123456789012345678901234567890"

ALICE, BOB, CAROL, DAVE = "1001", "1002", "1003", "1004"


@pytest.fixture(scope="module")
def sample() -> tuple[Snapshot, list[Finding]]:
    return load_snapshot(load(SAMPLE, {}))


def call(
    sample: tuple[Snapshot, list[Finding]],
    dialled: str,
    *codes: str,
    caller: str = ALICE,
    peer: str = "pbx",
) -> Decision:
    attempt = Attempt(
        peer, dialled, from_user=caller, codes=tuple(("header", code) for code in codes)
    )
    return decide(sample[0], attempt, Situation(NOON))


def spellings(number: str) -> list[str]:
    area, exchange, line = number[:3], number[3:6], number[6:]
    return [
        *(f"{nine}{head}{number}" for nine in ("", "9") for head in ("", "1", "+1")),
        f"({area}) {exchange}-{line}",
        f"9 1 {area}.{exchange}.{line}",
        f"tel:+1-{area}-{exchange}-{line}",
        f"sip:{number}@127.0.0.1",
        f"sip:%2B1{number}@127.0.0.1:5060",
    ]


def test_the_sample_compiles_without_a_word(sample: tuple[Snapshot, list[Finding]]) -> None:
    assert sample[1] == []


ROWS = [
    # caller, code, row on an object that does not ask, row on one that asks
    (DAVE, None, 5, 6),
    (DAVE, "4711", 3, 4),
    (BOB, None, 5, 6),
    (BOB, "4711", 1, 2),
    (BOB, "0815", 1, 2),
    (BOB, "1234", 3, 4),
    (CAROL, None, 12, 11),
    (CAROL, "4711", 9, 10),
    (ALICE, None, 12, 11),
    (ALICE, "0214", 7, 8),
    (ALICE, FIFTY, 7, 8),
    (ALICE, "214", 9, 10),
    (ALICE, "99", 9, 10),
    (ALICE, "2020", 9, 10),
]
PLACED = {1, 2, 5, 7, 8, 12}


@pytest.mark.parametrize(("caller", "code", "plain", "asking"), ROWS)
@pytest.mark.parametrize("number", ["3175551234", "9195551234"])
def test_every_spelling_gives_one_verdict(
    sample: tuple[Snapshot, list[Finding]],
    caller: str,
    code: str | None,
    plain: int,
    asking: int,
    number: str,
) -> None:
    row = plain if number.startswith("317") else asking
    for dialled in spellings(number):
        decision = call(sample, dialled, *([] if code is None else [code]), caller=caller)
        assert decision.matrix_row == row, dialled
        assert decision.standardized == f"+1{number}", dialled
        if row in PLACED:
            assert decision.action == FORWARD, dialled
            assert decision.routes == [Route("carrier", f"1{number}", "carriers")], dialled
            assert decision.account_code == (code or ""), dialled
            assert decision.in_report == (code is not None), dialled
        else:
            assert (decision.action, decision.status) == (REJECT, 403), dialled
            assert not decision.routes, dialled


@pytest.mark.parametrize(("caller", "code", "row"), [(BOB, "4711", 2), (BOB, "213", 4)])
def test_a_dialled_code_counts_like_any_other(
    sample: tuple[Snapshot, list[Finding]], caller: str, code: str, row: int
) -> None:
    for dialled in spellings("9195551234")[:6]:
        decision = call(sample, f"*61*{code}#{dialled}", caller=caller)
        assert decision.matrix_row == row
        assert decision.standardized == "+19195551234"


@pytest.mark.parametrize(
    ("dialled", "classification", "standardized", "dial_string"),
    [
        ("911", "emergency", "911", "911"),
        ("9911", "emergency", "911", "911"),
        ("8005551234", "toll_free", "+18005551234", "18005551234"),
        ("9+18885551234", "toll_free", "+18885551234", "18885551234"),
        ("011442079460000", "international", "+442079460000", "011442079460000"),
        ("+442079460000", "international", "+442079460000", "011442079460000"),
        ("9011442079460000", "international", "+442079460000", "011442079460000"),
    ],
)
def test_numbers_go_where_the_plan_says(
    sample: tuple[Snapshot, list[Finding]],
    dialled: str,
    classification: str,
    standardized: str,
    dial_string: str,
) -> None:
    decision = call(sample, dialled, "4711")
    assert decision.action == FORWARD
    assert (decision.classification, decision.standardized) == (classification, standardized)
    assert decision.routes == [Route("carrier", dial_string, "carriers")]


def test_emergency_is_placed_whatever_code_came(sample: tuple[Snapshot, list[Finding]]) -> None:
    for dialled in ("911", "9911", "urn:service:sos", "urn:service:sos.fire"):
        for caller in (ALICE, CAROL, DAVE, "5550000"):
            decision = call(sample, dialled, "31337", caller=caller)
            assert (decision.action, decision.emergency) == (FORWARD, True)
            assert [route.dial_string for route in decision.routes] == ["911"]
            assert not decision.in_report


@pytest.mark.parametrize("dialled", ["9005551234", "+19005551234", "9+19005551234", "919005551234"])
def test_pay_per_call_is_blocked_in_every_spelling(
    sample: tuple[Snapshot, list[Finding]], dialled: str
) -> None:
    decision = call(sample, dialled, "4711")
    assert (decision.action, decision.reason) == (REJECT, "blocked")


@pytest.mark.parametrize(
    ("dialled", "status"),
    [("01113175551234", 404), ("+10115551234", 404), ("317555", 484), ("2125551", 484)],
)
def test_what_the_plan_does_not_know_is_refused(
    sample: tuple[Snapshot, list[Finding]], dialled: str, status: int
) -> None:
    decision = call(sample, dialled)
    assert (decision.action, decision.status) == (REJECT, status)


def test_colleagues_are_reached_through_the_pbx(sample: tuple[Snapshot, list[Finding]]) -> None:
    decision = call(sample, "1002", caller=DAVE)
    assert (decision.action, decision.classification) == (FORWARD, "intercom")
    assert decision.routes == [Route("pbx", "1002", "pbx")]


def test_a_call_from_the_carrier_goes_to_the_pbx(sample: tuple[Snapshot, list[Finding]]) -> None:
    decision = call(sample, "3175550101", caller="2125550000", peer="carrier")
    assert decision.action == FORWARD
    assert [route.peer for route in decision.routes] == ["pbx"]
    assert decision.user == "alice"


def files(tmp_path: Path, directory: str, more: str = "") -> Path:
    (tmp_path / "directory.yaml").write_text(directory, encoding="utf-8")
    gateway = tmp_path / "gateway.yaml"
    gateway.write_text(SAMPLE.read_text(encoding="utf-8") + more, encoding="utf-8")
    return gateway


def refuses(gateway: Path) -> list[str]:
    with pytest.raises(Rejected) as caught:
        load_snapshot(load(gateway, {}))
    return str(caught.value).split("\n")


def test_a_code_asked_for_on_911_is_refused_by_name(tmp_path: Path) -> None:
    text = (SAMPLE.parent / "directory.yaml").read_text(encoding="utf-8")
    asking = text.replace(
        "    classification: emergency\n",
        "    classification: emergency\n    account_code_verification: true\n",
    )
    line = text.split("\n").index('    pattern: ["911", "9911"]') + 1
    told = refuses(files(tmp_path, asking))
    assert [one.split(": ")[0] for one in told] == [
        f"{tmp_path}/directory.yaml:{line}:15",
        f"{tmp_path}/directory.yaml:{line}:22",
    ]
    assert "911" in told[0]


def test_a_second_freer_spelling_is_refused_with_its_line(tmp_path: Path) -> None:
    directory = """\
dial_plan:
  - {pattern: "911", classification: emergency, dial_groups: [carriers]}
  - pattern: NXXNXXXXXX
    standardized: +1NXXNXXXXXX
    classification: long_distance
    account_code_verification: true
    dial_groups: [carriers]
  - pattern: 9NXXNXXXXXX
    standardized: +1NXXNXXXXXX
    classification: long_distance
    dial_groups: [carriers]
"""
    (told,) = refuses(files(tmp_path, directory))
    assert told.startswith(f"{tmp_path}/directory.yaml:8:14: ")
    assert "9NXXNXXXXXX" in told
    assert ": NXXNXXXXXX" in told


def test_a_plan_without_emergency_is_warned_of(tmp_path: Path) -> None:
    gateway = files(tmp_path, "dial_plan:\n  - {pattern: XXXX, classification: intercom}\n")
    _, warnings = load_snapshot(load(gateway, {}))
    assert any("emergency" in str(one) for one in warnings)


def test_a_dial_group_that_is_not_there_is_told_at_the_object(tmp_path: Path) -> None:
    directory = (
        "dial_plan:\n"
        '  - {pattern: "911", classification: emergency, dial_groups: [carriers]}\n'
        "  - {pattern: XXXX, classification: intercom, dial_groups: [pxb]}\n"
    )
    (told,) = refuses(files(tmp_path, directory))
    assert told.startswith(f"{tmp_path}/directory.yaml:3:15: ")
    assert "pxb" in told


def test_what_the_gateway_file_says_wrong_is_told_there(tmp_path: Path) -> None:
    directory = (SAMPLE.parent / "directory.yaml").read_text(encoding="utf-8")
    gateway = files(tmp_path, directory)
    text = gateway.read_text(encoding="utf-8")
    old = '  templates: ["*61*CODE#NUMBER"]'
    gateway.write_text(text.replace(old, '  templates: ["*61*CODE"]'), encoding="utf-8")
    (told,) = refuses(gateway)
    line = text.split("\n").index(old) + 1
    assert told.startswith(f"{gateway}:{line}:15: ")


@pytest.mark.parametrize(
    ("old", "new", "column", "told"),
    [
        (
            "  pbx: [pbx]",
            "  pbx: {members: [pbx], schedule: [mon-fri 08:00-18:00, moon]}",
            57,
            "dial group pbx: schedule: 'moon' names no days",
        ),
        (
            '  sticky: {set: "*62*CODE#", clear: "*63#"}',
            '  sticky: {set: "*62#", clear: "*63#"}',
            3,
            "sticky code *62#: sets a sticky code, but CODE is missing",
        ),
    ],
)
def test_schedules_and_feature_codes_are_told_at_their_line(
    tmp_path: Path, old: str, new: str, column: int, told: str
) -> None:
    gateway = files(tmp_path, (SAMPLE.parent / "directory.yaml").read_text(encoding="utf-8"))
    text = gateway.read_text(encoding="utf-8")
    gateway.write_text(text.replace(old, new), encoding="utf-8")
    (said,) = refuses(gateway)
    line = text.split("\n").index(old) + 1
    assert said.startswith(f"{gateway}:{line}:{column}: {told}")


def test_what_did_not_change_is_taken_over(sample: tuple[Snapshot, list[Finding]]) -> None:
    gateway = load(SAMPLE, {})
    directory = read_directory(gateway.directory)
    first, _ = compile_for(gateway, directory)
    again, _ = compile_for(load(SAMPLE, {}), directory, first)
    assert again.tenants["default"].plan is first.tenants["default"].plan
    assert (
        compile_for(gateway, directory)[0].tenants["default"].plan
        is not first.tenants["default"].plan
    )


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    gateway = files(tmp_path, "")
    (tmp_path / "directory.yaml").unlink()
    assert refuses(gateway) == [
        f"{tmp_path}/directory.yaml: cannot be read: No such file or directory"
    ]


def test_what_is_accepted_and_yet_unwise_is_told(tmp_path: Path) -> None:
    text = SAMPLE.read_text().replace("directory: directory.yaml", "")
    text += f"\ndirectory: {SAMPLE.parent / 'directory.yaml'}\n"
    text += "statuses: {unknown: 404}\n"
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    snapshot, warnings = load_snapshot(load(path, {}))
    assert len(warnings) == 1
    assert "tells a guesser" in warnings[0].what
    attempt = Attempt("pbx", "9195551234", from_user=ALICE, codes=[("header", "9999")])
    decision = decide(snapshot, attempt, Situation(NOON))
    assert (decision.status, decision.q850, decision.reason) == (404, 21, "unknown")

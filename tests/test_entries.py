"""What an administrator types: apply, export, one entry at a time, tables, the audit."""

import json
import shutil
from pathlib import Path

import pytest

from tollbar.cli import main

CONFIG = Path(__file__).parents[1] / "config"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample configuration with a state directory of its own."""
    shutil.copytree(CONFIG, tmp_path / "config")
    path = tmp_path / "config" / "gateway.yaml"
    monkeypatch.setenv("TOLLBAR_CONFIG", str(path))
    return path


class Shell:
    """Runs commands, and gives what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str], config: Path) -> None:
        self.capsys = capsys
        self.file = config.with_name("directory.yaml")

    def out(self, *words: str) -> str:
        code = main(words)
        told = self.capsys.readouterr()
        assert (code, told.err) == (0, "")
        return told.out

    def err(self, *words: str) -> str:
        code = main(words)
        told = self.capsys.readouterr()
        assert (code, told.out) == (1, "")
        return told.err

    def objects(self, *words: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out(*words, "--json").splitlines()]


@pytest.fixture
def empty(capsys: pytest.CaptureFixture[str], config: Path) -> Shell:
    return Shell(capsys, config)


@pytest.fixture
def shell(empty: Shell) -> Shell:
    empty.out("apply", str(empty.file))
    return empty


def test_apply_says_the_difference_and_does_it(shell: Shell) -> None:
    text = shell.file.read_text()
    text = text.replace('  "3": Library\n', "").replace(
        "  front_desk:", '  front_desk:\n    prefix: "*7"'
    )
    shell.file.write_text(text.replace('"213": Recruiting', '"213": Hiring'))
    difference = (
        "~ code 213 description: Recruiting -> Hiring\n"
        "- code 3 Library\n"
        "~ workgroup front_desk prefix: none -> *7\n"
    )
    apply = ("apply", str(shell.file))
    assert shell.out(*apply, "--dry-run") == (
        difference + "3 changes would be made to revision 1; none was\n"
    )
    assert shell.out(*apply) == difference + "3 changes, revision 2\n"
    assert shell.out(*apply) == "no change, revision 2\n"


def test_apply_refuses_with_file_and_line(shell: Shell) -> None:
    shell.file.write_text("codes: {47a1: x}\n")
    assert shell.err("apply", str(shell.file)) == (
        f'tollbar: {shell.file}:1:15: codes.47a1: "47a1" is not an account code (1 to 50 digits)\n'
    )
    assert "cannot be read" in shell.err("apply", "/nonexistent.yaml")


def test_export_is_what_apply_takes(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "exported.yaml"
    path.write_text(shell.out("export"))
    assert shell.out("apply", str(path)) == "no change, revision 1\n"
    assert "there is no tenant acme" in shell.err("export", "--tenant", "acme")
    shell.out("codes", "add", "7", "Seven", "--tenant", "acme")
    assert shell.out("export", "--tenant", "acme") == 'codes:\n  "7": Seven\n'


def test_a_code_is_added_shown_changed_and_retired(shell: Shell) -> None:
    assert shell.out(
        *("codes", "add", "4712", "Miller estate", "valid_until=2027-01-31"),
        "attributes.client=Miller",
    ) == (
        "+ code 4712 Miller estate attributes.client: Miller; valid_until: 2027-01-31\n"
        "1 change, revision 2\n"
    )
    assert "there is a code 4712 already" in shell.err("codes", "add", "4712")
    assert shell.out("codes", "set", "4712", "description=Miller", "valid_until=") == (
        "~ code 4712 description: Miller estate -> Miller; valid_until: 2027-01-31 -> none\n"
        "1 change, revision 3\n"
    )
    assert shell.out("codes", "show", "4712").splitlines() == [
        "code: 4712",
        "attributes.client: Miller",
        "description: Miller",
        "version: 2",
    ]
    assert shell.out("codes", "retire", "4712").startswith("~ code 4712 active: none -> false\n")
    assert shell.objects("codes", "show", "4712") == [
        {
            "code": "4712",
            "active": False,
            "attributes": {"client": "Miller"},
            "description": "Miller",
            "version": 3,
        }
    ]
    assert "there is no code 0" in shell.err("codes", "show", "0")


def test_lists_in_string_order_by_number_and_by_prefix(shell: Shell) -> None:
    def codes(*options: str) -> list[object]:
        return [entry["code"] for entry in shell.objects("codes", "list", *options)]

    found = codes()
    assert found == sorted(map(str, found))
    assert codes("--prefix", "21") == ["213"]
    assert codes("--prefix", "02", "--by-number") == ["0214"]
    by_number = codes("--by-number")
    assert by_number[:5] == ["1", "3", "20", "99", "213"]
    assert by_number.index("0214") < by_number.index("0815") < by_number.index("1234")
    assert set(found) - set(codes("--active")) == {"99", "2020"}
    table = shell.out("codes", "list", "--prefix", "47").splitlines()
    assert [line.split()[:2] for line in table] == [["Code", "Description"], ["4711", "Cologne"]]


def test_a_user_by_name_extension_or_number_and_where_his_rights_come_from(shell: Shell) -> None:
    text = shell.out("users", "show", "1002")
    assert text == shell.out("users", "show", "bob")
    assert "inherited from workgroup front_desk" in text
    (alice,) = shell.objects("users", "show", "+13175550101")
    assert alice["user"] == "alice"
    assert {"right": "access", "value": "*", "from": "role partner"} in alice["effective"]  # type: ignore[operator]
    assert {
        "right": "account_code_verification",
        "value": "on",
        "from": "role timekeeper of workgroup litigation",
    } in alice["effective"]  # type: ignore[operator]
    assert "there is no user 9999" in shell.err("users", "show", "9999")


def test_a_mistake_gets_the_hint_of_the_file(shell: Shell) -> None:
    assert shell.err("users", "set", "bob", "access+=815") == (
        'tollbar: user bob: access[1]: there is no code "815" '
        "(codes are compared digit by digit, zeros included)\n"
    )
    assert 'did you mean "litigation"?' in shell.err("users", "add", "x", "workgroups=litigations")
    assert "unknown key" in shell.err("users", "set", "bob", "extension=7")
    assert "1002 already belongs to bob" in shell.err("users", "add", "x", "extensions=1002")


def test_what_others_refer_to_stays(shell: Shell) -> None:
    assert "no role 'partner'" in shell.err("roles", "retire", "partner")
    shell.out("users", "set", "alice", "roles=")
    assert "- role partner" in shell.out("roles", "retire", "partner")


def test_a_dial_object_has_its_place(shell: Shell) -> None:
    shell.out(
        *("dialplan", "add", "8XX", "Lobby", "classification=intercom", "dial_groups=pbx"),
        *("--before", "XXXX"),
    )
    objects = shell.objects("dialplan", "list")
    assert [entry["pattern"] for entry in objects[-2:]] == ["8XX", "XXXX"]
    assert "moved" in shell.out("dialplan", "set", "8XX", "--after", "911")
    assert shell.objects("dialplan", "list")[1]["pattern"] == "8XX"
    # 8XXX would never be reached behind XXXX: that is said, and done.
    assert main(["dialplan", "add", "8XXX", "classification=intercom", "dial_groups=pbx"]) == 0
    assert "warning" in shell.capsys.readouterr().err


def test_a_table_out_and_in(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    table = shell.out("codes", "export")
    path.write_text(table)
    assert shell.out("codes", "import", str(path)) == "no change, revision 1\n"
    path.write_text("code;description;active\n0214;Archer estate;no\n4712;Miller;\n")
    difference = "~ code 0214 active: none -> false\n+ code 4712 Miller\n"
    assert shell.out("codes", "import", str(path), "--dry-run").startswith(difference)
    assert shell.out("codes", "import", str(path)) == difference + "2 changes, revision 2\n"
    path.write_text("code,valid_until\n1,\n2,31.12.2026\nx,\n")
    assert shell.err("codes", "import", str(path)).splitlines() == [
        f'tollbar: {path}:3:2 (valid_until): "31.12.2026" is not a day (write it as 2026-12-31)',
        f'tollbar: {path}:4:1 (code): "x" is not an account code (1 to 50 digits)',
    ]
    for kind in ("users", "roles", "workgroups", "dialplan"):
        path.write_text(shell.out(kind, "export"))
        assert shell.out(kind, "import", str(path)) == "no change, revision 2\n"


def test_the_audit_says_who_and_what(shell: Shell) -> None:
    shell.out("codes", "set", "1", "description=Bureau", "--as", "ann")
    shell.out("users", "retire", "dave", "--as", "bob")
    last, before = shell.objects("audit", "-n", "2")
    assert (last["who"], last["action"], last["key"]) == ("bob", "remove", "dave")
    assert (before["who"], before["action"]) == ("ann", "change")
    assert before["before"] == '{"description":"Office"}'
    assert before["after"] == '{"description":"Bureau"}'
    lines = shell.out("audit", "--who", "ann", "--kind", "code", "--key", "1").splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("ann  ~ code 1 description: Office -> Bureau")
    assert len(shell.objects("audit", "--since", "today", "--all")) == 55
    assert len(shell.objects("audit", "--tenant", "default", "--all")) == 55


def test_changes_as_json(shell: Shell) -> None:
    (change,) = shell.objects("codes", "set", "1", "description=Bureau")
    assert (change["kind"], change["key"], change["before"]) == (
        "code",
        "1",
        '{"description":"Office"}',
    )


def test_before_there_is_a_directory(empty: Shell) -> None:
    for command in (["codes", "list"], ["export"], ["audit"], ["users", "show", "bob"]):
        assert empty.err(*command) == (
            f"tollbar: there is no directory yet: tollbar apply {empty.file}\n"
        )
    assert not empty.file.parent.with_name("var").exists()


def test_check_and_simulate_look_into_the_database(shell: Shell) -> None:
    call = ["simulate", "--from", "1001", "--to", "919195551234", "--code", "4711"]
    assert main(call) == 0
    shell.out("codes", "retire", "4711")
    assert main(call) == 1
    shell.capsys.readouterr()
    assert shell.out("check").endswith("the directory in the database can be used\n")
    gateway = shell.file.with_name("gateway.yaml")
    text = gateway.read_text()
    shell.file.unlink()
    assert shell.out("check") == "the directory in the database can be used\n"
    gateway.write_text(text.replace("  pbx: [pbx]", "  phones: [pbx]"))
    assert main(["check"]) == 1
    assert "directory revision 2" in shell.capsys.readouterr().out

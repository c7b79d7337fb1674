"""Tables: what is exported comes back the same, rows change entries, mistakes have a cell."""

import json

import pytest
from hypothesis import given, settings
from tests.directory.made import tenants

from tollbar.directory.csv_table import COLUMNS, read_table, write_table
from tollbar.directory.entry import Entry, entries
from tollbar.finding import Rejected
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject
from tollbar.policy.rights import Rights, Role, User
from tollbar.policy.settings import Tenant

OFFICE = Tenant(
    codes=(
        Code("0214", "Archer estate", attributes={"client": "Archer"}),
        Code("1"),
        Code("4711", "Water"),
    ),
    roles=(Role("clerk", Rights(view_codes=True)),),
    users=(User("ann", "Ann", ("1001",), roles=("clerk",)),),
    dial_plan=(DialObject("1XX", "local"), DialObject("2XX", "local")),
)


def imported(kind: str, table: str | bytes, tenant: Tenant = OFFICE) -> dict[str, object]:
    data = table if isinstance(table, bytes) else table.encode()
    found = read_table(kind, data, "t.csv", "t", entries("t", tenant))
    return {entry.key: json.loads(entry.body) for entry in found if entry.kind == kind}


def refused(kind: str, table: str | bytes) -> str:
    with pytest.raises(Rejected) as caught:
        imported(kind, table)
    return str(caught.value)


@pytest.mark.parametrize("kind", COLUMNS)
@given(tenants)
@settings(max_examples=60, deadline=None)
def test_out_and_in_again_is_the_same(kind: str, tenant: Tenant) -> None:
    held = entries("t", tenant)
    mine = [entry for entry in held if entry.kind == kind]
    table = "".join(f"{line}\r\n" for line in write_table(kind, mine)).encode()
    rest = [entry for entry in held if entry.kind != kind]
    assert read_table(kind, table, "t.csv", "t", rest) == [*rest, *mine]
    assert sorted(read_table(kind, table, "t.csv", "t", held), key=str) == sorted(held, key=str)


def test_how_codes_look() -> None:
    codes = (
        *OFFICE.codes,
        Code("99", 'He said "no", twice', active=False, attributes={"matter": "Ä; ö"}),
    )
    mine = [entry for entry in entries("t", Tenant(codes=codes)) if entry.kind == finding.CODE]
    assert list(write_table(finding.CODE, mine)) == [
        '"code","description","active","valid_from","valid_until",'
        '"attribute.client","attribute.matter"',
        "0214,Archer estate,yes,,,Archer,",
        "1,,yes,,,,",
        "4711,Water,yes,,,,",
        '99,"He said ""no"", twice",no,,,,Ä; ö',
    ]


def test_rows_insert_update_and_retire_and_leave_the_rest() -> None:
    table = "code,description,active\n0214,Archer,yes\n4712,Miller,\n4711,Water,no\n"
    assert imported(finding.CODE, table) == {
        "0214": {"description": "Archer", "attributes": {"client": "Archer"}},
        "1": {},
        "4711": {"description": "Water", "active": False},
        "4712": {"description": "Miller"},
    }


def test_an_empty_cell_takes_its_value_away() -> None:
    found = imported(finding.CODE, "code,description,attribute.client\n0214,,\n")
    assert found["0214"] == {}
    found = imported(finding.USER, "user,roles\nann,\n")
    assert found["ann"] == {"name": "Ann", "extensions": ["1001"]}


def test_lists_stand_in_one_cell() -> None:
    table = (
        'user,access,classifications,account_code_verification\nbob,"0214, 4711",[],no\neve,*,,\n'
    )
    found = imported(finding.USER, table)
    assert found["bob"] == {
        "access": ["0214", "4711"],
        "classifications": [],
        "rights": {"account_code_verification": False},
    }
    assert found["eve"] == {"access": "*"}


def test_a_new_dial_object_comes_after_the_row_above() -> None:
    found = read_table(
        finding.DIAL_OBJECT,
        b"pattern,classification\n1XX,local\n15X,local\n16X,local\n",
        "t.csv",
        "t",
        entries("t", OFFICE),
    )
    plan = [entry for entry in found if entry.kind == finding.DIAL_OBJECT]
    order = [entry.key for entry in sorted(plan, key=lambda entry: entry.place)]
    assert order == ["1XX", "15X", "16X", "2XX"]
    assert list(imported(finding.DIAL_OBJECT, "pattern,classification\n9,local\n"))[-1] == "9"


@pytest.mark.parametrize(
    "table",
    [
        "\ufeffcode,description\r\n0214,Ä\r\n",
        "code;description\r\n0214;Ä\r\n",
        'code;description\n"0214";"Ä"\n\n;\n',
        'description,code\n"Ä","0214"',
    ],
)
def test_what_spreadsheets_write_is_read(table: str) -> None:
    assert imported(finding.CODE, table, Tenant()) == {"0214": {"description": "Ä"}}


MISTAKES = [
    (
        "code,valid_until\n1,\n2,31.12.2026\n",
        't.csv:3:2 (valid_until): "31.12.2026" is not a day (write it as 2026-12-31)',
    ),
    (
        "code,description,valid_from,valid_until\n1,x,2026-02-02,2026-02-01\n",
        "t.csv:2:4 (valid_until): lies before valid_from (both days are included)",
    ),
    (
        "code\n1.2E+05\n",
        't.csv:2:1 (code): "1.2E+05" is not digits '
        "(a spreadsheet spoilt it: format the column as text)",
    ),
    (
        'code\n"=""0214"""\n',
        't.csv:2:1 (code): "="0214"" is not digits '
        "(a spreadsheet spoilt it: format the column as text)",
    ),
    ("code\n12a\n", 't.csv:2:1 (code): "12a" is not an account code (1 to 50 digits)'),
    (
        'code,description\n1,"two\nlines"\n2,x,y\n',
        "t.csv:2:2 (description): holds a line break or another control character "
        "(write it on one line)\n"
        "t.csv:4:3: has 3 cells, the heading has 2",
    ),
    ("code,description\n1\n", "t.csv:2:1 (code): has 1 cells, the heading has 2"),
    ("code\n7\n8\n7\n", 't.csv:2:1 (code): "7" is in the table twice (also on line 4)'),
    ("code,active\n1,maybe\n", 't.csv:2:2 (active): "maybe" is not true or false'),
    (
        "code,descripton\n1,x\n",
        't.csv:1:2: unknown column "descripton" (did you mean "description"?)',
    ),
    ("code,code\n1,1\n", 't.csv:1:2: column "code" is there twice (remove one)'),
    ("name\nx\n", 't.csv:1:1: unknown column "name" (known: code, description, active, '),
    ("", 't.csv:1:1: there is no column "code" (it names the code)'),
    ('code\n"1"2\n', "t.csv:2:1: is not CSV: "),
    (b"code,description\n1,\xff\n", 't.csv:2:1: is not UTF-8 (save it as "CSV UTF-8")'),
]


@pytest.mark.parametrize(("table", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_cell(table: str | bytes, told: str) -> None:
    assert refused(finding.CODE, table).startswith(told)


def test_names_are_looked_up_in_what_will_be() -> None:
    assert refused(finding.USER, "user,roles\nann,clark\n") == (
        't.csv:2:2 (roles): [1]: there is no role "clark" (did you mean "clerk"?)'
    ).replace("[1]", "roles[1]")
    assert imported(finding.USER, "user,modify_queue\nann,bob\nbob,ann\n")["ann"]
    assert refused(finding.USER, 'user,access\nann,"[1"\n') == (
        "t.csv:2:2 (access): starts with [ and is not JSON (commas between names)"
    )


def test_a_table_changes_nothing_else() -> None:
    held = entries("t", OFFICE)
    found = read_table(finding.CODE, b"code\n1\n", "t.csv", "t", held)
    assert sorted(found, key=str) == sorted(held, key=str)
    assert all(isinstance(entry, Entry) for entry in found)

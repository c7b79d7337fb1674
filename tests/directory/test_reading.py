"""directory.yaml: codes as text, holders, dial plan, and the line of every mistake."""

from datetime import date
from pathlib import Path

import pytest

from tollbar.directory.model import Directory
from tollbar.directory.reading import parse_directory, read_directory
from tollbar.document import Document, Rejected
from tollbar.policy import finding
from tollbar.policy.account import Code
from tollbar.policy.dialplan import GroupUse
from tollbar.policy.rights import Rights, Role, User, Workgroup
from tollbar.policy.snapshot import Tenant

SAMPLE = Path(__file__).parent.parent.parent / "config" / "directory.yaml"


def reads(text: str) -> Directory:
    document = Document.parse(text.encode(), "directory.yaml")
    directory = parse_directory(document)
    document.settle()
    return directory


def only(text: str) -> Tenant:
    (tenant,) = reads(text).tenants.values()
    return tenant


def refuses(text: str) -> str:
    with pytest.raises(Rejected) as caught:
        reads(text)
    return str(caught.value)


def test_codes_are_text_with_and_without_quotes() -> None:
    tenant = only(
        "codes:\n"
        "  0214: Archer\n"
        '  "001": with zeros\n'
        "  01: with fewer\n"
        "  1:\n"
        "  4711: {description: 0815, valid_from: 2026-01-31, valid_until: 2026-12-31,\n"
        "         active: no, attributes: {client: 007}}\n"
    )
    assert tenant.codes == (
        Code("0214", "Archer"),
        Code("001", "with zeros"),
        Code("01", "with fewer"),
        Code("1"),
        Code(
            "4711",
            "0815",
            active=False,
            valid_from=date(2026, 1, 31),
            valid_until=date(2026, 12, 31),
            attributes={"client": "007"},
        ),
    )


def test_extensions_access_and_list_entries_are_text_too() -> None:
    tenant = only(
        "users: {ann: {extensions: [0100, 1001], access: [0214]}}\n"
        "codes: {0214: a}\n"
        "number_lists: {short: [010]}\n"
    )
    assert tenant.users == (
        User("ann", extensions=("0100", "1001"), rights=Rights(codes=frozenset({"0214"}))),
    )
    assert tenant.lists == {"short": ("010",)}


def test_holders_say_what_they_grant() -> None:
    tenant = only(
        """\
default_user: {classifications: [local, mobile]}
classifications: {mobile: premium}
roles:
  clerk:
    description: Keeps the books
    rights:
      account_code_verification: true
      view_account_codes: true
      modify_queue: [ann, desk]
      correct_records: true
      view_reports: viewable
      administer: [codes, users]
    access: "*"
workgroups:
  desk: {description: Front, roles: [clerk]}
users:
  ann:
    name: Ann Archer
    extensions: "1001"
    numbers: ["+1 (317) 555-0101"]
    location: berlin
    roles: [clerk]
    workgroups: [desk]
    rights: {account_code_verification: false, administer: "*"}
    classifications: []
"""
    )
    assert tenant.default_user == Rights(classifications=frozenset({"local", "mobile"}))
    assert tenant.classifications == {"mobile": "premium"}
    assert tenant.roles == (
        Role(
            "clerk",
            Rights(
                verification=True,
                view_codes=True,
                modify_queue=frozenset({"ann", "desk"}),
                correct_records=True,
                view_reports="viewable",
                administer=frozenset({"codes", "users"}),
                codes=frozenset({"*"}),
            ),
            description="Keeps the books",
        ),
    )
    assert tenant.workgroups == (Workgroup("desk", roles=("clerk",), description="Front"),)
    assert tenant.users == (
        User(
            "ann",
            display="Ann Archer",
            extensions=("1001",),
            numbers=("+1 (317) 555-0101",),
            location="berlin",
            roles=("clerk",),
            workgroups=("desk",),
            rights=Rights(
                verification=False, administer=frozenset({"*"}), classifications=frozenset()
            ),
        ),
    )


def test_an_entry_with_several_patterns_is_an_object_for_each() -> None:
    text = """\
number_lists: {free: ["800"]}
dial_plan:
  - pattern: [$$$X, "1$$$X"]
    list: free
    location: berlin
    standardized: +1$$$X
    dial_string: 1$$$X
    display: ($$$) X
    classification: toll_free
    description: Free
    account_code_verification: true
    allow_bypass: the carrier pays
    shadow: true
    dial_groups:
      - first
      - {group: second, location: berlin, classification: local, dial_string: 9$$$X}
  - {pattern: XXXX, classification: intercom}
"""
    directory = reads(text)
    first, second, last = directory.tenants["default"].dial_plan
    assert (first.pattern, second.pattern, last.pattern) == ("$$$X", "1$$$X", "XXXX")
    assert first.key == "$$$X list free at berlin"
    for found in (first, second):
        assert (found.list_name, found.location, found.standardized) == ("free", "berlin", "+1$$$X")
        assert (found.dial_string, found.display) == ("1$$$X", "($$$) X")
        assert (found.classification, found.description) == ("toll_free", "Free")
        assert (found.verification, found.shadow) == (True, True)
        assert found.allow_bypass == "the carrier pays"
        assert found.groups == (
            GroupUse("first"),
            GroupUse("second", "berlin", "local", "9$$$X"),
        )
    assert (last.verification, last.shadow, last.groups) == (False, False, ())
    where = [directory.place("default", finding.DIAL_OBJECT, one.key) for one in (second, last)]
    assert [str(place) for place in where] == ["directory.yaml:3:21", "directory.yaml:17:15"]


def test_every_entry_knows_its_place() -> None:
    directory = reads("codes:\n  1: a\n  2: {description: b}\nusers:\n  ann: {}\n")
    assert str(directory.place("default", finding.CODE, "1")) == "directory.yaml:2:6"
    assert str(directory.place("default", finding.CODE, "2")) == "directory.yaml:3:3"
    assert str(directory.place("default", finding.USER, "ann")) == "directory.yaml:5:3"
    assert str(directory.place("default", finding.USER, "bob")) == "directory.yaml"


def test_two_tenants_hold_the_same_code_and_extension() -> None:
    directory = reads(
        "tenants:\n"
        "  acme:\n    codes: {4711: a}\n    users: {ann: {extensions: [1001]}}\n"
        "  umbrella:\n    codes: {4711: b}\n    users: {ann: {extensions: [1001]}}\n"
    )
    assert [t.codes[0].description for t in directory.tenants.values()] == ["a", "b"]
    assert directory.place("umbrella", finding.CODE, "4711").line == 6
    assert refuses("tenants: {a: {}}\nusers: {}\n") == (
        'directory.yaml:2:1: unknown key "users" (known: tenants)'
    )


def test_an_empty_file_is_an_empty_directory() -> None:
    assert only("") == Tenant()


def test_codes_that_come_by_themselves() -> None:
    tenant = only(
        "codes: {0815: a}\n"
        "users: {ann: {default_code: 0815}}\n"
        'workgroups: {desk: {prefix: "*71"}}\n'
        "far_end: {+1317555NXXX: 0815, 030Z: 0815}\n"
    )
    assert tenant.users == (User("ann", default_code="0815"),)
    assert tenant.workgroups == (Workgroup("desk", prefix="*71"),)
    assert list(tenant.far_end.items()) == [("+1317555NXXX", "0815"), ("030Z", "0815")]


MISTAKES = [
    (
        "codes: {0815: a}\nusers: {ann: {default_code: 815}}\n",
        'directory.yaml:2:29: users.ann.default_code: there is no code "815" '
        "(codes are compared digit by digit, zeros included)",
    ),
    (
        "workgroups: {desk: {prefix: 7A}}\n",
        'directory.yaml:1:29: workgroups.desk.prefix: "7A" is not a prefix '
        "(1 to 16 of the digits 0 to 9, * and #)",
    ),
    (
        "far_end: {030Z: 4711}\n",
        'directory.yaml:1:17: far_end.030Z: there is no code "4711" '
        "(codes are compared digit by digit, zeros included)",
    ),
    (
        f"codes: {{1: a}}\nfar_end: {{' ': 1, {'7' * 401}: 1}}\n",
        "directory.yaml:2:16: far_end. : a pattern has 1 to 400 characters "
        "(the number of the far end)\n"
        f"directory.yaml:2:422: far_end.{'7' * 401}: a pattern has 1 to 400 characters "
        "(the number of the far end)",
    ),
    (
        'codes: {1: {attributes: {"": x}}}\n',
        'directory.yaml:1:30: codes.1.attributes.: "" is not a name '
        "(1 to 64 characters, no blanks at its ends)",
    ),
    (
        'dial_plan: [{pattern: "", classification: local}]\n',
        "directory.yaml:1:23: dial_plan[1].pattern: is empty (Z is every number)",
    ),
    (
        "dial_plan: [{pattern: [], classification: local}]\n",
        "directory.yaml:1:14: dial_plan[1].pattern: has no value (Z is every number)",
    ),
    (
        'dial_plan: [{pattern: X, location: ", ", classification: local}]\n',
        'directory.yaml:1:36: dial_plan[1].location: ", " names no place '
        "(leave it out for everywhere)",
    ),
    (
        f"dial_plan: [{{pattern: X, location: {'a' * 129}, classification: local}}]\n",
        "directory.yaml:1:36: dial_plan[1].location: is 129 characters long (at most 128)",
    ),
    (
        'tenants: {" a": {}}\n',
        'directory.yaml:1:11: tenants. a: " a" is not a name '
        "(1 to 64 characters, no blanks at its ends)",
    ),
    (
        "codes: {47a1: x}\n",
        'directory.yaml:1:15: codes.47a1: "47a1" is not an account code (1 to 50 digits)',
    ),
    (
        f"codes: {{{'1' * 51}: x}}\n",
        f'directory.yaml:1:62: codes.{"1" * 51}: "{"1" * 51}" is not an account code '
        "(1 to 50 digits)",
    ),
    (
        'codes:\n  0214: a\n  "0214": b\n',
        "directory.yaml:3:3: codes.0214: is given twice (the first is on line 2)",
    ),
    (
        f"codes: {{1: {'x' * 129}}}\n",
        "directory.yaml:1:12: codes.1: is 129 characters long (at most 128)",
    ),
    (
        "codes: {1: {descripton: x}}\n",
        'directory.yaml:1:13: codes.1: unknown key "descripton" (did you mean "description"?)',
    ),
    (
        "codes: {1: {valid_from: 31.12.2026}}\n",
        'directory.yaml:1:25: codes.1.valid_from: "31.12.2026" is not a day '
        "(write it as 2026-12-31)",
    ),
    (
        "codes: {1: {valid_from: 2026-02-29}}\n",
        'directory.yaml:1:25: codes.1.valid_from: "2026-02-29" is not in the calendar',
    ),
    (
        "codes: {1: {valid_from: 2026-02-02, valid_until: 2026-02-01}}\n",
        "directory.yaml:1:50: codes.1.valid_until: lies before valid_from (both days are included)",
    ),
    (
        "codes: {0214: a}\nusers: {ann: {access: [214]}}\n",
        'directory.yaml:2:24: users.ann.access[1]: there is no code "214" '
        "(codes are compared digit by digit, zeros included)",
    ),
    (
        "roles: {boss: {access: all}}\n",
        'directory.yaml:1:24: roles.boss.access: "all" is not a code '
        '(write "*" for all codes, with the quotes)',
    ),
    (
        "roles: {boss: {access: *}}\n",
        "directory.yaml:1:25: is not YAML: expected alphabetic or numeric character, but found '}' "
        "(a text that starts with * or & needs quotes)",
    ),
    (
        "roles: {clerk: {}}\nusers: {ann: {roles: [clark]}}\n",
        'directory.yaml:2:23: users.ann.roles[1]: there is no role "clark" (did you mean "clerk"?)',
    ),
    (
        "users: {ann: {workgroups: [desk]}}\n",
        'directory.yaml:1:28: users.ann.workgroups[1]: there is no workgroup "desk"',
    ),
    (
        "users: {ann: {extensions: [reception]}}\n",
        'directory.yaml:1:28: users.ann.extensions[1]: "reception" is not a number '
        "(digits, with + in front if it is international)",
    ),
    (
        "workgroups: {desk: {rights: {account_code_verification: false}}}\n",
        "directory.yaml:1:57: workgroups.desk.rights.account_code_verification: can be switched "
        "off for a user only (leave it out here: rights only add up)",
    ),
    (
        "default_user: {rights: {view_acount_codes: true}}\n",
        'directory.yaml:1:25: default_user.rights: unknown key "view_acount_codes" '
        '(did you mean "view_account_codes"?)',
    ),
    (
        "default_user: {classifications: [locale]}\n",
        'directory.yaml:1:34: default_user.classifications[1]: there is no classification "locale" '
        '(did you mean "local"?)',
    ),
    (
        "users: {ann: {rights: {modify_queue: [bob]}}}\n",
        "directory.yaml:1:39: users.ann.rights.modify_queue[1]: "
        'there is no user or workgroup "bob" (known: ann)',
    ),
    (
        "users: {ann: {rights: {administer: [code]}}}\n",
        'directory.yaml:1:37: users.ann.rights.administer[1]: "code" is not a kind of entry '
        '(did you mean "codes"?)',
    ),
    (
        "dial_plan:\n  - {classification: local}\n",
        'directory.yaml:2:5: dial_plan[1]: "pattern" is missing '
        '(the dialled number, as in pattern: "NXXNXXXXXX")',
    ),
    (
        "dial_plan:\n  - {pattern: X, classification: lokal}\n",
        'directory.yaml:2:34: dial_plan[1].classification: there is no classification "lokal" '
        '(did you mean "local"?)',
    ),
    (
        "dial_plan:\n  - {pattern: $X, list: free, classification: local}\n",
        'directory.yaml:2:25: dial_plan[1].list: there is no number list "free"',
    ),
    (
        "dial_plan:\n"
        "  - {pattern: [X, XX], classification: local}\n"
        "  - pattern: XX\n    classification: local\n",
        'directory.yaml:3:14: dial_plan[2].pattern: "XX" is in the dial plan twice '
        "(first on line 2)",
    ),
    (
        'dial_plan:\n  - {pattern: X, classification: local, allow_bypass: ""}\n',
        "directory.yaml:2:55: dial_plan[1].allow_bypass: wants the reason why "
        "(a sentence for whoever asks)",
    ),
    (
        "dial_plan:\n  - {pattern: X, classification: local, dial_groups: [{location: a}]}\n",
        'directory.yaml:2:55: dial_plan[1].dial_groups[1]: "group" is missing '
        "(the name of a dial group in gateway.yaml)",
    ),
    (
        "dial_plan: none\n",
        'directory.yaml:1:12: dial_plan: wants a list of "- pattern: ..." entries',
    ),
    (
        "classifications: {local: premium, My Own: local}\n",
        "directory.yaml:1:26: classifications.local: is a classification already "
        "(choose a name of your own)\n"
        'directory.yaml:1:43: classifications.My Own: "My Own" is not a name '
        "(small letters, digits and _)",
    ),
    (
        "number_lists: {free: [800, 8x], none: []}\n",
        'directory.yaml:1:28: number_lists.free[2]: "8x" is not digits '
        "(an entry is the digits that $ stands for)\n"
        "directory.yaml:1:33: number_lists.none: is an empty list "
        "(a pattern with $ would never match)",
    ),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake_is_told_with_line_and_hint(text: str, told: str) -> None:
    assert refuses(text) == told


def test_everything_is_told_at_once() -> None:
    told = refuses(
        "dial_plan:\n  - {pattern: X, classification: x}\n"
        "codes: {a: b}\nusers: {ann: {roles: [r]}}\nrolls: {}\n"
    )
    assert [line.split(":")[1] for line in told.split("\n")] == ["2", "3", "4", "5"]


def test_the_sample_holds_what_the_readme_speaks_of() -> None:
    (tenant,) = read_directory(SAMPLE).tenants.values()
    assert [user.extensions for user in tenant.users] == [
        (number,) for number in ("1001", "1002", "1003", "1004")
    ]
    codes = {code.code: code for code in tenant.codes}
    fifty = [code for code in codes if len(code) == 50]
    assert len(fifty) == 1
    named = {"1", "3", "20", "213", "0214", "1234", "001235", "4711", "0815"}
    assert named < set(codes)
    retired = [code.code for code in tenant.codes if not code.active]
    dated = [code.code for code in tenant.codes if code.valid_until is not None]
    assert len(retired) == len(dated) == 1
    assert set(codes) == named | {*fifty, *retired, *dated}
    classes = list(dict.fromkeys(found.classification for found in tenant.dial_plan))
    assert classes == [
        "emergency",
        "blocked",
        "toll_free",
        "local",
        "long_distance",
        "international",
        "intercom",
    ]
    asking = {found.classification for found in tenant.dial_plan if found.verification}
    assert asking == {"long_distance", "international"}
    assert tenant.dial_plan[-1].pattern == "XXXX"

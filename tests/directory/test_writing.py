"""directory.yaml written: what is read again is the same, and it looks as people write it."""

from pathlib import Path

import yaml
from hypothesis import given, settings
from tests.directory.made import directories
from tests.directory.test_entry import all_entries
from tests.directory.test_reading import SAMPLE, reads

from tollbar.directory.assembly import tenants
from tollbar.directory.reading import read_directory
from tollbar.directory.writing import write_directory
from tollbar.policy.account import Code
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.rights import Rights, User
from tollbar.policy.settings import Tenant


def written(directory: dict[str, Tenant]) -> str:
    return "".join(f"{line}\n" for line in write_directory(directory))


@given(directories)
@settings(max_examples=150, deadline=None)
def test_what_is_written_reads_back_the_same(directory: dict[str, Tenant]) -> None:
    text = written(directory)
    found = reads(text).tenants
    assert tenants(all_entries(found)) == tenants(all_entries(directory)) == directory
    assert written(found) == text
    yaml.safe_load(text)


def test_the_sample_too(tmp_path: Path) -> None:
    directory = read_directory(SAMPLE).tenants
    text = written(directory)
    assert all_entries(reads(text).tenants) == all_entries(directory)
    assert 'pattern: ["911", "9911"]' in text
    assert yaml.safe_load(text).keys() == {
        "roles",
        "workgroups",
        "users",
        "codes",
        "number_lists",
        "dial_plan",
    }


def test_how_it_looks() -> None:
    tenant = Tenant(
        codes=(
            Code("4711", "Cologne Water Works", attributes={"client": "CWW"}),
            Code("0214", "no"),
            Code("1"),
        ),
        users=(
            User(
                "bob",
                "Bob: the builder",
                ("1002",),
                rights=Rights(verification=False, codes=frozenset(("4711", "0214"))),
            ),
            User("eve"),
        ),
        dial_plan=(
            DialObject("1XX", "local", groups=(GroupUse("a"), GroupUse("b", location="x"))),
            DialObject("2XX", "local", groups=(GroupUse("a"), GroupUse("b", location="x"))),
            DialObject("3XX", "local", verification=True),
        ),
    )
    assert written({"default": tenant}) == (
        """\
users:
  bob:
    name: "Bob: the builder"
    extensions: ["1002"]
    rights: {account_code_verification: false}
    access: ["0214", "4711"]
  eve: {}
codes:
  "0214": "no"
  "1": ""
  "4711":
    description: Cologne Water Works
    attributes: {client: CWW}
dial_plan:
  - pattern: ["1XX", "2XX"]
    classification: local
    dial_groups:
      - a
      - group: b
        location: x
  - pattern: "3XX"
    classification: local
    account_code_verification: true
"""
    )


def test_two_tenants_have_their_names() -> None:
    assert written({"b": Tenant(), "a": Tenant(codes=(Code("1", "x"),))}) == (
        'tenants:\n  a:\n    codes:\n      "1": x\n  b: {}\n'
    )
    assert written({"default": Tenant()}) == ""


def test_other_programs_read_it_as_well() -> None:
    """PyYAML's own loader takes a question mark within braces for the beginning of a key."""
    code = Code("1", "one", attributes={"paid?": "no"})
    text = written({"default": Tenant(codes=(code,))})
    assert yaml.safe_load(text)["codes"]["1"]["attributes"] == {"paid?": "no"}

"""docs/reference names what the code names: keys, columns, metrics, events, reasons.

Both ways: a name that is not documented fails as one does that is documented and gone.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest
from tests.pages import (
    REFERENCE,
    SAMPLE,
    SOURCES,
    examples,
    first_column,
    loaded,
    page,
    plain,
    quoted,
    rows,
    section,
    written,
)

from tollbar.b2bua import causes
from tollbar.b2bua.engine import Engine
from tollbar.b2bua.relay import METHODS
from tollbar.cdr.export import asterisk, cucm, freeswitch
from tollbar.cdr.record import COLUMNS
from tollbar.cdr.report import (
    BY_CODE,
    BY_DATE,
    BY_USER,
    BY_WORKGROUP,
    UNTAGGED,
    detail_headings,
    summary_headings,
)
from tollbar.config import load
from tollbar.directory.entry import entries
from tollbar.directory.holders import ADMINISTERED
from tollbar.directory.reading import read_directory
from tollbar.document import Fields, Value
from tollbar.gauges import measure
from tollbar.policy.dialplan import CATEGORIES
from tollbar.policy.refusal import ANSWERS, NOT_ACCEPTED
from tollbar.server import Server
from tollbar.standing import Standing
from tollbar.store import audit, schema
from tollbar.store.archive import Archive
from tollbar.store.directory import Held

HOLDERS = ("default_user", "roles", "workgroups", "users")

# -- keys


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Which keys the readers ask for, by the path of the mapping that they are in."""
    keys: dict[str, set[str]] = defaultdict(set)
    ask = Value.fields

    def fields(value: Value, known: str, *more: Any) -> Fields:
        file = Path(value.document.file).stem
        keys[f"{file} {general(value.where)}".strip()] |= set(known.split())
        return ask(value, known, *more)

    monkeypatch.setattr(Value, "fields", fields)
    return keys


def general(where: str) -> str:
    """A path without the names and numbers that whoever writes the file chooses."""
    where = re.sub(r"\[\d+\]", "", where)
    named = "listeners|peers|dial_groups|roles|workgroups|users|codes"
    return re.sub(rf"^({named})\.[^.]+", r"\1", where)


def used(example: str) -> set[str]:
    return set(re.findall(r"([a-z_]+):", example))


def test_the_keys_of_gateway_yaml(asked: dict[str, set[str]], tmp_path: Path) -> None:
    (example,) = examples(REFERENCE / "gateway.md")
    load(written(tmp_path, plain(example), {}), {})
    headings = [
        "listeners",
        "peers",
        "dial_groups",
        "account_codes",
        "guessing",
        "chats",
        "identity",
    ]
    headings += ["limits", "retention", "metrics", "logging"]
    text = page("gateway")
    told = {f"gateway {name}": set(first_column(section(text, name))) for name in headings}
    told["gateway"] = set(first_column(section(text, "The whole file")))
    told["gateway account_codes.sticky"] = {"set", "clear"}
    told["gateway peers.trust"] = set(first_column(section(text, "trust")))
    assert told == asked
    assert {key for keys in asked.values() for key in keys} - used(example) == set()


def test_the_keys_of_directory_yaml(asked: dict[str, set[str]], tmp_path: Path) -> None:
    (example,) = examples(REFERENCE / "directory.md")
    loaded(example, tmp_path)
    found = {
        where.partition(" ")[2]: keys
        for where, keys in asked.items()
        if where.startswith("directory")
    }
    text = page("directory")
    grants = set(first_column(section(text, "What a holder grants")))
    plan, group = section(text, "dial_plan").split("An entry of `dial_groups`:")
    rights = set(first_column(section(text, "rights")))
    assert found == {
        "": set(first_column(section(text, "The whole file"))),
        "default_user": grants,
        "roles": grants | {"description"},
        "workgroups": grants | {"description", "prefix", "roles"},
        "users": set(first_column(section(text, "users"))),
        "codes": set(first_column(section(text, "codes"))),
        "dial_plan": set(first_column(plan)),
        "dial_plan.dial_groups": set(first_column(group)),
        **{
            f"{holder}.rights": rights
            for holder in ("default_user", "roles", "workgroups", "users")
        },
    }
    assert {key for keys in found.values() for key in keys} - used(example) == set()
    administered = next(row[1] for row in rows(section(text, "rights")) if "administer" in row[0])
    assert quoted(administered) == [*ADMINISTERED, '"*"']
    classes = next(row[1] for row in rows(plan) if "classification" in row[0])
    assert quoted(classes) == list(CATEGORIES)


# -- records and reports


def test_the_keys_of_a_record_in_their_order() -> None:
    assert tuple(first_column(section(page("records"), "Records and reports"))) == COLUMNS


def test_the_columns_of_the_report() -> None:
    table = {row[0]: row[1] for row in rows(section(page("records"), "The account code report"))}
    assert table["`tollbar report`"] == ", ".join(summary_headings(BY_CODE))
    assert table["`tollbar report detail`"] == ", ".join(detail_headings(BY_CODE))
    for by in (BY_DATE, BY_USER, BY_WORKGROUP):
        first, second = summary_headings(by)[2:4]
        assert f"by {first} and {second}" in table[f"`tollbar report --by {by}`"]
    table = {row[0]: row[1] for row in rows(section(page("records"), "Calls without a code"))}
    assert table["`tollbar untagged`"] == ", ".join(summary_headings(UNTAGGED))
    assert table["`tollbar untagged --calls`"] == ", ".join(detail_headings(UNTAGGED))


def test_the_columns_of_other_switches() -> None:
    text = page("records")
    for module in (asterisk, freeswitch, cucm):
        name = module.__name__.rpartition(".")[2]
        assert first_column(section(text, name)) == list(module.COLUMNS)
    assert quoted(section(text, "cucm").rpartition("refused for it:")[2]) == list(NOT_ACCEPTED)


# -- the database


def test_the_tables_and_their_columns() -> None:
    told = {
        quoted(row[0])[0]: quoted(row[1])[0].split()
        for row in rows(section(page("database"), "Tables"))
    }
    told["record"] += COLUMNS
    tables = schema.metadata.tables.values()
    assert told == {table.name: [column.name for column in table.columns] for table in tables}


def test_the_actions_of_the_audit() -> None:
    words = {
        value
        for name, value in vars(audit).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    assert set(first_column(section(page("database"), "The audit"))) == words


# -- metrics


class Nothing:
    """Stands for the stack's counters."""

    received = sent = {b"INVITE": 1, b"200": 1}
    repeats_sent = repeats_absorbed = 0

    def __len__(self) -> int:
        return 0


class Nowhere:
    """Stands for the local file."""

    path = Path("tollbar.sqlite")


def test_the_metrics_and_their_labels() -> None:
    gateway = load(SAMPLE / "gateway.yaml", {})
    tenants = read_directory(gateway.directory).tenants
    standing = Standing(gateway, Held(1, entries("default", tenants["default"])))
    server = Server(gateway, standing, Engine)
    server.writer = cast(Any, object())
    server.archive = Archive(cast(Any, Nowhere()), server.writer, "", {})
    measure(server)
    metrics = server.metrics
    found = {name: ("gauge", ()) for name, _ in metrics.gauges}
    found |= {f"{name}_total": ("counter", ()) for name, _ in metrics.sums}
    metrics.gauges.clear()
    metrics.sums.clear()
    metrics.counters = Nothing()
    for family in metrics.collect():
        if family.name.startswith("tollbar_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, tuple(getattr(family, "_labelnames", ())))
    table = [row for row in rows(page("metrics")) if row[0].startswith("`tollbar_")]
    assert {quoted(row[0])[0]: (row[1], tuple(quoted(row[2]))) for row in table} == found


# -- log lines


def constants(methods: set[str], place: int) -> set[str]:
    """The texts given at one place of every call of these methods, wherever in the source."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in methods
                and len(node.args) > place
            ):
                inside = ast.walk(node.args[place])
                found |= {n.value for n in inside if isinstance(n, ast.Constant) and n.value}
    return {text for text in found if isinstance(text, str)}


def test_the_events_of_the_log() -> None:
    assert set(first_column(section(page("log"), "Events"))) == constants({"line"}, 1)


def test_the_values_of_the_events() -> None:
    found = set()
    for node in ast.walk(ast.parse((SOURCES / "log.py").read_text())):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found.add(node.slice.value)
    table = rows(section(page("log"), "Events"))
    told = {value for row in table for value in quoted(row[2])[0].split()}
    assert told == {name for name in found if isinstance(name, str)} - {
        "time",
        "event",
        "detail",
        "suppressed",
    }


def test_the_notices() -> None:
    assert set(first_column(section(page("log"), "Notices"))) == constants({"notice", "noticed"}, 0)


# -- reasons, outcomes, statuses


def test_the_reasons_of_a_refusal_and_their_answers() -> None:
    table = list(rows(section(page("reasons"), "Why a call was refused")))
    assert {quoted(row[0])[0]: row[1:4] for row in table if len(row) == 5} == {
        reason: [str(answer.status), str(answer.q850), answer.text]
        for reason, answer in ANSWERS.items()
    }
    gate = (SOURCES / "b2bua" / "gate.py").read_text()
    own = {quoted(row[0])[0] for row in table if len(row) == 3}
    assert own == set(re.findall(r'word = "(\w+)"', gate))


def test_the_reasons_of_an_ending() -> None:
    found = constants({"fail"}, 1) | constants({"hang_up"}, 0)
    found |= constants({"finish"}, 0) | constants({"_drop"}, 2)
    found |= constants({"refuse"}, 4) | constants({"end"}, 1)
    for path in (SOURCES / "b2bua").glob("*.py"):
        found |= set(re.findall(r'fact\.reason = "(\w+)"', path.read_text()))
    found |= constants({"hangup"}, 1)  # the operator's word
    assert set(first_column(section(page("reasons"), "Why a call ended"))) == found


def test_the_outcomes() -> None:
    assert first_column(section(page("reasons"), "Outcomes")) == [
        causes.ANSWERED,
        causes.BUSY,
        causes.NO_ANSWER,
        causes.CANCELLED,
        causes.FAILED,
        causes.REFUSED,
        causes.INTERRUPTED,
    ]


def test_no_method_that_is_said_to_be_refused_is_served() -> None:
    table = {
        row[0]: row[1] for row in rows(section(page("reasons"), "What never becomes a record"))
    }
    refused = re.findall(r"\b[A-Z]{5,}\b", table["405"])
    assert refused
    assert {method.encode() for method in refused} & set(METHODS) == set()

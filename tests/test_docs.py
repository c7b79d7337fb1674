"""What README.md and docs/ say is there: links, commands, configuration by example."""

import argparse
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.transactions import drawn
from tests.pages import (
    PAGES,
    TREE,
    examples,
    first_column,
    loaded,
    name_of,
    page,
    plain,
    quoted,
    rows,
    section,
    without_blocks,
    written,
)

from tollbar.cli import main, parser
from tollbar.config import load
from tollbar.loading import load_snapshot
from tollbar.policy.verdict import ROWS

README = TREE / "README.md"
# Named in the table of what there is, as planned.
PLANNED = {"init", "apply"}

# -- links


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", without_blocks(path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(path.read_text())):
        target, _, anchor = link.partition("#")
        there = (path.parent / target) if target else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_from_the_index() -> None:
    index = TREE / "docs" / "README.md"
    links = re.findall(r"\]\(([^)#]+)\)", index.read_text())
    linked = {(index.parent / link).resolve() for link in links}
    assert set((TREE / "docs").rglob("*.md")) - linked - {index} == set()


def test_what_is_tested_names_its_test() -> None:
    table = list(rows(section(README.read_text(), "What there is")))
    assert len(table) > 20
    assert {row[1] for row in table} <= {"planned", "tested", "in use"}
    for row in table:
        assert ("](tests/" in row[2]) == (row[1] != "planned"), row[0]


def test_nothing_refers_to_a_document_that_is_not_here() -> None:
    """Chapters of what the project was planned with: nobody can look them up."""
    listed = subprocess.run(
        ["git", "grep", "-lwE", "SPEC|DESIGN|FIELD", "--", ".", ":!tests/test_docs.py"],
        cwd=TREE,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode > 1:
        pytest.skip("no git checkout")
    assert listed.stdout.splitlines() == []


# -- commands


def commands(path: Path) -> Iterator[list[str]]:
    """Every command line in a page: indented, fenced, or in the text."""
    text = path.read_text()
    found = re.findall(r"^(?: {4}|\$ )((?:tollbar|make|sipp) .*)", text, re.M)
    found += re.findall(r"`((?:tollbar|make) [^`]+)`", text)
    for line in found:
        for command in line.split(" && "):
            yield shlex.split(command)


def sub_commands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("no commands")


def verbs(command: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options(command: argparse.ArgumentParser) -> set[str]:
    return {option for action in command._actions for option in action.option_strings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_command_is_one_that_there_is(path: Path) -> None:
    known = sub_commands()
    targets = set(re.findall(r"^([a-z]+):", (TREE / "Makefile").read_text(), re.M))
    for words in commands(path):
        if words[0] == "make":
            assert words[1] in targets, words
        elif words[0] == "sipp":
            files = [word for word in words if word.endswith(".xml")]
            assert [file for file in files if not (TREE / file).exists()] == []
        elif words[1] not in ("--version", "COMMAND", *PLANNED):
            assert words[1] in known, words
            command = known[words[1]]
            if verbs(command) and words[2:]:
                command = verbs(command)[words[2]]
            given = {word for word in words[2:] if word.startswith("-")}
            assert given - options(command) == set(), words


def test_the_commands_of_the_reference_are_those_of_the_command_line() -> None:
    which = {name for name in first_column(page("cli")) if name.startswith("--")}
    told = {
        name: set(" ".join(quoted(row[1])).split())
        for row in rows(page("cli"))
        for name in quoted(row[0])
        if not row[0].startswith("`--") and not row[0].startswith("SIG")
    }
    found: dict[str, set[str]] = {}
    for name, command in (*sub_commands().items(), *verbs(sub_commands()["users"]).items()):
        long = {option for option in options(command) if option.startswith("--")}
        found.setdefault(name, set()).update(long - {"--help", "--config"})
        if name in ("cdr", "report", "untagged"):
            meant = which - {"--code"} if name == "untagged" else which
            assert meant <= long
            found[name] -= meant
    assert told == found


def decisions() -> Iterator[tuple[str, str]]:
    """Every `tollbar simulate` of a page that is followed by what it prints."""
    for path in PAGES:
        shown = r"^(?: {4}|```\n\$ )tollbar (simulate .*)\n(?:\n```\n)?((?:.+\n)+?)```"
        yield from re.findall(shown, path.read_text(), re.M)


def test_every_decision_that_is_shown_is_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(TREE / "config", tmp_path / "config")
    found = list(decisions())
    assert len(found) == 2
    for command, shown in found:
        main([*shlex.split(command), "--config", str(tmp_path / "config" / "gateway.yaml")])
        assert capsys.readouterr().out == shown


# -- configuration by example

EXAMPLES = [
    pytest.param(example, id=f"{name_of(path)}-{number}")
    for path in PAGES
    for number, example in enumerate(examples(path), 1)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_configuration_loads(example: str, tmp_path: Path) -> None:
    assert loaded(example, tmp_path).peers


def test_the_two_examples_of_the_readme_work_together(tmp_path: Path) -> None:
    gateway, directory = map(plain, examples(README))
    snapshot, warnings = load_snapshot(load(written(tmp_path, gateway, directory), {}))
    assert (sorted(snapshot.peers), warnings) == (["carrier", "pbx"], [])


# -- drawn from the code


def test_the_twelve_rows_of_the_guide_are_those_of_the_code() -> None:
    guide = (TREE / "docs" / "guide.md").read_text()
    words = {True: "yes", False: "no"}
    assert list(rows(section(guide, "The twelve rows"))) == [
        [
            str(row.number),
            words[row.right],
            row.code,
            words[row.asks],
            "placed" if row.placed else "not placed",
            words[row.in_report],
        ]
        for row in ROWS
    ]


def test_the_drawn_tables_are_those_of_the_code() -> None:
    assert page("transactions") == drawn()


def test_the_debian_packages_are_those_that_make_asks_for() -> None:
    (told,) = re.findall(r"^Debian packages: (.*?)\n\n", README.read_text(), re.M | re.S)
    named = {word for words in re.findall(r"`([^`]+)`", told) for word in words.split()}
    makefile = (TREE / "Makefile").read_text()
    lists = re.findall(r"^\w+_PACKAGES := (.*)$|\$\(call debian,([\w -]+)\)", makefile, re.M)
    asked = {package for pair in lists for packages in pair for package in packages.split()}
    assert asked <= named

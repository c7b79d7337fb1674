"""The rules of the house that neither ruff nor mypy nor import-linter can hold."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]
SOURCES = sorted((TREE / "src" / "tollbar").rglob("*.py"))
LOCKS = [TREE / "requirements.lock", TREE / "requirements-test.lock"]

# They say nothing of what a thing is (docs: words, one per thing).
EMPTY_WORDS = re.compile(
    "manager|handler|controller|helpers?|utils?|misc|common|base|info|process|do"
)
LONGEST_FILE = 600  # lines; long before that a noun is missing


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TREE)))
def test_a_module_says_what_it_is_and_is_named_by_a_noun(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip()
    found = {
        name
        for name in (path.stem, *names(tree))
        if any(EMPTY_WORDS.fullmatch(word) for word in words(name))
    }
    assert found == set()
    assert len(text.splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TREE)))
def test_no_pattern_has_a_possessive_group(path: Path) -> None:
    """Python before 3.11.5, as Debian 12 has it, goes on at a wrong place where one does not match
    (gh-106052). Single characters and classes may be possessive."""
    assert re.findall(r"\)[?*+]\+|\(\?>", path.read_text()) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_names_versions_and_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "index" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], []), (LOCKS[1], ["test"])])
def test_a_lock_file_holds_what_the_project_asks_for(lock: Path, extras: list[str]) -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    locked = set(re.findall(r"^([a-z0-9.-]+)(?:\[\S+\])?==", lock.read_text(), re.M))
    asked = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in wanted}  # type: ignore[index]
    assert asked - locked == set()


def test_both_lock_files_agree() -> None:
    run, test = (dict(re.findall(r"^(\S+)==(\S+)", lock.read_text(), re.M)) for lock in LOCKS)
    assert run.items() <= test.items()

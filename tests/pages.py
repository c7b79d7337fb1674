"""The pages of the documentation, and what is read from them: sections, tables, examples."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from tollbar.config import load
from tollbar.loading import load_snapshot
from tollbar.policy.snapshot import Snapshot

TREE = Path(__file__).parents[1]
SOURCES = TREE / "src" / "tollbar"
SAMPLE = TREE / "config"
REFERENCE = TREE / "docs" / "reference"
PAGES = [
    TREE / "README.md",
    TREE / "CHANGELOG.md",
    *sorted((TREE / "docs").rglob("*.md")),
    TREE / "sipp-scenarios" / "README.md",
    TREE / "bench" / "README.md",
]


def name_of(path: Path) -> str:
    return str(path.relative_to(TREE))


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def without_blocks(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", without_blocks(text), re.S | re.M
    )
    assert found, f"no heading {heading!r}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row, without headings and rules."""
    for line, after in pairwise([*text.splitlines(), ""]):
        if line.startswith("| ") and not after.startswith("|---"):
            yield [cell.strip() for cell in line[1:].rstrip().removesuffix("|").split("|")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def first_column(text: str) -> list[str]:
    return [name for row in rows(text) for name in quoted(row[0])]


def examples(path: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", path.read_text(), re.S)


def plain(text: str) -> Any:
    """YAML as nothing but mappings, lists and texts."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def written(folder: Path, gateway: Any, directory: Any) -> Path:
    """Both files in a folder, with the files that an example may name beside them."""
    for name in ("sip.pem", "sip.key", "partners.pem", "database.url"):
        (folder / name).write_text("sqlite:///records.db\n")
    gateway["directory"] = "directory.yaml"
    (folder / "directory.yaml").write_text(yaml.safe_dump(directory, sort_keys=False))
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(gateway, sort_keys=False))
    return path


def loaded(example: str, folder: Path) -> Snapshot:
    """An example loaded: alone where it is a whole file, else laid over the sample's."""
    files = {name: plain((SAMPLE / f"{name}.yaml").read_text()) for name in SAMPLES}
    name = example.removeprefix("# ").partition(".yaml\n")[0]
    assert name in SAMPLES, "the first line of an example says which file it is of"
    told = plain(example)
    files[name] = told if SAMPLES[name] <= set(told) else merged(files[name], told)
    snapshot, _ = load_snapshot(load(written(folder, *files.values()), {}))
    return snapshot


# What makes an example a whole file and no fragment of one.
SAMPLES = {"gateway": {"listeners", "peers", "dial_groups"}, "directory": {"users", "dial_plan"}}


def merged(sample: Any, fragment: Any) -> Any:
    if not isinstance(sample, dict) or not isinstance(fragment, dict):
        return fragment
    return {
        **sample,
        **{key: merged(sample.get(key), value) for key, value in fragment.items()},
    }

"""Whatever a configuration file holds, it is read or refused, and never breaks the reader."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollbar.config import load
from tollbar.directory.reading import parse_directory
from tollbar.document import Document, Rejected

CONFIG = Path(__file__).parent.parent / "config"
GATEWAY = (CONFIG / "gateway.yaml").read_bytes()
DIRECTORY = (CONFIG / "directory.yaml").read_bytes()

_PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            b": ",
            b"- ",
            b"\n",
            b"  ",
            b"[",
            b"]",
            b"{",
            b"}",
            b"'",
            b'"',
            b"&a ",
            b"*a",
            b"!x ",
            b"~",
        ]
    ),
    st.sampled_from(GATEWAY.split() + DIRECTORY.split()),
)


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    data = original
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 12))
        data = data[:start] + draw(_PIECES) + data[start + cut :]
    return data


def told(error: Rejected) -> bool:
    """Whether there is something to read, one line for each finding."""
    lines = str(error).split("\n")
    return bool(error.findings) and len(lines) == len(error.findings) and all(lines)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=damaged(GATEWAY))
def test_a_damaged_gateway_file_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(data)
    try:
        gateway = load(path, {})
    except Rejected as error:
        sound = told(error)
    else:
        sound = bool(gateway.listeners and gateway.peers)
    assert sound


@settings(max_examples=150, deadline=None)
@given(data=st.one_of(damaged(DIRECTORY), st.binary(max_size=200)))
def test_a_damaged_directory_file_is_read_or_refused(data: bytes) -> None:
    try:
        document = Document.parse(data, "directory.yaml")
        directory = parse_directory(document)
        document.settle()
    except Rejected as error:
        sound = told(error)
    else:
        sound = all(directory.tenants)
    assert sound

"""The files of a TLS listener, as `tollbar check`, a start and a reload read them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.authority import Authority

from tollbar import pem
from tollbar.config import load


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Good ones, and one of each that is not."""
    authority = Authority(tmp_path)
    authority.issue("sip")
    authority.issue("other")
    (tmp_path / "none.pem").write_text("nothing\n")
    key = serialization.load_pem_private_key((tmp_path / "sip.key").read_bytes(), None)
    sealed = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "sealed.key").write_bytes(sealed)
    return tmp_path


@pytest.mark.parametrize(
    ("certificate", "key", "ca", "told"),
    [
        ("sip.pem", "sip.key", "ca.pem", None),
        ("none.pem", "sip.key", "ca.pem", "certificate: none.pem: there is no certificate in it"),
        ("sip.pem", "sip.key", "none.pem", "client_ca: none.pem: there is no certificate in it"),
        ("sip.pem", "none.pem", "ca.pem", "key: none.pem: there is no private key in it"),
        (
            "sip.pem",
            "other.key",
            "ca.pem",
            "key: other.key: it is not the key of the first certificate",
        ),
        (
            "sip.pem",
            "sealed.key",
            "ca.pem",
            "key: sealed.key: it wants a pass phrase: write the key without one",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    files: Path, certificate: str, key: str, ca: str, told: str | None
) -> None:
    path = files / "gateway.yaml"
    listener = f"bind: tls:127.0.0.1, certificate: {certificate}, key: {key}, client_ca: {ca}"
    path.write_text(
        f"listeners:\n  tls: {{{listener}}}\npeers: {{pbx: {{role: pbx, from: 127.0.0.1}}}}\n"
    )
    found = [str(finding).replace(f"{files}/", "") for finding in pem.findings(load(path))]
    assert found == ([f"gateway.yaml:2:3: listeners.tls.{told}"] if told else [])

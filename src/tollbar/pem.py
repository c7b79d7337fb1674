"""The PEM files of a TLS listener, put into a context: all of them, or what is wrong with which.

Whoever checks, starts or reloads comes through here, so that they say the same; nobody else
reads a key, which other users of gateway.yaml (`tollbar report`) may not be allowed to.
"""

import os
import ssl
from pathlib import Path
from typing import Final

from tollbar.finding import Finding
from tollbar.gateway import Gateway, Listener
from tollbar.sip.flow import TLS

_REASONS: Final = {
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in it",
    "KEY_VALUES_MISMATCH": "it is not the key of the first certificate",
    None: "there is no private key in it",
}


class Unusable(OSError):  # noqa: N818 - it says what, not that it failed
    """A file that cannot be used; ``entry`` is the listener's key that names it."""

    def __init__(self, entry: str, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.entry = entry


def load(context: ssl.SSLContext, listener: Listener) -> None:
    """Our own certificate, and whom we trust; raises Unusable."""
    certificate, key, authority = listener.certificate, listener.key, listener.client_ca
    entry, path = "certificate", certificate
    try:
        if certificate is not None and key is not None:
            # By itself first: a pair that fails does not tell which of the two it was.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
            entry, path = "key", key
            context.load_cert_chain(certificate, key, _sealed)
        entry, path = "client_ca", authority
        if authority is not None:
            context.load_verify_locations(authority)
    except OSError as error:
        assert path is not None
        raise Unusable(entry, path, why(error, _REASONS)) from error


def findings(gateway: Gateway) -> list[Finding]:
    """What a start would refuse."""
    found = []
    for listener in gateway.listeners:
        if listener.transport != TLS:
            continue
        try:
            load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), listener)
        except Unusable as flaw:
            where = f"listeners.{listener.name}"
            place = gateway.places[where]
            found.append(Finding(place, f"{where}.{flaw.entry}", str(flaw)))
    return found


def _sealed() -> str:
    # Without this OpenSSL asks at the terminal, and whoever reads the file waits for ever.
    raise OSError("it wants a pass phrase: write the key without one")


def why(error: OSError, words: dict[str | None, str] | None = None) -> str:
    """An error of TLS or of the system as one reads it, without numbers and places in OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        known = (words or {}).get(error.reason)
        return known or (error.reason or "TLS failed").lower().replace("_", " ")
    if isinstance(error, TimeoutError):
        return "timed out"
    return os.strerror(error.errno).lower() if error.errno else str(error)

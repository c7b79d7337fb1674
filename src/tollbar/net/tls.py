"""TLS contexts of a listener, and the names a certificate proves (RFC 5922 section 7).

Modern defaults: TLS 1.2 and up, the interpreter's cipher list. A listener without
``client_ca`` asks nobody for a certificate; with it, a certificate is welcome but not
demanded (which peers need one is for the peers' rules to say). Certificates are read again
on reload as a whole: if one file is broken, all the old ones stay.
"""

import ssl
from typing import Final

from tollbar import pem
from tollbar.address import certificate_name
from tollbar.gateway import Listener

MOST_NAMES: Final = 64


class Contexts:
    """The two contexts of one TLS listener, replaced together."""

    __slots__ = ("client", "server")

    def __init__(self, listener: Listener) -> None:
        self.server = server_context(listener)
        self.client = client_context(listener)

    def take(self, fresh: "Contexts") -> None:
        """Use another pair from the next handshake on; connections that are up keep theirs."""
        self.server = fresh.server
        self.client = fresh.client


def server_context(listener: Listener) -> ssl.SSLContext:
    """For those who connect to us; raises pem.Unusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    pem.load(context, listener)
    if listener.client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(listener: Listener) -> ssl.SSLContext:
    """For those we connect to: their certificate must be good and name them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    pem.load(context, listener)
    if listener.client_ca is None:
        context.load_default_certs()
    return context


def proven_names(tls: ssl.SSLObject | ssl.SSLSocket | None) -> tuple[str, ...]:
    """The names of the other side's verified certificate: SIP URIs and DNS names, else CN."""
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:
        return ()
    names: list[str] = []
    alternatives = certificate.get("subjectAltName", ())
    if isinstance(alternatives, tuple):
        for kind, value in alternatives:
            if kind == "URI" and str(value).lower().startswith(("sip:", "sips:")):
                names.append(certificate_name(str(value)))
            elif kind == "DNS":
                names.append(str(value).lower())
    if not names:  # RFC 5922 section 7.1: the subject counts only where no such name is given
        subject = certificate.get("subject", ())
        for part in subject if isinstance(subject, tuple) else ():
            names += [str(pair[1]).lower() for pair in part if pair[0] == "commonName"]
    return tuple(dict.fromkeys(names[:MOST_NAMES]))

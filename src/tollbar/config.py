"""gateway.yaml read strictly into a ``Gateway`` (docs/reference/gateway.md).

Every entry is checked by itself here and against the others in ``wiring``; all that is wrong
is told at once, with file, line and a hint. It must never open a socket, look up a name or
make a directory: ``tollbar check`` runs it on a machine that is serving calls.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tollbar.address import (
    certificate_name,
    plain_address,
    public_host,
    source,
    transport_address,
)
from tollbar.b2bua.causes import OUTCOMES
from tollbar.document import Document, Fields, Place, Value, Wrong
from tollbar.gateway import (
    AccountCodes,
    Destination,
    DialGroup,
    Gateway,
    Guessing,
    Listener,
    Peer,
    Source,
)
from tollbar.wiring import check_wiring

__all__ = [
    "AccountCodes",
    "Destination",
    "DialGroup",
    "Gateway",
    "Guessing",
    "Listener",
    "Peer",
    "Source",
    "load",
]

DAY: Final = 86400.0  # seconds
AUDIT: Final = "audit"
KEPT: Final = (*OUTCOMES, AUDIT)
"""What retention may give a term."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
# Headers that carry the call itself, or an identity: a code in one of them would be lost or
# would break the leg. One-letter names are the compact forms.
_OWN_HEADERS: Final = """
    accept alert-info allow allow-events authentication-info authorization call-id contact
    content-disposition content-encoding content-length content-type cseq date diversion event
    expires from history-info identity max-forwards mime-version min-expires min-se
    p-asserted-identity p-preferred-identity path privacy proxy-authenticate
    proxy-authorization proxy-require rack reason record-route refer-to referred-by
    remote-party-id replaces require retry-after route rseq server service-route
    session-expires subscription-state supported timestamp to unsupported user-agent via
    warning www-authenticate x-workgroup
"""
_DATABASES: Final = ("postgresql://", "postgresql+psycopg://", "sqlite:///")
_HUNTS: Final = ("sequential", "round_robin", "weighted")
_OWN_PARAMETERS: Final = "transport user method ttl maddr lr comp tag phone-context isub ext ob gr"


def load(path: Path, environment: Mapping[str, str] | None = None) -> Gateway:
    """Read and check gateway.yaml; raises ``document.Rejected`` naming file, line and hint.

    ``${NAME}`` in a value is taken from ``environment``, by default the process's own.
    """
    document = Document.read(path, os.environ if environment is None else environment)
    gateway = _gateway(document.root, Path(os.path.abspath(path)))
    check_wiring(gateway, document)
    document.settle()
    return gateway


def state_directory(path: Path, environment: Mapping[str, str] | None = None) -> Path:
    """That key alone, whatever is wrong with the others; raises ``document.Rejected``."""
    document = Document.read(path, os.environ if environment is None else environment)
    top = Fields(document.root, dict(document.root.entries()))
    found = _state_directory(top, Path(os.path.abspath(path)))
    document.settle()
    return found


def _state_directory(top: Fields, path: Path) -> Path:
    found = _path(top, "state_directory", path.parent, "var")
    if os.path.exists(found) and not os.path.isdir(found):
        top.wrong("state_directory", f"{found} is no directory", "it is made where there is none")
    return found


def _gateway(root: Value, path: Path) -> Gateway:
    known = (
        "listeners peers dial_groups account_codes guessing chats identity limits state_directory "
        "database directory metrics logging timezone instance unmatched shadow statuses "
        "retention"
    )
    needed = {
        "listeners": "the addresses to answer on, as in udp: {bind: udp:127.0.0.1:5060}",
        "peers": "the PBX and the trunks",
    }
    top = root.fields(known, needed)
    places: dict[str, Place] = {}
    gateway = Gateway(
        path=path,
        listeners=[_listener(n, v, path.parent, places) for n, v in top.entries("listeners")],
        peers=[_peer(name, value, places) for name, value in top.entries("peers")],
        dial_groups=[_dial_group(n, v, places) for n, v in top.entries("dial_groups")],
        places=places,
    )
    for name in top.found:
        places[name] = top.place(name)
    for name in ("listeners", "peers"):
        if name in top and not top.entries(name):
            top.wrong(name, "is empty", needed[name])
    gateway.account_codes = _account_codes(top, places)
    gateway.guessing = _guessing(top)
    gateway.state_directory = _state_directory(top, path)
    gateway.directory = _path(top, "directory", path.parent, "directory.yaml")
    gateway.database = _database(top, path.parent)
    gateway.timezone = top.parsed("timezone", _time_zone, "UTC")
    gateway.instance = top.parsed("instance", _name, "tollbar")
    gateway.unmatched = top.choice("unmatched", ("refuse", "as_entered"), "refuse")
    gateway.shadow = top.flag("shadow")
    gateway.statuses = {
        reason: value.integer(400, 699, 403) for reason, value in top.entries("statuses")
    }
    gateway.retention = _retention(top)
    identity = _section(top, "identity", "unknown_callers unknown_sources")
    gateway.unknown_callers = identity.choice("unknown_callers", ("default", "refuse"), "default")
    gateway.unknown_sources = identity.choice("unknown_sources", ("drop", "refuse"), "drop")
    chats = _section(top, "chats", "gap")
    gateway.chat_gap = chats.seconds("gap", gateway.chat_gap)
    limits = _section(top, "limits", "max_call max_calls max_chats commit_deadline")
    gateway.max_call = limits.seconds("max_call", gateway.max_call)
    gateway.max_calls = limits.integer("max_calls", 1, 10_000_000, gateway.max_calls)
    gateway.max_chats = limits.integer("max_chats", 1, 10_000_000, gateway.max_chats)
    gateway.commit_deadline = limits.seconds("commit_deadline", gateway.commit_deadline)
    metrics = _section(top, "metrics", "bind")
    usual = (gateway.metrics_host, gateway.metrics_port)
    gateway.metrics_host, gateway.metrics_port = metrics.parsed("bind", _metrics_bind, usual)
    logging = _section(top, "logging", "format level")
    gateway.log_format = logging.choice("format", ("text", "json"), "text")
    gateway.log_level = logging.choice("level", ("debug", "info", "warning", "error"), "info")
    return gateway


def _listener(name: str, value: Value, folder: Path, places: dict[str, Place]) -> Listener:
    _checked_name(name, value, places)
    fields = value.fields(
        "bind advertise certificate key client_ca",
        {"bind": "transport, address and port, as in udp:127.0.0.1:5060"},
    )
    transport, host, port = fields.parsed("bind", transport_address, ("", "", 0))
    advertise_host, advertise_port = fields.parsed("advertise", public_host, ("", 0))
    if transport and host in ("0.0.0.0", "::") and "advertise" not in fields:
        fields.wrong(
            "bind",
            'a wildcard bind needs "advertise"',
            "advertise: the address at which peers reach this machine, as in 192.0.2.10",
        )
    for key in ("certificate", "key"):
        if transport == "tls" and key not in fields:
            value.wrong(f'a TLS listener needs "{key}"', f"{key}: path of a PEM file")
    for key in ("certificate", "key", "client_ca"):
        if transport and transport != "tls" and key in fields:
            fields.wrong(key, f"has no meaning for {transport}", "only a tls listener has one")
    return Listener(
        name,
        transport,
        host,
        port,
        advertise_host or host,
        advertise_port or port,
        _pem(fields, "certificate", folder),
        _pem(fields, "key", folder),
        _pem(fields, "client_ca", folder),
    )


def _peer(name: str, value: Value, places: dict[str, Place]) -> Peer:
    _checked_name(name, value, places)
    known = (
        "role tenant listener from certificates to domain location trust reveal_reason rewrite "
        "send_code_as incoming incoming_numbers transit first_answer ring_timeout"
    )
    fields = value.fields(known, {"role": "role: pbx or role: trunk"})
    peer = Peer(name, fields.choice("role", ("pbx", "trunk"), ""))
    peer.tenant = fields.parsed("tenant", _name, "default")
    peer.listener = fields.text("listener")
    for entry in fields.items("from"):
        parsed = entry.parsed(lambda text: Source(*source(text)), None)
        if parsed is not None:
            places[f"peers.{name}.from.{parsed}"] = entry.place
            peer.sources.append(parsed)
    names = [entry.parsed(_certificate, "") for entry in fields.items("certificates")]
    peer.certificates = [name for name in names if name]
    peer.to = fields.parsed("to", lambda text: Destination(*transport_address(text)), None)
    peer.domain = fields.parsed("domain", _domain, "")
    peer.location = fields.text("location")
    trust = _section(fields, "trust", "identity account_code workgroup")
    peer.trust_identity = trust.flag("identity")
    peer.trust_code = trust.flag("account_code")
    peer.trust_workgroup = trust.flag("workgroup")
    peer.reveal_reason = fields.flag("reveal_reason")
    peer.rewrite = list(_texts(fields, "rewrite", places))
    peer.send_code_as = fields.parsed("send_code_as", _code_header, "")
    peer.incoming = fields.text("incoming")
    peer.incoming_numbers = dict(_texts(fields, "incoming_numbers", places))
    peer.transit = fields.flag("transit")
    peer.first_answer = fields.seconds("first_answer", peer.first_answer)
    peer.ring_timeout = fields.seconds("ring_timeout", peer.ring_timeout)
    for key in fields.found:
        places.setdefault(f"peers.{name}.{key}", fields.place(key))
    return peer


def _dial_group(name: str, value: Value, places: dict[str, Place]) -> DialGroup:
    _checked_name(name, value, places)
    group = DialGroup(name, [])
    members = value
    if value.kind == "a mapping":
        fields = value.fields(
            "members hunt schedule", {"members": "members: [name of a trunk, ...]"}
        )
        group.hunt = fields.choice("hunt", _HUNTS, "sequential")
        for entry in fields.items("schedule"):
            line = entry.text()
            places[f"dial_groups.{name}.schedule {line}"] = entry.place
            if line in group.schedule:
                entry.wrong(f'"{line}" is given twice', "remove one")
            group.schedule.append(line)
        found = fields.get("members")
        if found is None:
            return group
        members = found
    if members.kind == "a mapping":
        if group.hunt != "weighted":
            members.wrong("has weights", "hunt: weighted, or a list of names")
        pairs = members.entries()
        group.weights = {member: entry.integer(1, 1000, 1) for member, entry in pairs}
    else:
        pairs = [(entry.text(), entry) for entry in members.items()]
    for member, entry in pairs:
        if member in group.members:
            entry.wrong(f'"{member}" is in this dial group already', "remove one")
        elif member:
            places[f"dial_groups.{name}.{member}"] = entry.place
            group.members.append(member)
    if members.empty or not (pairs or members.kind == "a text"):
        members.wrong("has no members", "name at least one trunk or PBX")
    return group


def _account_codes(top: Fields, places: dict[str, Place]) -> AccountCodes:
    fields = _section(top, "account_codes", "enabled headers parameter templates sticky")
    codes = AccountCodes()
    codes.enabled = fields.flag("enabled", True)
    if "headers" in fields:
        codes.headers = []
        for entry in fields.items("headers"):
            header = entry.parsed(_code_header, "")
            if header.lower() in (known.lower() for known in codes.headers):
                entry.wrong(f'"{header}" is given twice', "case makes no difference")
            elif header:
                codes.headers.append(header)
    codes.parameter = fields.parsed("parameter", _parameter, codes.parameter)
    for entry in fields.items("templates"):
        places[f"account_codes.templates[{len(codes.templates) + 1}]"] = entry.place
        codes.templates.append(entry.text())
    sticky = fields.get("sticky")
    if sticky is not None:
        places["account_codes.sticky"] = sticky.place
        needed = {
            "set": 'the feature code that sets one, as in set: "*62*CODE#"',
            "clear": 'the feature code that clears it, as in clear: "*63#"',
        }
        features = sticky.fields("set clear", needed)
        codes.sticky_set = features.text("set")
        codes.sticky_clear = features.text("clear")
    return codes


def _retention(top: Fields) -> dict[str, float]:
    fields = _section(top, "retention", " ".join(KEPT))
    terms = {}
    for kind in fields.found:
        terms[kind] = fields.seconds(kind, 0.0)
        least = 30 if kind == AUDIT else 1
        if 0.0 < terms[kind] < least * DAY:
            # A forgotten unit would delete everything within the hour; and a gateway that was
            # cut off from its database learns from the audit what is gone.
            fields.wrong(
                kind, f"is less than {least}d", "for example 400d; a bare number is seconds"
            )
    return terms


def _guessing(top: Fields) -> Guessing:
    rules = Guessing()
    fields = _section(top, "guessing", "tries within delay longest peer_tries peer_locks")
    rules.tries = fields.integer("tries", 0, 1000, rules.tries)
    rules.within = fields.seconds("within", rules.within)
    rules.delay = fields.seconds("delay", rules.delay)
    rules.longest = fields.seconds("longest", rules.longest)
    rules.peer_tries = fields.integer("peer_tries", 0, 1000, rules.peer_tries)
    rules.peer_locks = fields.flag("peer_locks")
    if rules.delay > rules.longest:
        name = "delay" if "delay" in fields else "longest"
        fields.wrong(name, "the first lock would be longer than the longest", "delay: 1m")
    return rules


def _section(fields: Fields, name: str, known: str) -> Fields:
    value = fields.get(name)
    return value.fields(known) if value is not None else Fields(fields.value, {})


def _texts(fields: Fields, name: str, places: dict[str, Place]) -> list[tuple[str, str]]:
    pairs = []
    for key, value in fields.entries(name):
        places[value.where] = value.place
        pairs.append((key, value.text()))
    return pairs


def _checked_name(name: str, value: Value, places: dict[str, Place]) -> None:
    places[value.where] = value.place
    try:
        _name(name)
    except Wrong as error:
        value.wrong(error.what, error.hint)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Wrong(f'"{text}" is not a name', "1 to 64 letters, digits, _ . and -")
    return text


def _code_header(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise Wrong(f'"{text}" is not a header name', "letters, digits and -, without a colon")
    if len(text) == 1 or text.lower() in _OWN_HEADERS.split():
        raise Wrong(f'"{text}" cannot carry an account code', "it is Tollbar's own header")
    return text


def _parameter(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise Wrong(f'"{text}" is not a parameter name', "as in account-code")
    if text.lower() in _OWN_PARAMETERS.split():
        raise Wrong(f'"{text}" cannot carry an account code', "SIP gives it another meaning")
    return text.lower()


def _domain(text: str) -> str:
    host, port = public_host(text)
    if port:
        raise Wrong(f'"{text}" holds a port', f"write {host} alone")
    return host


def _certificate(text: str) -> str:
    name = certificate_name(text)
    try:
        name.encode("idna")  # as TLS does where it looks for the name in a server's certificate
    except UnicodeError:
        raise Wrong(
            f'"{text}" is no name of a certificate', "for example sip.example.com"
        ) from None
    return name


def _metrics_bind(text: str) -> tuple[str, int]:
    if text.lower() in ("off", "false", "no"):
        return "", 0
    if text.isdigit():
        raise Wrong(f'"{text}" has no address', f"write 127.0.0.1:{text}")
    return plain_address(text)


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        raise Wrong(
            f'"{text}" is not a time zone of this machine', "for example America/New_York, UTC"
        ) from None
    return text


def _path(fields: Fields, name: str, folder: Path, usual: str) -> Path:
    text = fields.text(name, usual)
    if not text:
        fields.wrong(name, "is an empty path")
    return Path(os.path.normpath(folder / text))


def _pem(fields: Fields, name: str, folder: Path) -> Path | None:
    if name not in fields:
        return None
    path = _path(fields, name, folder, "")
    if not os.path.isfile(path):
        fields.wrong(name, f"there is no file {path}", "a relative path starts at this file")
    return path


def _database(top: Fields, folder: Path) -> str:
    """A URL, which is never told: it may hold a password."""
    before = len(top.value.document.findings)
    url = _secret(top, "database", folder)
    wrong = len(top.value.document.findings) > before
    if "database" in top and not wrong and not url.startswith(_DATABASES):
        top.wrong(
            "database",
            "is no URL of a database known here" if url else "is empty",
            "postgresql://user@host/name or sqlite:///path",
        )
    return url


def _secret(fields: Fields, name: str, folder: Path) -> str:
    """A text, or ``file:PATH`` for the first line of that file."""
    text = fields.text(name)
    if not text.startswith("file:"):
        return text
    path = folder / text.removeprefix("file:")
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        fields.wrong(name, f"cannot read {path}: {reason}")
        return ""

"""gateway.yaml: listeners, peers, dial groups, limits and places, read strictly."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path


@dataclass(slots=True)
class Listener:
    """One address Tollbar answers on. ``advertise_host``/``_port`` stand in Via and Contact."""

    name: str
    transport: str  # udp, tcp, tls
    host: str
    port: int
    advertise_host: str
    advertise_port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None  # TLS: verify client certificates against these


@dataclass(slots=True)
class Source:
    """A place calls of a peer come from; the most specific match of all peers wins (SPEC J1)."""

    network: IPv4Network | IPv6Network
    port: int | None = None
    transport: str | None = None


@dataclass(slots=True)
class Destination:
    """Where a peer is reached: transport, IP literal, port."""

    transport: str
    host: str
    port: int


@dataclass(slots=True)
class Peer:
    """A PBX or a trunk."""

    name: str
    role: str  # pbx, trunk
    tenant: str = "default"
    listener: str = ""  # the listener calls to it leave from
    sources: list[Source] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)  # TLS client certificate names
    to: Destination | None = None
    domain: str = ""  # host of From towards it; "" is our advertised one
    location: str = ""
    trust_identity: bool = False
    trust_code: bool = False
    reveal_reason: bool = False
    rewrite: list[tuple[str, str]] = field(default_factory=list)  # caller: pattern, output (D2)
    send_code_as: str = ""  # header name under which this trunk is given the code; "" never
    incoming: str = ""  # trunk: the pbx its calls go to
    incoming_numbers: dict[str, str] = field(default_factory=dict)  # called pattern -> pbx
    transit: bool = False
    first_answer: float = 4.0  # seconds to the first response
    ring_timeout: float = 180.0  # seconds to the final response


@dataclass(slots=True)
class DialGroup:
    """An ordered set of trunks; ``hunt`` is sequential (others come later)."""

    name: str
    members: list[str]
    hunt: str = "sequential"


@dataclass(slots=True)
class AccountCodes:
    """The system's account code settings (SPEC A1, E1-E3)."""

    enabled: bool = True
    headers: list[str] = field(default_factory=lambda: ["X-Account-Code"])
    parameter: str = "account-code"
    templates: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Gateway:
    """gateway.yaml as one object. Paths are absolute; relative ones are taken from the file."""

    path: Path
    listeners: list[Listener]
    peers: list[Peer]
    dial_groups: list[DialGroup]
    account_codes: AccountCodes = field(default_factory=AccountCodes)
    state_directory: Path = Path("var")
    database: str = ""  # SQLAlchemy URL; "" is the local file in the state directory
    directory: Path = Path("directory.yaml")
    unknown_callers: str = "default"  # default (the default user's rights) or refuse
    unknown_sources: str = "drop"  # drop or refuse
    unmatched: str = "refuse"  # or as_entered (D7)
    shadow: bool = False
    timezone: str = "UTC"
    instance: str = "tollbar"
    max_call: float = 43200.0  # seconds
    max_calls: int = 200_000
    commit_deadline: float = 2.0  # seconds
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464  # 0 switches it off
    log_format: str = "text"  # text or json
    log_level: str = "info"


def load(path: Path) -> Gateway:
    """Read and check gateway.yaml; raises ``document.Rejected`` naming file, line and hint."""
    raise NotImplementedError

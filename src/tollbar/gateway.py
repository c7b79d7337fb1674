"""What gateway.yaml says, as plain objects: listeners, peers, dial groups, limits and places.

Filled and checked by ``tollbar.config``; it must never read a file itself.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tollbar.document import Place


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
    """A place calls of a peer come from; the most specific match of all peers wins.

    ``rank`` orders sources that match one call: the longer prefix first, then the one that
    names a port, then the one that names a transport. Two that rank alike and match one call
    are the same source, which ``load`` refuses.
    """

    network: IPv4Network | IPv6Network
    port: int | None = None
    transport: str | None = None

    @property
    def rank(self) -> tuple[int, bool, bool]:
        return self.network.prefixlen, self.port is not None, self.transport is not None

    def __str__(self) -> str:
        whole = self.network.prefixlen == self.network.max_prefixlen
        text = str(self.network.network_address) if whole else str(self.network)
        if self.port is not None:
            text = f"[{text}]:{self.port}" if ":" in text else f"{text}:{self.port}"
        return f"{self.transport}:{text}" if self.transport else text


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
    trust_workgroup: bool = False
    reveal_reason: bool = False
    rewrite: list[tuple[str, str]] = field(default_factory=list)  # caller: pattern, output
    send_code_as: str = ""  # header name under which this trunk is given the code; "" never
    incoming: str = ""  # trunk: the pbx its calls go to
    incoming_numbers: dict[str, str] = field(default_factory=dict)  # called pattern -> pbx
    transit: bool = False
    first_answer: float = 4.0  # seconds to the first response
    ring_timeout: float = 180.0  # seconds to the final response


@dataclass(slots=True)
class DialGroup:
    """An ordered set of trunks, by which rule they are tried, and when it is open."""

    name: str
    members: list[str]
    hunt: str = "sequential"  # or round_robin, weighted
    weights: dict[str, int] = field(default_factory=dict)  # weighted: 1 where there is none
    schedule: list[str] = field(default_factory=list)  # none: always


@dataclass(slots=True)
class AccountCodes:
    """The system's account code settings."""

    enabled: bool = True
    headers: list[str] = field(default_factory=lambda: ["X-Account-Code"])
    parameter: str = "account-code"
    templates: list[str] = field(default_factory=list)
    sticky_set: str = ""  # feature code that sets a sticky code; "" is none
    sticky_clear: str = ""


@dataclass(slots=True)
class Guessing:
    """When codes that are not accepted lock whoever gives them. Times in seconds."""

    tries: int = 5  # 0: nobody is locked
    within: float = 600.0
    delay: float = 60.0
    longest: float = 3600.0
    peer_tries: int = 50
    peer_locks: bool = False


@dataclass(slots=True)
class Gateway:
    """gateway.yaml as one object. Paths are absolute; relative ones are taken from the file."""

    path: Path
    listeners: list[Listener]
    peers: list[Peer]
    dial_groups: list[DialGroup]
    account_codes: AccountCodes = field(default_factory=AccountCodes)
    guessing: Guessing = field(default_factory=Guessing)
    state_directory: Path = Path("var")
    # SQLAlchemy URL; "" is the local file in the state directory. It may hold a password.
    database: str = field(default="", repr=False)
    # Seconds that records of an outcome, or lines of the audit, are kept; others for ever.
    retention: dict[str, float] = field(default_factory=dict)
    directory: Path = Path("directory.yaml")
    unknown_callers: str = "default"  # default (the default user's rights) or refuse
    unknown_sources: str = "drop"  # drop or refuse
    unmatched: str = "refuse"  # or as_entered
    shadow: bool = False
    statuses: dict[str, int] = field(default_factory=dict)  # SIP status by reason, others as usual
    timezone: str = "UTC"
    instance: str = "tollbar"
    max_call: float = 43200.0  # seconds
    max_calls: int = 200_000
    max_chats: int = 50_000
    chat_gap: float = 1800.0  # seconds
    commit_deadline: float = 2.0  # seconds
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464  # 0 switches it off
    log_format: str = "text"  # text or json
    log_level: str = "info"  # debug, info, warning, error
    # where an entry stands, by its path in the file: "peers.pbx", "account_codes.templates[1]"
    places: dict[str, Place] = field(default_factory=dict, repr=False, compare=False)

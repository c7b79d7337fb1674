"""gateway.yaml: what it may say, and what it says back when it may not."""

from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from pathlib import Path

import pytest

from tollbar.config import Destination, Gateway, Guessing, Source, load
from tollbar.document import Rejected

SAMPLE = Path(__file__).parent.parent / "config" / "gateway.yaml"

GOOD = """\
listeners:
  udp: {bind: udp:127.0.0.1:5060}
peers:
  pbx:
    role: pbx
    from: [127.0.0.0/8, "::1"]
    to: udp:127.0.0.1:5090
  carrier:
    role: trunk
    from: udp:127.0.0.1:5070
    to: udp:127.0.0.1:5070
    incoming: pbx
dial_groups:
  carriers: [carrier]
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def reads(text: str, environment: dict[str, str] | None = None) -> Gateway:
    Path("gateway.yaml").write_text(text, encoding="utf-8")
    return load(Path("gateway.yaml"), environment or {})


def refuses(text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(Rejected) as caught:
        reads(text, environment)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_the_sample_is_read_without_a_finding() -> None:
    gateway = load(SAMPLE, {})
    assert [(one.name, one.transport, one.host, one.port) for one in gateway.listeners] == [
        ("udp", "udp", "127.0.0.1", 5060),
        ("tcp", "tcp", "127.0.0.1", 5060),
    ]
    pbx, carrier = gateway.peers
    assert (pbx.name, pbx.role, pbx.to) == ("pbx", "pbx", Destination("udp", "127.0.0.1", 5090))
    assert pbx.sources == [Source(IPv4Network("127.0.0.0/8")), Source(IPv6Network("::1"))]
    assert pbx.trust_identity
    assert pbx.trust_code
    assert (carrier.name, carrier.role, carrier.incoming) == ("carrier", "trunk", "pbx")
    assert carrier.to == Destination("udp", "127.0.0.1", 5070)
    assert carrier.sources == [Source(IPv4Network("127.0.0.1"), 5070, "udp")]
    assert not carrier.trust_code
    assert (pbx.listener, carrier.listener) == ("udp", "udp")
    assert [(group.name, group.members) for group in gateway.dial_groups] == [
        ("carriers", ["carrier"]),
        ("pbx", ["pbx"]),
    ]
    assert gateway.account_codes.templates == ["*61*CODE#NUMBER"]
    assert (gateway.metrics_host, gateway.metrics_port) == ("127.0.0.1", 9464)
    assert gateway.unknown_callers == "default"
    assert gateway.directory == SAMPLE.parent / "directory.yaml"
    assert gateway.state_directory == SAMPLE.parent.parent / "var"


def test_what_is_left_out_has_its_usual_value(tmp_path: Path) -> None:
    gateway = reads(GOOD)
    assert gateway.path == tmp_path / "gateway.yaml"
    assert gateway.state_directory == tmp_path / "var"
    assert gateway.directory == tmp_path / "directory.yaml"
    assert gateway.account_codes.headers == ["X-Account-Code"]
    assert (gateway.max_call, gateway.commit_deadline) == (43200.0, 2.0)
    assert gateway.peers[0].ring_timeout == 180.0
    assert gateway.database == ""


def test_everything_can_be_said(tmp_path: Path) -> None:
    for name in ("sip.pem", "sip.key", "ca.pem"):
        (tmp_path / name).touch()
    gateway = reads(
        """\
listeners:
  udp: {bind: "udp:[::]:5060", advertise: "[2001:db8::1]:5070"}
  tls:
    bind: tls:0.0.0.0
    advertise: sip.example.com
    certificate: sip.pem
    key: sip.key
    client_ca: ca.pem
peers:
  pbx:
    role: pbx
    tenant: acme
    listener: tls
    from: [tls:192.0.2.0/24, "[2001:db8::/32]:5060", "::1", 192.0.2.1:5061]
    certificates: [sip:PBX.example.com, sips:alt.example.com, third.example.com]
    to: tls:192.0.2.9
    domain: pbx.example.com
    location: berlin
    trust: {identity: yes, account_code: true, workgroup: on}
    reveal_reason: true
    rewrite: {+1317555XXXX: XXXX, 0317Z: +1317Z}
  carrier:
    role: trunk
    to: udp:[2001:db8::5]:5062
    send_code_as: X-Billing
    incoming: pbx
    incoming_numbers: {"3175550XXX": pbx}
    transit: true
    first_answer: 500ms
    ring_timeout: 3m
dial_groups:
  carriers: {members: {carrier: 3}, hunt: weighted, schedule: [mon-fri 08:00-18:00]}
account_codes:
  enabled: false
  headers: [X-accountcode]
  parameter: Matter
  templates: ["*61*CODE#NUMBER", CODE**NUMBER]
  sticky: {set: "*62*CODE#", clear: "*63#"}
guessing: {tries: 3, within: 1m, delay: 2s, longest: 1d, peer_tries: 0, peer_locks: true}
identity: {unknown_callers: refuse, unknown_sources: refuse}
unmatched: as_entered
shadow: true
statuses: {unknown: 404}
chats: {gap: 10m}
limits: {max_call: 1h, max_calls: 10, max_chats: 5, commit_deadline: 500ms}
state_directory: /var/lib/tollbar
directory: people.yaml
database: postgresql+psycopg://tollbar:${PASS}@db/tollbar
timezone: Europe/Berlin
instance: gw-1
metrics: {bind: off}
logging: {format: json, level: debug}
""",
        {"PASS": "s3cret"},
    )
    udp, tls = gateway.listeners
    assert (udp.host, udp.advertise_host, udp.advertise_port) == ("::", "2001:db8::1", 5070)
    assert (tls.port, tls.advertise_host, tls.advertise_port) == (5061, "sip.example.com", 5061)
    assert (tls.certificate, tls.client_ca) == (tmp_path / "sip.pem", tmp_path / "ca.pem")
    pbx, carrier = gateway.peers
    assert pbx.sources == [
        Source(IPv4Network("192.0.2.0/24"), None, "tls"),
        Source(IPv6Network("2001:db8::/32"), 5060),
        Source(IPv6Network("::1")),
        Source(IPv4Network("192.0.2.1"), 5061),
    ]
    assert pbx.certificates == ["pbx.example.com", "alt.example.com", "third.example.com"]
    assert pbx.to == Destination("tls", "192.0.2.9", 5061)
    assert (pbx.tenant, pbx.location, pbx.domain) == ("acme", "berlin", "pbx.example.com")
    assert pbx.rewrite == [("+1317555XXXX", "XXXX"), ("0317Z", "+1317Z")]
    assert carrier.to == Destination("udp", "2001:db8::5", 5062)
    assert carrier.incoming_numbers == {"3175550XXX": "pbx"}
    assert (carrier.first_answer, carrier.ring_timeout, carrier.transit) == (0.5, 180.0, True)
    assert (carrier.send_code_as, carrier.listener) == ("X-Billing", "udp")
    assert gateway.account_codes.parameter == "matter"
    assert gateway.account_codes.templates == ["*61*CODE#NUMBER", "CODE**NUMBER"]
    assert (gateway.account_codes.sticky_set, gateway.account_codes.sticky_clear) == (
        "*62*CODE#",
        "*63#",
    )
    assert (gateway.chat_gap, gateway.max_chats) == (600.0, 5)
    assert gateway.guessing == Guessing(3, 60.0, 2.0, 86400.0, 0, True)
    assert pbx.trust_workgroup
    (group,) = gateway.dial_groups
    assert (group.members, group.weights, group.hunt) == (["carrier"], {"carrier": 3}, "weighted")
    assert group.schedule == ["mon-fri 08:00-18:00"]
    assert (gateway.max_call, gateway.max_calls, gateway.commit_deadline) == (3600.0, 10, 0.5)
    assert gateway.database == "postgresql+psycopg://tollbar:s3cret@db/tollbar"
    assert "s3cret" not in repr(gateway)
    assert gateway.state_directory == Path("/var/lib/tollbar")
    assert (gateway.metrics_host, gateway.metrics_port) == ("", 0)
    assert (gateway.unmatched, gateway.shadow) == ("as_entered", True)
    assert gateway.statuses == {"unknown": 404}
    assert gateway.timezone == "Europe/Berlin"


def test_what_is_kept_for_how_long() -> None:
    assert reads(GOOD).retention == {}
    gateway = reads(GOOD + "retention: {answered: 400d, refused: 30d, audit: 720h}\n")
    assert gateway.retention == {"answered": 34_560_000, "refused": 2_592_000, "audit": 2_592_000}


@pytest.mark.parametrize(
    ("term", "told"),
    [
        ("answered: 30", "retention.answered: is less than 1d"),  # days were meant
        ("audit: 7d", "retention.audit: is less than 30d"),
        ("anwsered: 30d", "answered"),
        ("answered: never", "is not a length of time"),
    ],
)
def test_a_term_that_would_delete_too_much_is_refused(term: str, told: str) -> None:
    assert told in refuses(GOOD + f"retention: {{{term}}}\n")


def test_the_most_specific_source_ranks_highest() -> None:
    def ranked(network: str, port: int | None = None, transport: str | None = None) -> Source:
        return Source(IPv4Network(network), port, transport)

    rising = [
        ranked("0.0.0.0/0", 5060, "udp"),
        ranked("127.0.0.0/8"),
        ranked("127.0.0.1", None),
        ranked("127.0.0.1", None, "udp"),
        ranked("127.0.0.1", 5070),
        ranked("127.0.0.1", 5070, "udp"),
    ]
    assert all(low.rank < high.rank for low, high in pairwise(rising))


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///records.db\n", encoding="utf-8")
    assert reads(GOOD + "database: file:url\n").database == "sqlite:///records.db"
    assert refuses(GOOD + "database: file:none\n") == (
        f"gateway.yaml:15:11: database: cannot read {tmp_path}/none: No such file or directory"
    )


TEN_MISTAKES = [
    (
        "an unknown key",
        changed("    role: pbx\n", "    role: pbx\n    form: 10.0.0.1\n"),
        'gateway.yaml:6:5: peers.pbx: unknown key "form" (did you mean "from"?)',
    ),
    (
        "a key given twice",
        changed("    incoming: pbx\n", "    incoming: pbx\n    role: pbx\n"),
        "gateway.yaml:13:5: peers.carrier.role: is given twice (the first is on line 9)",
    ),
    (
        "a host name as target",
        changed("to: udp:127.0.0.1:5090", "to: udp:pbx.example.com:5060"),
        'gateway.yaml:7:9: peers.pbx.to: "pbx.example.com" is a name, and names are not looked up '
        "(write its IP address)",
    ),
    (
        "no transport",
        changed("to: udp:127.0.0.1:5090", "to: 127.0.0.1:5090"),
        'gateway.yaml:7:9: peers.pbx.to: "127.0.0.1:5090" has no transport '
        "(write udp:127.0.0.1:5090, tcp:127.0.0.1:5090 or tls:127.0.0.1:5090)",
    ),
    (
        "a port out of range",
        changed("bind: udp:127.0.0.1:5060", "bind: udp:127.0.0.1:70000"),
        'gateway.yaml:2:15: listeners.udp.bind: "70000" is not a port (1 to 65535)',
    ),
    (
        "a wildcard without advertise",
        changed("bind: udp:127.0.0.1:5060", "bind: udp:0.0.0.0:5060"),
        'gateway.yaml:2:15: listeners.udp.bind: a wildcard bind needs "advertise" '
        "(advertise: the address at which peers reach this machine, as in 192.0.2.10)",
    ),
    (
        "a route to ourselves",
        changed("to: udp:127.0.0.1:5090", "to: udp:127.0.0.1:5060"),
        'gateway.yaml:7:9: peers.pbx.to: is our own listener "udp": calls would go in a circle '
        "(write the address of the PBX or trunk)",
    ),
    (
        "a dial group of nobody",
        changed("carriers: [carrier]", "carriers: [carier]"),
        'gateway.yaml:14:14: dial_groups.carriers: there is no peer "carier" '
        '(did you mean "carrier"?)',
    ),
    (
        "an unquoted IPv6 address in brackets",
        changed('[127.0.0.0/8, "::1"]', "[127.0.0.0/8, ::1]"),
        "gateway.yaml:6:25: is not YAML: expected the node content, but found ':' "
        "(a text that starts with : needs quotes)",
    ),
    (
        "two peers from one place",
        changed("from: udp:127.0.0.1:5070", "from: 127.0.0.0/8"),
        'gateway.yaml:10:11: peers.carrier.from: 127.0.0.0/8 is a source of peer "pbx" too '
        "(make one more specific: a longer prefix, a port or a transport)",
    ),
]


@pytest.mark.parametrize(
    ("text", "told"), [pytest.param(text, told, id=name) for name, text, told in TEN_MISTAKES]
)
def test_ten_mistakes_are_told_with_line_and_hint(text: str, told: str) -> None:
    assert refuses(text) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        # addresses
        (
            "bind: udp:127.0.0.1:5060",
            "bind: ws:127.0.0.1:80",
            'gateway.yaml:2:15: listeners.udp.bind: transport "ws" is not spoken here '
            "(udp, tcp or tls)",
        ),
        (
            "to: udp:127.0.0.1:5090",
            "to: sip:127.0.0.1",
            'gateway.yaml:7:9: peers.pbx.to: "sip:127.0.0.1" is a URI '
            "(write transport:address:port, as in udp:192.0.2.1:5060)",
        ),
        (
            "to: udp:127.0.0.1:5090",
            "to: udp:256.0.0.1:5090",
            'gateway.yaml:7:9: peers.pbx.to: "256.0.0.1" is not an IP address',
        ),
        (
            "to: udp:127.0.0.1:5090",
            "to: udp:0.0.0.0:5090",
            "gateway.yaml:7:9: peers.pbx.to: nothing can be sent to 0.0.0.0 "
            "(write the peer's address)",
        ),
        (
            "from: udp:127.0.0.1:5070",
            "from: 10.1.2.3/8",
            "gateway.yaml:10:11: peers.carrier.from: 10.1.2.3/8 has bits set behind its prefix "
            "(write 10.0.0.0/8, or 10.1.2.3 alone for one address)",
        ),
        (
            "from: udp:127.0.0.1:5070",
            "from: 10.0.0.0/33",
            'gateway.yaml:10:11: peers.carrier.from: "/33" is not a prefix length (/0 to /32)',
        ),
        (
            "from: udp:127.0.0.1:5070",
            "from: [10.0.0.1, 10.0.0.1/32]",
            "gateway.yaml:10:22: peers.carrier.from: 10.0.0.1 is given twice (remove one)",
        ),
        (
            "bind: udp:127.0.0.1:5060",
            "bind: udp:127.0.0.1:5060, advertise: 0.0.0.0",
            "gateway.yaml:2:46: listeners.udp.advertise: 0.0.0.0 cannot be reached by anyone "
            "(write the address peers send to)",
        ),
        # names that lead nowhere
        (
            "    incoming: pbx\n",
            "    incoming: pxb\n",
            'gateway.yaml:12:15: peers.carrier.incoming: there is no peer "pxb" '
            '(did you mean "pbx"?)',
        ),
        (
            "    incoming: pbx\n",
            "    incoming: carrier\n",
            'gateway.yaml:12:15: peers.carrier.incoming: "carrier" is a trunk '
            "(incoming calls go to a peer of role pbx)",
        ),
        (
            "    incoming: pbx\n",
            "    listener: upd\n",
            'gateway.yaml:12:15: peers.carrier.listener: there is no listener "upd" '
            '(did you mean "udp"?)',
        ),
        (
            "to: udp:127.0.0.1:5090",
            "to: tcp:127.0.0.1:5090",
            "gateway.yaml:7:9: peers.pbx.to: no listener speaks tcp over IPv4 "
            "(add a listener with bind: tcp:...)",
        ),
        (
            "carriers: [carrier]",
            "carriers: []",
            "gateway.yaml:14:3: dial_groups.carriers: has no members "
            "(name at least one trunk or PBX)",
        ),
        (
            "carriers: [carrier]",
            "carriers: {members: [carrier], hunt: random}",
            'gateway.yaml:14:40: dial_groups.carriers.hunt: "random" is not a choice '
            "(known: sequential, round_robin, weighted)",
        ),
        (
            "carriers: [carrier]",
            "carriers: {members: {carrier: 2}}",
            "gateway.yaml:14:14: dial_groups.carriers.members: has weights "
            "(hunt: weighted, or a list of names)",
        ),
        (
            "carriers: [carrier]",
            "carriers: {members: {carrier: 0}, hunt: weighted}",
            "gateway.yaml:14:33: dial_groups.carriers.members.carrier: 0 is out of range "
            "(1 to 1000)",
        ),
        (
            "carriers: [carrier]",
            "carriers: {members: [carrier], schedule: [mon, mon]}",
            'gateway.yaml:14:50: dial_groups.carriers.schedule[2]: "mon" is given twice '
            "(remove one)",
        ),
        (
            "dial_groups:\n",
            "account_codes: {sticky: {set: '*62*CODE#'}}\ndial_groups:\n",
            'gateway.yaml:13:17: account_codes.sticky: "clear" is missing '
            '(the feature code that clears it, as in clear: "*63#")',
        ),
        (
            "dial_groups:\n",
            "guessing: {delay: 2h}\ndial_groups:\n",
            "gateway.yaml:13:19: guessing.delay: the first lock would be longer than the longest "
            "(delay: 1m)",
        ),
        (
            "dial_groups:\n",
            "guessing: {tries: -1}\ndial_groups:\n",
            'gateway.yaml:13:19: guessing.tries: "-1" is not a whole number (0 to 1000)',
        ),
        # meaning
        (
            "    role: pbx\n",
            "    transit: true\n    role: pbx\n",
            "gateway.yaml:5:14: peers.pbx.transit: has no meaning for a pbx (only for a trunk)",
        ),
        (
            "    incoming: pbx\n",
            "    ring_timeout: 0s\n",
            "gateway.yaml:12:19: peers.carrier.ring_timeout: must be longer than zero",
        ),
        (
            "    incoming: pbx\n",
            "    ring_timeout: 2s\n    first_answer: 5s\n",
            "gateway.yaml:13:19: peers.carrier.first_answer: is longer than ring_timeout "
            "(the final answer comes after the first)",
        ),
        (
            "    incoming: pbx\n",
            "    certificates: [sip.example.com]\n",
            "gateway.yaml:12:5: peers.carrier.certificates: no listener asks for client "
            "certificates (give a tls listener client_ca: the CA that signed them)",
        ),
        (
            "    incoming: pbx\n",
            "    certificates: [.example.com]\n",
            'gateway.yaml:12:20: peers.carrier.certificates[1]: ".example.com" is no name of a '
            "certificate (for example sip.example.com)",
        ),
        (
            "bind: udp:127.0.0.1:5060",
            "bind: udp:127.0.0.1:5060, client_ca: gateway.yaml",
            "gateway.yaml:2:46: listeners.udp.client_ca: has no meaning for udp "
            "(only a tls listener has one)",
        ),
        # headers that carry the call, and what would inject one
        (
            "    incoming: pbx\n",
            '    send_code_as: "X-A: 1"\n',
            'gateway.yaml:12:19: peers.carrier.send_code_as: "X-A: 1" is not a header name '
            "(letters, digits and -, without a colon)",
        ),
        (
            "    incoming: pbx\n",
            '    send_code_as: "X-A\\r\\nVia"\n',
            "gateway.yaml:12:19: peers.carrier.send_code_as: holds a line break or another "
            "control character (write it on one line)",
        ),
        (
            "    incoming: pbx\n",
            "    domain: a b\n",
            'gateway.yaml:12:13: peers.carrier.domain: "a b" is neither an IP address nor a host '
            "name",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_hint(old: str, new: str, told: str) -> None:
    text = changed(old, new)
    assert refuses(text) == told


@pytest.mark.parametrize("header", ["Via", "CONTACT", "v", "From", "P-Asserted-Identity"])
def test_a_header_of_our_own_cannot_carry_a_code(header: str) -> None:
    told = refuses(GOOD + f"account_codes:\n  headers: [X-Account-Code, {header}]\n")
    assert told == (
        f'gateway.yaml:16:29: account_codes.headers[2]: "{header}" cannot carry an account code '
        "(it is Tollbar's own header)"
    )


@pytest.mark.parametrize("parameter", ["tag", "transport", "LR"])
def test_a_parameter_of_sip_cannot_carry_a_code(parameter: str) -> None:
    told = refuses(GOOD + f"account_codes: {{parameter: {parameter}}}\n")
    assert told.endswith("cannot carry an account code (SIP gives it another meaning)")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("timezone: Mars/Olympus", 'timezone: "Mars/Olympus" is not a time zone of this machine'),
        ("timezone: ../../etc/passwd", "timezone: "),
        ("metrics: {bind: 127.0.0.1}", 'metrics.bind: "127.0.0.1" has no port'),
        ("limits: {max_calls: 0}", "limits.max_calls: 0 is out of range"),
        ("limits: {max_call: forever}", 'limits.max_call: "forever" is not a length of time'),
        ("identity: {unknown_callers: drop}", 'identity.unknown_callers: "drop" is not a choice'),
        ("unmatched: as-entered", 'unmatched: "as-entered" is not a choice (did you mean "as_e'),
        ("instance: a b", 'instance: "a b" is not a name'),
        ("shadow: [1]", "shadow: wants a text, not a list"),
        ("logging: text", 'logging: wants a mapping ("name: value" lines), not a text'),
        ("database: ${NOPE}", "database: environment variable NOPE is not set"),
        ("metrics: {bind: 9464}", 'metrics.bind: "9464" has no address (write 127.0.0.1:9464)'),
        ("database: mysql://a:secret@b/c", "database: is no URL of a database known here (postg"),
        ('database: ""', "database: is empty"),
        ("database: file:/dev/null", "database: is empty"),
        ("state_directory: /dev/null", "state_directory: /dev/null is no directory (it is made"),
        ('state_directory: ""', "state_directory: is an empty path"),
    ],
)
def test_the_other_sections_are_read_as_strictly(section: str, told: str) -> None:
    line = refuses(GOOD + section + "\n")
    assert line.startswith("gateway.yaml:15:")
    assert f": {told}" in line
    assert "secret" not in line


def test_a_tls_listener_needs_its_files(tmp_path: Path) -> None:
    text = changed("  udp: {bind", "  tls: {bind: tls:127.0.0.1:5061, key: k.pem}\n  udp: {bind")
    assert refuses(text) == (
        'gateway.yaml:2:3: listeners.tls: a TLS listener needs "certificate" '
        "(certificate: path of a PEM file)\n"
        f"gateway.yaml:2:40: listeners.tls.key: there is no file {tmp_path}/k.pem "
        "(a relative path starts at this file)"
    )


@pytest.mark.parametrize("other", ["udp:127.0.0.1:5060", "udp:0.0.0.0:5060, advertise: 192.0.2.1"])
def test_two_listeners_cannot_bind_one_port(other: str) -> None:
    text = changed("peers:\n", f"  other: {{bind: {other}}}\npeers:\n")
    assert refuses(text).startswith(
        'gateway.yaml:3:3: listeners.other: binds what listener "udp" binds already '
        "(give it another address or port)"
    )


@pytest.mark.parametrize(
    "other",
    ["udp:10.0.0.1:5060", "tcp:127.0.0.1:5060", '"udp:[::]:5060", advertise: "[2001:db8::1]"'],
)
def test_listeners_differ_by_address_transport_or_family(other: str) -> None:
    text = changed("peers:\n", f"  other: {{bind: {other}}}\npeers:\n")
    assert len(reads(text).listeners) == 2


def test_the_listener_that_fits_is_taken_and_two_that_fit_are_told() -> None:
    more = '  v6: {bind: "udp:[::1]:5060"}\n  out: {bind: udp:0.0.0.0:5062, advertise: 192.0.2.1}\n'
    text = changed("peers:\n", more + "peers:\n")
    text = text.replace("to: udp:127.0.0.1:5070", "to: udp:198.51.100.1")
    pbx, carrier = reads(text).peers
    assert (pbx.listener, carrier.listener) == ("udp", "out")
    text = text.replace("udp:0.0.0.0:5062, advertise: 192.0.2.1", "udp:127.0.0.2:5060")
    assert refuses(text.replace("    to: udp:198.51.100.1\n", "    to: udp:127.0.0.9\n")) == (
        "gateway.yaml:9:9: peers.pbx.to: more than one listener could send this "
        "(listener: udp or out)\n"
        "gateway.yaml:13:9: peers.carrier.to: more than one listener could send this "
        "(listener: udp or out)"
    )


@pytest.mark.parametrize(
    "listener",
    [
        "{bind: udp:0.0.0.0:5090, advertise: 192.0.2.1}",
        "{bind: udp:10.0.0.1:5060, advertise: 127.0.0.1:5090}",
    ],
)
def test_a_route_to_ourselves_is_seen_through_wildcard_and_advertised_address(
    listener: str,
) -> None:
    told = refuses(changed("  udp: {bind: udp:127.0.0.1:5060}", f"  udp: {listener}"))
    assert told.startswith('gateway.yaml:7:9: peers.pbx.to: is our own listener "udp"')


def test_a_peer_that_nothing_can_reach_is_told() -> None:
    assert refuses(GOOD + "  more: [ghost]\npeers2:\n") == (
        'gateway.yaml:15:10: dial_groups.more: there is no peer "ghost" (known: pbx, carrier)\n'
        'gateway.yaml:16:1: unknown key "peers2" (did you mean "peers"?)'
    )
    text = changed("dial_groups:\n", "  ghost: {role: trunk}\ndial_groups:\n")
    assert refuses(text) == (
        "gateway.yaml:13:3: peers.ghost: no call can come from it or go to it "
        '(give it "from" or "to")'
    )
    text = changed("dial_groups:\n", "  ghost: {role: trunk, from: 10.0.0.1}\ndial_groups:\n")
    assert refuses(text + "  more: [ghost]\n") == (
        'gateway.yaml:16:10: dial_groups.more: peer "ghost" has no "to" (calls cannot go there)'
    )


def test_everything_that_is_wrong_is_told_at_once_and_in_order() -> None:
    text = "shdow: true\nlisteners: {udp: {bind: 127.0.0.1}}\npeers: {a b: {role: pxb, to: x}}\n"
    assert refuses(text) == (
        'gateway.yaml:1:1: unknown key "shdow" (did you mean "shadow"?)\n'
        'gateway.yaml:2:25: listeners.udp.bind: "127.0.0.1" has no transport '
        "(write udp:127.0.0.1, tcp:127.0.0.1 or tls:127.0.0.1)\n"
        'gateway.yaml:3:9: peers.a b: "a b" is not a name (1 to 64 letters, digits, _ . and -)\n'
        'gateway.yaml:3:21: peers.a b.role: "pxb" is not a choice (did you mean "pbx"?)\n'
        'gateway.yaml:3:30: peers.a b.to: "x" has no transport (write udp:x, tcp:x or tls:x)'
    )


def test_an_empty_file_says_what_it_wants() -> None:
    assert refuses("") == (
        'gateway.yaml:1:1: "listeners" is missing '
        "(the addresses to answer on, as in udp: {bind: udp:127.0.0.1:5060})\n"
        'gateway.yaml:1:1: "peers" is missing (the PBX and the trunks)'
    )
    assert refuses("listeners:\npeers: {}\n") == (
        "gateway.yaml:1:1: listeners: is empty "
        "(the addresses to answer on, as in udp: {bind: udp:127.0.0.1:5060})\n"
        "gateway.yaml:2:1: peers: is empty (the PBX and the trunks)"
    )

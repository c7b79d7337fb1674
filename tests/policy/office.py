"""A small office for the tests: one PBX, two trunks, four people, a plan in many spellings."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tollbar.policy.account import Code
from tollbar.policy.attempt import Attempt, Decision, Situation
from tollbar.policy.decision import decide
from tollbar.policy.dialplan import DialObject, GroupUse
from tollbar.policy.finding import Finding, PlanError
from tollbar.policy.rights import ALL, Rights, Role, User, Workgroup
from tollbar.policy.settings import Settings, Tenant
from tollbar.policy.snapshot import Snapshot, compile_snapshot
from tollbar.policy.trunk import DialGroup, PeerRules

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC).timestamp()

FIFTY = "1234567890" * 5

CODES = (
    *(Code(code) for code in ("1", "3", "20", "213", "0214", "1234", "001235", "0815", FIFTY)),
    Code("4711", "Cologne Water Works"),
    Code("99", "Closed", active=False),
    Code("2020", "Past", valid_from=date(2020, 1, 1), valid_until=date(2020, 12, 31)),
)

SPELLINGS = ("", "1", "+1", "9", "91", "9+1")
CARRIERS = (GroupUse("carriers"),)


def spelled(national: str, classification: str, **more: Any) -> list[DialObject]:
    """One object for each spelling of a ten-digit pattern."""
    if classification != "blocked":
        more = {"groups": CARRIERS, "dial_string": f"1{national}", **more}
    return [
        DialObject(head + national, classification, standardized=f"+1{national}", **more)
        for head in SPELLINGS
    ]


PLAN = (
    *(
        DialObject(
            number,
            "emergency",
            standardized="911",
            dial_string="911",
            groups=CARRIERS,
        )
        for number in ("911", "9911")
    ),
    *spelled("900NXXXXXX", "blocked"),
    *spelled("$$$NXXXXXX", "toll_free", list_name="toll_free"),
    *spelled("317NXXXXXX", "local"),
    *spelled("NXXNXXXXXX", "long_distance", verification=True, display="(NXX) NXX-XXXX"),
    *(
        DialObject(
            head + "[2-9]Z",
            "international",
            standardized="+[2-9]Z",
            dial_string="011[2-9]Z",
            verification=True,
            groups=CARRIERS,
        )
        for head in ("011", "+", "9011", "9+")
    ),
    DialObject("XXXX", "intercom", groups=(GroupUse("pbx"),)),
)

VERIFIES = Rights(verification=True)

OFFICE = Tenant(
    codes=CODES,
    roles=(Role("timekeeper", VERIFIES), Role("partner", Rights(codes=frozenset({ALL})))),
    workgroups=(
        Workgroup("litigation", roles=("timekeeper",)),
        Workgroup("front_desk", Rights(codes=frozenset({"4711", "0815"}))),
    ),
    users=(
        User(
            "alice",
            extensions=("1001",),
            numbers=("+1 317 555 0101",),
            workgroups=("litigation",),
            roles=("partner",),
        ),
        User("bob", extensions=("1002",), workgroups=("front_desk",)),
        User("carol", extensions=("1003",), workgroups=("litigation",)),
        User("dave", extensions=("1004",)),
    ),
    lists={"toll_free": ("800", "888", "877")},
    dial_plan=PLAN,
)

PEERS = (
    PeerRules("pbx", "pbx", trust_identity=True, trust_code=True),
    PeerRules("carrier", "trunk", incoming="pbx"),
    PeerRules("backup", "trunk", incoming="pbx"),
)
GROUPS = (DialGroup("carriers", ("carrier", "backup")), DialGroup("pbx", ("pbx",)))


def build(
    tenant: Tenant = OFFICE,
    *,
    peers: Sequence[PeerRules] = PEERS,
    groups: Sequence[DialGroup] = GROUPS,
    tenants: dict[str, Tenant] | None = None,
    **settings: Any,
) -> Snapshot:
    """The office's snapshot, with what the test changes about it."""
    return compile_snapshot(tenants or {"default": tenant}, peers, groups, Settings(**settings))


def planned(*objects: DialObject, **more: Any) -> Snapshot:
    """The office with another dial plan."""
    return build(replace(OFFICE, dial_plan=objects), **more)


def findings(tenant: Tenant = OFFICE, **more: Any) -> list[Finding]:
    """What stops the load of this tenant; none where nothing does."""
    try:
        build(tenant, **more)
    except PlanError as error:
        return error.findings
    return []


def refused(*objects: DialObject, **more: Any) -> list[str]:
    """The texts for which this dial plan is refused."""
    return [found.text for found in findings(replace(OFFICE, dial_plan=objects), **more)]


def peer(name: str = "pbx", **changes: Any) -> list[PeerRules]:
    """The office's peers, one of them changed."""
    return [replace(rules, **changes) if rules.name == name else rules for rules in PEERS]


def call(
    snapshot: Snapshot,
    dialled: str,
    caller: str = "1001",
    code: str | None = None,
    *,
    via: str = "pbx",
    utc: float = NOON,
    down: frozenset[str] = frozenset(),
    situation: dict[str, Any] | None = None,
    **attempt: Any,
) -> Decision:
    """Decide one call; ``code`` comes in the header."""
    given = Attempt(via, dialled, from_user=caller, **attempt)
    if code is not None:
        given.codes = [("header", code)]
    return decide(snapshot, given, Situation(utc, down=down, **(situation or {})))

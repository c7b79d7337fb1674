"""Calls from trunks."""

from dataclasses import replace

import pytest
from tests.policy.office import OFFICE, build, call, peer

from tollbar.policy.attempt import FORWARD, IN, OUT, REJECT
from tollbar.policy.rights import User
from tollbar.policy.trunk import PeerRules

TRUNK = "carrier"


def test_a_call_from_a_trunk_goes_to_the_pbx_it_names() -> None:
    decision = call(build(), "1002", "5551234", via=TRUNK)
    assert (decision.action, decision.direction) == (FORWARD, IN)
    assert [(r.peer, r.dial_string) for r in decision.routes] == [("pbx", "1002")]
    assert (decision.user, decision.extension, decision.caller) == ("bob", "1002", "5551234")
    assert (decision.matrix_row, decision.in_report) == (0, False)


@pytest.mark.parametrize("dialled", ["1001", "3175550101", "+13175550101", "(317) 555-0101"])
def test_the_called_user_is_found_by_any_spelling(dialled: str) -> None:
    assert call(build(), dialled, via=TRUNK).user == "alice"


def test_the_extension_is_the_one_that_was_called() -> None:
    user = User("erin", extensions=("1007", "10-05"), numbers=("3175550105",))
    snapshot = build(replace(OFFICE, users=(user,)))
    assert call(snapshot, "1005", via=TRUNK).extension == "1005"
    assert call(snapshot, "+13175550105", via=TRUNK).extension == "1007"
    without = build(replace(OFFICE, users=(replace(user, extensions=()),)))
    assert call(without, "3175550105", via=TRUNK).extension == "3175550105"


def test_a_number_nobody_has_still_goes_to_the_pbx() -> None:
    decision = call(build(), "9195551234", via=TRUNK)
    assert (decision.user, decision.routes[0].peer) == ("", "pbx")


def test_the_table_of_called_numbers_comes_first() -> None:
    peers = [
        *peer(TRUNK, incoming_numbers={"317555XXXX": "hotel", "3175Z": "pbx"}),
        PeerRules("hotel", "pbx"),
    ]
    snapshot = build(peers=peers)
    assert call(snapshot, "3175551234", via=TRUNK).routes[0].peer == "hotel"
    assert call(snapshot, "3175", via=TRUNK).routes[0].peer == "pbx"
    assert call(snapshot, "919", via=TRUNK).routes[0].peer == "pbx"
    only = [replace(one, incoming="") if one.name == TRUNK else one for one in peers]
    decision = call(build(peers=only), "919", via=TRUNK)
    assert (decision.action, decision.reason, decision.status) == (REJECT, "no_match", 404)


def test_a_trunk_that_names_no_pbx_is_warned_of_and_refused() -> None:
    snapshot = build(peers=peer(TRUNK, incoming=""))
    assert [warning.key for warning in snapshot.warnings] == [TRUNK]
    assert call(snapshot, "1001", via=TRUNK).reason == "no_match"


def test_identity_headers_of_a_trunk_give_nobodys_rights() -> None:
    snapshot = build(peers=peer(TRUNK, trust_identity=True, transit=True))
    decision = call(snapshot, "3175551234", "1", via=TRUNK, asserted=["1001"], diverters=["1001"])
    assert (decision.user, decision.caller, decision.matrix_row) == ("", "1001", 0)


def test_a_call_leaves_on_a_trunk_only_with_transit() -> None:
    assert call(build(), "9195551234", via=TRUNK).routes[0].peer == "pbx"
    snapshot = build(peers=peer(TRUNK, transit=True))
    decision = call(snapshot, "9195551234", via=TRUNK)
    assert (decision.action, decision.direction, decision.code_check) == (FORWARD, OUT, "none")
    assert not decision.verification
    assert [route.peer for route in decision.routes] == ["backup"]  # never back where it came from
    assert call(snapshot, "9005551234", via=TRUNK).reason == "blocked"


def test_an_emergency_call_goes_back_where_it_came_from_only_at_the_last() -> None:
    snapshot = build(peers=peer(TRUNK, transit=True))
    decision = call(snapshot, "911", via=TRUNK)
    assert decision.emergency
    assert [route.peer for route in decision.routes] == ["backup", TRUNK]


def test_transit_leaves_ones_own_numbers_at_home() -> None:
    snapshot = build(peers=peer(TRUNK, transit=True))
    decision = call(snapshot, "3175550101", via=TRUNK)
    assert (decision.direction, decision.routes[0].peer) == (IN, "pbx")
    assert call(snapshot, "000", via=TRUNK).routes[0].peer == "pbx"


def test_a_code_from_a_trunk_counts_if_the_called_user_may_assign_it() -> None:
    snapshot = build(peers=peer(TRUNK, trust_code=True))
    given = {user: call(snapshot, user, code="4711", via=TRUNK) for user in ("1001", "1002", "9")}
    assert (given["1001"].account_code, given["1001"].in_report) == ("4711", True)
    assert given["1001"].account_code_description == "Cologne Water Works"
    # Bob has access but not the right, and nobody has neither: dropped, never refused.
    for user in ("1002", "9"):
        assert (given[user].action, given[user].account_code) == (FORWARD, "")
        assert given[user].code_check == "not_permitted"
        assert not given[user].in_report


@pytest.mark.parametrize("code", ["x", "99", "8"])
def test_a_bad_code_from_a_trunk_is_dropped(code: str) -> None:
    snapshot = build(peers=peer(TRUNK, trust_code=True))
    decision = call(snapshot, "1001", code=code, via=TRUNK)
    assert (decision.action, decision.account_code) == (FORWARD, "")


def test_a_code_from_a_trunk_that_is_not_trusted_is_ignored() -> None:
    decision = call(build(), "1001", code="4711", via=TRUNK)
    assert (decision.account_code, decision.code_check) == ("", "none")
    assert ("code ignored", "the peer is not trusted for it") in decision.steps
    off = build(peers=peer(TRUNK, trust_code=True), account_codes=False)
    assert call(off, "1001", code="4711", via=TRUNK).account_code == ""


def test_a_pbx_that_is_down_is_no_trunk() -> None:
    decision = call(build(), "1001", via=TRUNK, down=frozenset({"pbx"}))
    assert (decision.reason, decision.status, decision.direction) == ("no_trunk", 503, IN)

"""Who is calling."""

from dataclasses import replace
from typing import Any

import pytest
from tests.policy.office import OFFICE, build, call, peer

from tollbar.policy.rights import User


@pytest.mark.parametrize(
    ("trusted", "headers", "user"),
    [
        (True, {"caller": "1002"}, "bob"),
        (True, {"caller": "1002", "asserted": ["1001"]}, "alice"),
        (True, {"caller": "1002", "asserted": ["+13175550101"]}, "alice"),
        (True, {"caller": "1002", "asserted": ["Alice", "1001"]}, "alice"),
        (True, {"caller": "1002", "asserted": ["7777"]}, ""),
        (True, {"caller": "1002", "asserted": ["1001"], "diverters": ["1003", "1004"]}, "carol"),
        (True, {"caller": "1002", "diverters": ["7777", "1001"]}, ""),
        (False, {"caller": "1002", "asserted": ["1001"]}, "bob"),
        (False, {"caller": "1002", "diverters": ["1001"]}, "bob"),
        (False, {"caller": "7777"}, ""),
        (True, {"caller": ""}, ""),
    ],
)
def test_the_caller_is_found_by_what_the_peer_is_trusted_for(
    trusted: bool, headers: dict[str, Any], user: str
) -> None:
    snapshot = build(peers=peer(trust_identity=trusted))
    assert call(snapshot, "3175551234", **headers).user == user


def test_it_is_told_by_what_the_caller_was_found() -> None:
    snapshot = build()
    assert ("caller found by", "From") in call(snapshot, "911", "1002").steps
    asserted = call(snapshot, "911", "1002", asserted=["1001"])
    assert ("caller found by", "P-Asserted-Identity") in asserted.steps
    diverted = call(snapshot, "911", "1002", diverters=["1001"])
    assert ("caller found by", "diverter") in diverted.steps
    assert ("caller found by", "From, unknown") in call(snapshot, "911", "7777").steps


def test_the_peers_rewrite_list_comes_before_comparison() -> None:
    rewrite = [("+1317555XXXX", "XXXX"), ("0317555XXXX", "XXXX")]
    snapshot = build(peers=peer(rewrite=rewrite))
    decision = call(snapshot, "3175551234", "+1 (317) 555-1002")
    assert (decision.user, decision.extension, decision.caller) == (
        "bob",
        "1002",
        "+13175551002",
    )
    assert call(snapshot, "3175551234", "1002").user == "bob"
    assert call(snapshot, "3175551234", "+13175561002").user == ""


def test_formatting_is_dropped_on_both_sides() -> None:
    assert call(build(), "3175551234", "+1-317-555-0101").user == "alice"


def test_a_caller_found_by_number_is_shown_with_the_extension() -> None:
    decision = call(build(), "3175551234", "+13175550101")
    assert (decision.caller, decision.extension) == ("+13175550101", "1001")


def test_the_extension_is_the_one_called_from_however_it_is_written() -> None:
    user = User("erin", extensions=("1007", "10-05"), numbers=("3175550105",))
    snapshot = build(replace(OFFICE, users=(user,)))
    assert call(snapshot, "3175551234", "1005").extension == "1005"
    assert call(snapshot, "3175551234", "3175550105").extension == "1007"


def test_an_unknown_caller_has_the_default_users_rights_or_is_refused() -> None:
    assert call(build(), "3175551234", "7777").matrix_row == 5
    decision = call(build(unknown_callers="refuse"), "3175551234", "7777")
    assert (decision.reason, decision.status, decision.caller) == ("unknown_caller", 403, "7777")
    # What was dialled is on record all the same.
    assert (decision.dial_object, decision.classification) == ("317NXXXXXX", "local")
    assert (decision.standardized, decision.dialled) == ("+13175551234", "3175551234")

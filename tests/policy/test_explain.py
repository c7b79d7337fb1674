"""A decision in words, without a code in it."""

import json

import pytest
from tests.policy.office import build, call

from tollbar.policy import explain
from tollbar.policy.attempt import Decision, Route

CASES = [
    call(build(templates=["*61*CODE#NUMBER"]), "*61*4711#9195551234"),
    call(build(), "9195551234", "7777", "4711"),
    call(build(), "911", code="4711"),
    call(build(), "1001", via="carrier"),
    call(build(shadow=True), "9195551234", code="99"),
    call(build(), "9195551234", via="stranger"),
]


def test_the_text_names_all_that_was_looked_at() -> None:
    assert explain.as_text(CASES[0]).splitlines() == [
        "peer                         pbx",
        "caller found by              From",
        "caller                       1001, user alice",
        "dialled                      9195551234",
        "template                     *61*CODE#NUMBER",
        "standardized number matches  +1NXXNXXXXXX",
        "dial-plan object             NXXNXXXXXX",
        "standardized                 +19195551234",
        "classification               long_distance",
        "asks for a code              yes",
        "account code                 **** valid, from digits (Cologne Water Works)",
        "matrix row                   8",
        "in report                    yes",
        "sent                         19195551234 to carrier (dial group carriers)",
        "sent                         19195551234 to backup (dial group carriers)",
        "verdict                      placed (out)",
    ]


def test_a_refusal_and_a_shadowed_one_say_why() -> None:
    refused = explain.as_text(CASES[1])
    assert "refused: not_permitted, 403 Account Code Not Accepted (out)" in refused
    assert "From, unknown" in refused
    assert "would have been refused: retired" in explain.as_text(CASES[4])


@pytest.mark.parametrize("decision", CASES)
def test_no_code_is_shown(decision: Decision) -> None:
    shown = explain.as_text(decision) + explain.as_json(decision)
    shown += json.dumps(explain.as_dict(decision))
    assert "4711" not in shown
    assert '"99"' not in shown


@pytest.mark.parametrize("decision", CASES)
def test_the_stored_line_agrees_with_the_whole(decision: Decision) -> None:
    line = explain.as_json(decision)
    assert "\n" not in line
    stored = json.loads(line)
    whole = json.loads(json.dumps(explain.as_dict(decision)))
    assert {key: whole.get(key) for key in stored} == {
        key: value or whole.get(key) for key, value in stored.items()
    }
    assert stored["steps"] == [list(step) for step in decision.steps]


def test_the_line_for_the_record_is_json_whatever_stands_in_it() -> None:
    odd = 'q"b\\s\x01\nü'
    decision = Decision("forward", dialled="1", display=odd, location=odd, dial_object=odd)
    # A dial group is named by whoever configures it, and is among what was looked at.
    decision.steps = [("peer", odd), (f"dial group {odd}", odd)]
    decision.routes = [Route(odd, odd, odd)]
    decision.verification = decision.shadow = decision.emergency = True
    decision.reason, decision.status, decision.text = "word", 403, odd
    line = explain.as_json(decision)
    assert "\n" not in line
    assert json.loads(line) == {
        "action": "forward",
        "verification": True,
        "code_check": "none",
        "steps": [["peer", odd], [f"dial group {odd}", odd]],
        "dial_object": odd,
        "display": odd,
        "location": odd,
        "emergency": True,
        "reason": "word",
        "status": 403,
        "text": odd,
        "shadow": True,
        "routes": [[odd, odd, odd]],
    }

"""Dialled numbers without scheme, formatting and parameters."""

import pytest

from tollbar.policy.number import destination, normalise


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("9195551234", "9195551234"),
        ("(919) 555-1234", "9195551234"),
        ("+1 919.555.1234", "+19195551234"),
        ("sip:+19195551234@example.com;user=phone", "+19195551234"),
        ("SIPS:1001@192.0.2.1:5061", "1001"),
        ("tel:+1-919-555-1234;ext=5", "+19195551234"),
        ("+19195551234;phone-context=example.com", "+19195551234"),
        ("sip:%2A61%2A4711%239195551234@pbx", "*61*4711#9195551234"),
        ("*61*4711%239195551234", "*61*4711#9195551234"),
        ("urn:service:SOS.Police", "urn:service:sos.police"),
        ("john.smith-1", "john.smith-1"),
        ("", ""),
    ],
)
def test_a_number_is_read_without_its_trimmings(dialled: str, number: str) -> None:
    assert normalise(dialled) == number


@pytest.mark.parametrize(
    ("standardized", "reached"),
    [
        ("+19195551234", "+19195551234"),
        ("+19195551234/123", "+19195551234"),
        ("+19195551234^9/1", "+19195551234"),
        ("/1001", "/1001"),
    ],
)
def test_an_extension_is_no_part_of_the_destination(standardized: str, reached: str) -> None:
    assert destination(standardized) == reached

"""What any server refuses before it looks at who asks what (RFC 3261 8.2)."""

import pytest
from tests.sip.wire import request

from tollbar.sip.message import Message
from tollbar.sip.uas import refusal

METHODS = (b"INVITE", b"ACK", b"BYE", b"OPTIONS")
OPTIONS = (b"100rel",)


def refuse(data: bytes) -> tuple[int, bytes] | None:
    return refusal(Message.parse(data), METHODS, OPTIONS)


@pytest.mark.parametrize(
    "data",
    [
        request(),
        request(uri=b"sips:1@h"),
        request(uri=b"SIP:1@h"),
        request(uri=b"tel:+1317555"),
        request(uri=b"urn:service:sos"),
        request(more=b"Require: 100rel\r\n"),
        request(more=b"Require: 100REL,,\r\nrequire:\r\n"),
        request(more=b"Proxy-Require: privacy\r\n"),
        request(more=b"Supported: timer, path\r\n"),
        request(b"OPTIONS").replace(b"Forwards: 70", b"Forwards: 0"),
        request().replace(b"Max-Forwards: 70\r\n", b""),
        request(b"BYE"),
        request(b"BYE").replace(b"Forwards: 70", b"Forwards: 0"),
    ],
)
def test_what_may_go_on(data: bytes) -> None:
    assert refuse(data) is None


@pytest.mark.parametrize("method", [b"REGISTER", b"REFER", b"invite", b"X"])
def test_405_says_what_is_allowed(method: bytes) -> None:
    assert refuse(request(method)) == (405, b"Allow: INVITE, ACK, BYE, OPTIONS\r\n")


@pytest.mark.parametrize(
    "uri", [b"http://h/", b"isbn:2983", b"mailto:b@h", b"nonsense", b":", b"*"]
)
def test_416_for_what_is_no_address_of_ours(uri: bytes) -> None:
    assert refuse(request(uri=uri)) == (416, b"")


def test_420_names_what_is_unknown_and_nothing_else() -> None:
    assert refuse(request(more=b"Require: 100rel, Timer\r\nRequire: path\r\n")) == (
        420,
        b"Unsupported: timer, path\r\n",
    )


@pytest.mark.parametrize("value", [b'"', b'a",b', b"," * 5000, b"<,>", b"\x00"])
def test_any_require_at_all_gets_an_answer(value: bytes) -> None:
    found = refuse(request(more=b"Require: " + value + b"\r\n"))
    assert found is None or found[0] == 420
    assert found is None or found[1].count(b"\r\n") == 1


def test_483_where_it_has_travelled_far_enough() -> None:
    assert refuse(request().replace(b"Forwards: 70", b"Forwards: 0")) == (483, b"")


@pytest.mark.parametrize("contact", [b"", b"Contact: *\r\n", b"Contact: \r\n"])
def test_an_invite_needs_a_contact(contact: bytes) -> None:
    data = request().replace(b"Contact: <sip:1001@192.0.2.7>\r\n", contact)
    assert refuse(data) == (400, b"")


def test_the_method_is_looked_at_before_anything_else() -> None:
    """8.2.1, 8.2.2, 8.2.3, in this order."""
    data = request(b"REGISTER", uri=b"http://h/", more=b"Require: x\r\n")
    assert refuse(data) == (405, b"Allow: INVITE, ACK, BYE, OPTIONS\r\n")
    assert refuse(request(uri=b"http://h/", more=b"Require: x\r\n")) == (416, b"")

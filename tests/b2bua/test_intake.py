"""From an INVITE to an attempt: who calls, what was dialled, which codes came."""

from contextlib import suppress

import pytest
from tests.sip.wire import request

from tollbar.b2bua.intake import Intake
from tollbar.policy.attempt import Attempt
from tollbar.signalling import Undress
from tollbar.sip.errors import SipError
from tollbar.sip.message import Message

INTAKE = Intake(("X-Account-Code", "X-accountcode"), "account-code")


def read(intake: Intake = INTAKE, **fields: bytes) -> Attempt:
    message = Message.parse(request(**fields))  # type: ignore[arg-type]
    message.check()
    return intake.attempt(message, "pbx")


# -- what was dialled


@pytest.mark.parametrize(
    ("uri", "dialled"),
    [
        (b"sip:9195551234@198.51.100.1", "9195551234"),
        (b"sips:+19195551234@198.51.100.1:5061;user=phone", "+19195551234"),
        (b"sip:*61*4711%239195551234@198.51.100.1", "*61*4711#9195551234"),
        (b"sip:*61*4711#9195551234@198.51.100.1", "*61*4711#9195551234"),
        (b"sip:9195551234;npdi;rn=1@198.51.100.1", "9195551234"),
        (b"sip:9195551234%3Baccount-code=1@198.51.100.1", "9195551234"),
        (b"sip:9195551234:secret@198.51.100.1", "9195551234"),
        (b"tel:+1-919-555-1234;phone-context=x", "+1-919-555-1234"),
        (b"sip:198.51.100.1", ""),
        (b"urn:service:sos.fire", "urn:service:sos.fire"),
        (b"urn:service:sos;account-code=4711", "urn:service:sos"),
        (b"sip:bob%C3%A4%FF@198.51.100.1", "bobä\ufffd"),
    ],
)
def test_dialled(uri: bytes, dialled: str) -> None:
    assert read(uri=uri).dialled == dialled


# -- which codes came


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        (b"", []),
        (b"X-Account-Code: 4711\r\n", [("header", "4711")]),
        (b"x-account-code:  0815\t\r\n", [("header", "0815")]),
        (b"X-Account-Code:\r\n 0815\r\n", [("header", "0815")]),
        (b"X-Account-Code: \r\nX-accountcode:\r\n", []),
        (b"X-Account-Code: 1\r\nX-Account-Code: 1\r\n", [("header", "1"), ("header", "1")]),
        (b"X-Account-Code: 1\r\nX-ACCOUNTCODE: 01\r\n", [("header", "1"), ("header", "01")]),
        (b"X-Account-Code: 1, 2\r\n", [("header", "1, 2")]),
        (b"X-Account-Code: 47 11\xff\r\n", [("header", "47 11\ufffd")]),
        (b"X-Account-Code-2: 4711\r\nX-Other: 1\r\n", []),
    ],
)
def test_codes_in_headers(more: bytes, codes: list[tuple[str, str]]) -> None:
    assert read(more=more).codes == codes


@pytest.mark.parametrize(
    "uri",
    [
        b"sip:919@198.51.100.1;account-code=4711",
        b"sip:919@198.51.100.1;x=1;Account-Code=4711;user=phone",
        b"sip:919@198.51.100.1;account-code=%347%31%31",
        b"sip:919;account-code=4711@198.51.100.1",
        b"sip:919;x;ACCOUNT-CODE=4711;y@198.51.100.1",
        b"sip:919%3baccount-code%3d4711@198.51.100.1",
        b"tel:919;account-code=4711",
    ],
)
def test_codes_in_the_request_uri(uri: bytes) -> None:
    attempt = read(uri=uri)
    assert attempt.codes == [("uri_parameter", "4711")]
    assert attempt.dialled == "919"


def test_a_code_behind_an_urn() -> None:
    attempt = read(uri=b"urn:service:sos;x=1;Account-Code=4711")
    assert (attempt.dialled, attempt.codes) == ("urn:service:sos", [("uri_parameter", "4711")])


@pytest.mark.parametrize(
    "sender",
    [
        b"<sip:1001@h;account-code=4711>;tag=a",
        b"<sip:1001@h>;tag=a;account-code=4711",
        b'<sip:1001@h>;account-code="4711";tag=a',
        b"<sip:1001@h;account-code=%34711>;tag=a",
        b"<sip:1001;account-code=4711@h>;tag=a",
        b"sip:1001@h;Account-Code=4711;tag=a",
        b"<tel:1001;account-code=4711>;tag=a",
        b"<sip:1001%3Baccount-code%3D4711@h>;tag=a",
    ],
)
def test_codes_in_from(sender: bytes) -> None:
    attempt = read(sender=sender)
    assert attempt.codes == [("from_parameter", "4711")]
    assert attempt.from_user == "1001"


def test_a_code_behind_any_other_name_in_from() -> None:
    attempt = read(sender=b"<mailto:bob@h;account-code=4711>;tag=a")
    assert attempt.codes == [("from_parameter", "4711")]


def test_what_is_read_once_is_read_the_same_again() -> None:
    intake = Intake(("X-Account-Code",), "account-code")
    lines: dict[str, bytes] = {
        "sender": b"<sip:1001@h;account-code=2>;account-code=3;tag=a",
        "more": b"x-ACCOUNT-code: 1\r\nP-Asserted-Identity: <sip:1002@h>, <tel:1003>\r\n",
    }
    first, second = read(intake, **lines), read(intake, **lines)
    assert first == second
    assert first.codes == [("header", "1"), ("from_parameter", "2"), ("from_parameter", "3")]
    assert first.asserted == ["1002", "1003"]
    later = read(intake, sender=b"<sip:1001@h;account-code=2>;tag=b", more=b"X-Other: 1\r\n")
    assert (later.codes, list(later.asserted)) == ([("from_parameter", "2")], [])


def test_a_sender_that_cannot_be_read_is_refused_each_time() -> None:
    message = Message.parse(request(sender=b"<sip:>;tag=a"))
    for _ in range(2):
        with pytest.raises(SipError):
            INTAKE.attempt(message, "pbx")


def test_every_source_is_told_in_order() -> None:
    attempt = read(
        more=b"X-Account-Code: 1\r\n",
        uri=b"sip:919;account-code=2@h;account-code=3",
        sender=b"<sip:1001@h;account-code=4>;account-code=5;tag=a",
    )
    assert attempt.codes == [
        ("header", "1"),
        ("uri_parameter", "3"),
        ("uri_parameter", "2"),
        ("from_parameter", "4"),
        ("from_parameter", "5"),
    ]


def test_the_names_are_the_configured_ones() -> None:
    intake = Intake(("X-Matter",), "Matter")
    attempt = read(
        intake, more=b"x-matter: 1\r\nX-Account-Code: 2\r\n", uri=b"sip:9@h;matter=3;account-code=4"
    )
    assert attempt.codes == [("header", "1"), ("uri_parameter", "3")]


# -- for whom


@pytest.mark.parametrize(
    ("more", "workgroups"),
    [
        (b"", []),
        (b"X-Workgroup: Litigation\r\n", ["Litigation"]),
        (b"x-workgroup:  Litigation, Trials  \r\n", ["Litigation, Trials"]),
        (b"X-WORKGROUP: A\r\nX-Workgroup:\r\nX-Workgroup: B\xff\r\n", ["A", "B\ufffd"]),
    ],
)
def test_every_workgroup_that_is_named(more: bytes, workgroups: list[str]) -> None:
    assert list(read(more=more).workgroups) == workgroups


# -- who calls


def test_identity_is_read_in_order_and_what_cannot_be_read_names_nobody() -> None:
    attempt = read(
        more=b'P-Asserted-Identity: "A, B" <sip:1001@h>, <tel:+1-317-555>\r\n'
        b"P-Asserted-Identity: <nonsense\r\nP-Asserted-Identity: sip:1003@h\r\n"
    )
    assert attempt.asserted == ["1001", "+1-317-555", "1003"]
    assert attempt.from_user == "1001"
    assert attempt.peer == "pbx"


def test_diversion_comes_topmost_first_and_before_history() -> None:
    attempt = read(
        more=b"Diversion: <sip:1002@h>;reason=busy, <sip:1003@h>\r\nDiversion: <tel:1004>\r\n"
        b"History-Info: <sip:1005@h>;index=1, <sip:9@h>;index=1.1\r\n"
    )
    assert attempt.diverters == ["1002", "1003", "1004"]


def test_history_names_everyone_but_where_it_goes_now_latest_first() -> None:
    attempt = read(
        more=b"History-Info: <sip:1002@h>;index=1\r\n"
        b"History-Info: <sip:1003@h?Reason=x>;index=1.1,<sip:919@h>;index=1.1.1\r\n"
    )
    assert attempt.diverters == ["1003", "1002"]
    assert read(more=b"History-Info: <sip:919@h>;index=1\r\n").diverters == []


@pytest.mark.parametrize(
    ("history", "diverters"),
    [
        (b"<sip:919@pbx>;index=1, <sip:919@10.0.0.1>;index=1.1", []),
        (b"<sip:919@pbx>;index=1, <sip:line1@10.0.0.1>;index=1.1;rc=1", []),
        (b"<sip:919@pbx>;index=1, <sip:+1919@10.0.0.1>;index=1.1;NP=1", []),
        (b"<sip:1002@pbx>;index=1, <sip:919@pbx>;index=1.1;mp=1", ["1002"]),
        (b"<sip:1002@a>;index=1, <sip:1002@b>;index=1.1;np=1, <sip:919@b>;index=1.2", ["1002"]),
        (b"<sip:1002@a>;index=1, <sip:919@a>;index=2;mp=1, <sip:919@b>;index=2.1", ["1002"]),
        (b"<sip:1002@a>;index=1, <sip:919@@a>;index=2", ["1002"]),
        (b"<sip:1002@a>;index=1, <sip:919@@a>;index=2, <sip:919@b>;index=2.1", ["1002"]),
    ],
)
def test_who_was_only_sent_on_has_not_forwarded(history: bytes, diverters: list[str]) -> None:
    assert read(more=b"History-Info: %b\r\n" % history).diverters == diverters


@pytest.mark.parametrize("user", [b"*61*4711%231002", b"*61*4711#1002", b"*6-1*47 11#10.02"])
def test_a_code_in_front_of_a_callers_number_is_not_his_number(user: bytes) -> None:
    """A phone that forwards to *61*CODE#NUMBER stands so in History-Info, and in every log."""
    intake = Intake(("X-Account-Code",), "account-code", Undress(["*61*CODE#NUMBER"]))
    attempt = read(
        intake,
        sender=b"<sip:%b@h>;tag=a" % user.replace(b" ", b"%20"),
        more=b"P-Asserted-Identity: <sip:%b@h>\r\nDiversion: <sip:%b@h>\r\n"
        % (user.replace(b" ", b"%20"), user.replace(b" ", b"%20")),
    )
    assert attempt.from_user == "1002"
    assert (attempt.asserted, attempt.diverters) == (["1002"], ["1002"])


def test_nor_is_one_behind_it() -> None:
    address = b"<sip:1002%3Baccount-code=4711@h>"
    more = b"P-Asserted-Identity: %b\r\nDiversion: %b\r\n" % (address, address)
    attempt = read(sender=address + b";tag=a", more=more)
    assert (attempt.from_user, attempt.asserted, attempt.diverters) == ("1002", ["1002"], ["1002"])


@pytest.mark.parametrize("name", [b"P-Asserted-Identity", b"Diversion", b"History-Info"])
@pytest.mark.parametrize("value", [b'"', b'"a, <sip:1@h>', b"<,", b",,,", b"", b"<>", b"\x00"])
def test_any_identity_at_all_is_read_or_refused(name: bytes, value: bytes) -> None:
    message = Message.parse(request(more=name + b": " + value + b"\r\n"))
    with suppress(SipError):
        attempt = INTAKE.attempt(message, "pbx")
        assert list(attempt.asserted) == []
        assert list(attempt.diverters) in ([], [""])

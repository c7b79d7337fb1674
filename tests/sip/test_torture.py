"""Every torture message of RFC 4475 and RFC 5118 gets the answer written down for it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tollbar.sip.errors import SipError
from tollbar.sip.message import Message, salvage


def _table() -> ModuleType:
    # The suite runs without packages (importlib mode), so a neighbour is loaded by its path.
    path = Path(__file__).with_name("torture.py")
    spec = importlib.util.spec_from_file_location("torture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


torture = _table()


def test_no_file_is_left_out() -> None:
    files = {
        f"{folder}/{path.name}"
        for folder in ("rfc4475", "rfc5118")
        for path in (torture.HERE / folder).iterdir()
    }
    assert files == set(torture.EXPECTED)
    assert len(torture.RFC4475) == 49
    assert len(torture.RFC5118) == 12


def _verdict(data: bytes) -> int:
    try:
        Message.parse(data).check()
    except SipError as error:
        return error.status
    return 0


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_reading_gives_the_expected_answer(name: str) -> None:
    assert _verdict(torture.read(name)) == torture.EXPECTED[name].message


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_a_refused_request_can_be_answered_and_a_refused_response_cannot(name: str) -> None:
    expected = torture.EXPECTED[name]
    found = salvage(torture.read(name))
    if expected.engine == torture.SILENCE:
        assert found is None
    elif expected.message:
        assert found is not None
        assert found.method
        assert found.via.host
        assert found.cseq_method
        assert all(
            isinstance(value, bytes) for value in (found.from_.text, found.to.text, found.call_id)
        )


@pytest.mark.parametrize("name", sorted(torture.EXPECTED))
def test_the_two_expectations_agree(name: str) -> None:
    expected = torture.EXPECTED[name]
    if expected.message:
        assert expected.engine in (expected.message, torture.SILENCE)


def _read(name: str) -> Message:
    return Message.parse(torture.read(f"rfc4475/{name}.dat"))


def test_wsinv_reads_through_its_white_space() -> None:
    m = _read("wsinv")
    assert m.to.uri == b"sip:vivekg@chair-dnrc.example.com"
    assert m.to.tag == b"1918181833n"
    assert m.from_.display == b'J Rosenberg \\"'
    assert m.from_.tag == b"98asjd8"
    assert m.max_forwards == 68
    assert (m.cseq, m.cseq_method) == (9, b"INVITE")
    assert (m.via.transport, m.via.host, m.via.branch) == (b"UDP", b"192.0.2.2", b"390skdjuw")
    assert len(m.items(b"Via")) == 3
    assert m.items(b"Via")[1].startswith(b"SIP  / 2.0  / TCP")
    assert m.first(b"Subject") == b""
    assert m.first(b"NewFangledHeader") == b"newfangled value continued newfangled value"
    assert m.contact is not None
    assert m.contact.params == {b"newparam": b"newvalue", b"secondparam": b"", b"q": b"0.33"}


def test_intmeth_survives_byte_for_byte() -> None:
    m = _read("intmeth")
    assert m.method == b"!interesting-Method0123456789_*+`.%indeed'~"
    assert m.cseq_method == m.method
    assert m.to.display == b"BEL:\x07 NUL:\x00 DEL:\x7f"
    assert m.call_id == b"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert m.from_.tag == b"_token~1'+`*%!-."
    assert m.request_uri.user == b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert m.first(b"extensionHeader-!.%*+_`'~") == "\ufeff大停電".encode()


def test_esc01_is_a_user_that_looks_like_a_uri() -> None:
    m = _read("esc01")
    assert m.request_uri.host == b"example.net"
    assert m.request_uri.number == "sips:user@example.com"
    assert m.to.parsed.number == "user"


def test_esc02_takes_escapes_in_names_for_what_they_are() -> None:
    m = _read("esc02")
    assert m.method == b"RE%47IST%45R"
    assert len(m.all(b"Contact")) == 2
    assert m.all(b"C%6Fntact") == [b"<sip:alias2@host2.example.com>"]


def test_dblreq_ends_with_its_content_length() -> None:
    m = _read("dblreq")
    assert m.method == b"REGISTER"
    assert m.body == b""


def test_mpart01_keeps_its_binary_body() -> None:
    data = torture.read("rfc4475/mpart01.dat")
    assert Message.parse(data).body == data[-553:]


def test_unreason_keeps_its_reason() -> None:
    m = _read("unreason")
    assert (m.status, m.method) == (200, b"")
    assert m.reason.decode().startswith("= 2**3 * 5**2 но")
    assert _read("noreason").reason == b""


def test_an_ambiguous_port_is_part_of_the_address() -> None:
    for name, host, port in (
        ("port-ambiguous", b"[2001:db8::10:5070]", 0),
        ("port-unambiguous", b"[2001:db8::10]", 5070),
    ):
        uri = Message.parse(torture.read(f"rfc5118/{name}")).request_uri
        assert (uri.host, uri.port) == (host, port)


def test_both_spellings_of_received_are_kept() -> None:
    for name, received in (
        ("via-received-param-no-delim", b"2001:db8::9:255"),
        ("via-received-param-with-delim", b"[2001:db8::9:255]"),
    ):
        via = Message.parse(torture.read(f"rfc5118/{name}")).via
        assert via.params[b"received"] == received


def test_the_third_colon_of_the_old_grammar_is_dropped() -> None:
    for name in ("ipv6-bug-abnf-3-colons", "ipv6-correct-abnf-2-colons"):
        m = Message.parse(torture.read(f"rfc5118/{name}"))
        assert m.request_uri.host == b"[2001:db8::192.0.2.1]"
        assert m.to.parsed.host == b"[2001:db8::192.0.2.1]"

"""The dialog: identifiers, CSeqs, route set and target of everything sent inside it (12)."""

import pytest
from tests.sip.wire import LISTENERS, NATTED, header, headers, request, response, where

from tollbar.sip.dialog import KEPT_FIELDS, RESTART_JUMP, Dialog
from tollbar.sip.errors import SipError
from tollbar.sip.flow import Target
from tollbar.sip.message import Message
from tollbar.sip.routing import neighbours

NEIGHBOURS = neighbours(LISTENERS)
FAR = Target("udp", "udp", "192.0.2.9", 5070)
ROUTES = b"Record-Route: <sip:192.0.2.21;lr>\r\nRecord-Route: <sip:192.0.2.22;lr>, <sip:p3;lr>\r\n"
OURS = request(
    uri=b"sip:5551234@192.0.2.9:5070",
    sender=b'"Alice" <sip:1001@198.51.100.1>;tag=us',
    to=b"<sip:5551234@192.0.2.9>",
    call_id=b"ours-1",
)


def read(data: bytes) -> Message:
    message = Message.parse(data)
    message.check()
    return message


def server_side(more: bytes = b"") -> Dialog:
    return Dialog.answering(read(request(more=more)), b"ours", NATTED)


def client_side(more: bytes = b"", **how: bytes) -> Dialog:
    message = read(response(OURS, 180, more=more, **how))  # type: ignore[arg-type]
    return Dialog.calling(b"ours-1", header(OURS, b"From"), b"us", 1, message, FAR)


def sent(dialog: Dialog, method: bytes = b"BYE", more: bytes = b"", cseq: int = 0) -> bytes:
    start, rest, _ = dialog.request(method, more, b"", NEIGHBOURS, cseq)
    return start + b"Via: x\r\n" + rest


# -- the two sides (12.1)


def test_the_server_side_mirrors_the_request() -> None:
    dialog = server_side()
    assert dialog.key == b"call-1@192.0.2.7 ours phone"
    data = sent(dialog)
    assert data.startswith(b"BYE sip:1001@192.0.2.7 SIP/2.0\r\n")
    assert header(data, b"From") == b"<sip:9195551234@198.51.100.1>;tag=ours"
    assert header(data, b"To") == b"<sip:1001@192.0.2.7>;tag=phone"
    assert header(data, b"Call-ID") == b"call-1@192.0.2.7"
    assert header(data, b"CSeq") == b"1 BYE"
    assert header(data, b"Max-Forwards") == b"70"


def test_the_client_side_keeps_what_the_invite_said() -> None:
    dialog = client_side()
    assert dialog.key == b"ours-1 us far"
    data = sent(dialog)
    assert data.startswith(b"BYE sip:far@192.0.2.9:5070 SIP/2.0\r\n")
    assert header(data, b"From") == b'"Alice" <sip:1001@198.51.100.1>;tag=us'
    assert header(data, b"To") == b"<sip:5551234@192.0.2.9>;tag=far"
    assert header(data, b"CSeq") == b"2 BYE"


def test_a_dialog_with_a_peer_that_has_no_tag() -> None:
    """12.1.1: RFC 2543 elements; the missing tag is a null tag, and none is made up for them."""
    dialog = Dialog.answering(read(request(sender=b"<sip:1001@192.0.2.7>")), b"ours", NATTED)
    assert dialog.key == b"call-1@192.0.2.7 ours "
    assert header(sent(dialog), b"To") == b"<sip:1001@192.0.2.7>"


# -- route set


def test_the_server_side_takes_routes_in_order() -> None:
    data = sent(server_side(ROUTES))
    assert headers(data, b"Route") == [
        b"<sip:192.0.2.21;lr>",
        b"<sip:192.0.2.22;lr>",
        b"<sip:p3;lr>",
    ]
    assert data.startswith(b"BYE sip:1001@192.0.2.7 SIP/2.0\r\n")


def test_the_client_side_takes_them_reversed() -> None:
    data = sent(client_side(ROUTES))
    assert headers(data, b"Route") == [
        b"<sip:p3;lr>",
        b"<sip:192.0.2.22;lr>",
        b"<sip:192.0.2.21;lr>",
    ]


def test_a_strict_router_gets_the_request_uri_and_the_target_goes_last() -> None:
    dialog = server_side(b"Record-Route: <sip:192.0.2.21>, <sip:192.0.2.22;lr>\r\n")
    start, rest, hop = dialog.request(b"BYE", b"", b"", NEIGHBOURS)
    data = start + b"Via: x\r\n" + rest
    assert data.startswith(b"BYE sip:192.0.2.21 SIP/2.0\r\n")
    assert headers(data, b"Route") == [b"<sip:192.0.2.22;lr>", b"<sip:1001@192.0.2.7>"]
    assert hop.address == "192.0.2.21"
    # The dialog itself is as before.
    assert sent(dialog).partition(b"CSeq")[0] == data.partition(b"CSeq")[0]


def test_the_hop_is_the_first_routes_or_the_targets() -> None:
    _, _, hop = server_side(ROUTES).request(b"BYE", b"", b"", NEIGHBOURS)
    assert where(hop) == ("target", "udp", "192.0.2.21", 5060)
    _, _, hop = server_side().request(b"BYE", b"", b"", NEIGHBOURS)
    assert where(hop) == ("target", "udp", "192.0.2.7", 5060)


def test_the_2xx_sets_the_routes_anew_and_nothing_after_it_does() -> None:
    """13.2.2.4: and 12.2: a route set never changes once confirmed."""
    dialog = client_side(ROUTES)
    assert dialog.request(b"PRACK", b"", b"", NEIGHBOURS)[2].address == "192.0.2.9"
    other = b"Record-Route: <sip:192.0.2.30;lr>\r\n"
    dialog.confirm(read(response(OURS, 200, more=other)))
    start, rest, hop = dialog.request(b"BYE", b"", b"", NEIGHBOURS)
    assert hop.address == "192.0.2.30"
    assert headers(start + rest, b"Route") == [b"<sip:192.0.2.30;lr>"]
    dialog.confirm(read(response(OURS, 200, more=ROUTES)))
    assert headers(sent(dialog), b"Route") == [b"<sip:192.0.2.30;lr>"]


# -- remote target


def test_a_contact_refreshes_the_target() -> None:
    dialog = server_side()
    _, _, hop = dialog.request(b"INFO", b"", b"", NEIGHBOURS)
    assert hop.port == 5060
    moved = request(b"UPDATE").replace(b"Contact: <sip:1001@192.0.2.7>", b"m: <sip:m@192.0.2.8:9>")
    dialog.aim(read(moved))
    start, _, hop = dialog.request(b"BYE", b"", b"", NEIGHBOURS)
    assert start == b"BYE sip:m@192.0.2.8:9 SIP/2.0\r\n"
    assert where(hop) == ("target", "udp", "192.0.2.8", 9)


def test_without_a_contact_the_target_stays() -> None:
    dialog = client_side()
    dialog.confirm(read(response(OURS, 200, contact=b"")))
    assert sent(dialog).startswith(b"BYE sip:far@192.0.2.9:5070 ")


def test_a_target_of_capitals_is_kept_as_written_and_understood() -> None:
    """Others never pass the BYE on to `;transport=UDP`."""
    dialog = client_side(contact=b"<sip:far@192.0.2.9:5070;transport=UDP>")
    start, _, hop = dialog.request(b"BYE", b"", b"", NEIGHBOURS)
    assert start == b"BYE sip:far@192.0.2.9:5070;transport=UDP SIP/2.0\r\n"
    assert hop is FAR


def test_a_host_name_is_reached_the_way_it_came() -> None:
    dialog = client_side(contact=b"<sip:far@edge.carrier.example;transport=tcp>")
    assert dialog.request(b"BYE", b"", b"", NEIGHBOURS)[2] is FAR


def test_a_new_way_is_taken_at_once() -> None:
    dialog = client_side(contact=b"<sip:far@edge.carrier.example>")
    assert dialog.request(b"INFO", b"", b"", NEIGHBOURS)[2] is FAR
    dialog.way = NATTED
    assert dialog.request(b"INFO", b"", b"", NEIGHBOURS)[2] is NATTED


def test_a_peer_that_names_no_contact_is_reached_all_the_same() -> None:
    """12.1.2 demands one; where it is missing the request still has a Request-URI."""
    dialog = client_side(contact=b"")
    dialog.confirm(read(response(OURS, 200, contact=b"")))
    start, _, hop = dialog.request(b"BYE", b"", b"", NEIGHBOURS)
    assert start == b"BYE sip:5551234@192.0.2.9 SIP/2.0\r\n"
    assert hop is FAR


# -- CSeq


def test_ours_counts_up_and_ack_takes_its_invites() -> None:
    dialog = client_side()
    assert header(sent(dialog, b"ACK", cseq=1), b"CSeq") == b"1 ACK"
    assert header(sent(dialog, b"INFO"), b"CSeq") == b"2 INFO"
    assert header(sent(dialog, b"INVITE"), b"CSeq") == b"3 INVITE"
    assert header(sent(dialog, b"ACK", cseq=3), b"CSeq") == b"3 ACK"
    assert header(sent(dialog, b"BYE"), b"CSeq") == b"4 BYE"


def test_theirs_has_to_rise() -> None:
    dialog = server_side()
    dialog.heard(read(request(b"INFO", cseq=2)))
    dialog.heard(read(request(b"INFO", cseq=900)))
    for late in (900, 899, 0):
        with pytest.raises(SipError) as found:
            dialog.heard(read(request(b"INFO", cseq=late)))
        assert found.value.status == 500
    assert dialog.remote_cseq == 900


def test_the_invite_itself_counts() -> None:
    dialog = server_side()
    with pytest.raises(SipError):
        dialog.heard(read(request(b"INFO", cseq=1)))
    dialog = client_side()
    dialog.heard(read(request(b"BYE", cseq=0)))


# -- what a restart needs


@pytest.mark.parametrize("make", [server_side, client_side])
def test_kept_and_restored_it_says_the_same(make: type[Dialog]) -> None:
    for more in (b"", ROUTES, b'Record-Route: "a, b" <sip:192.0.2.21>\r\n'):
        dialog: Dialog = make(more)  # type: ignore[call-arg]
        dialog.ack_cseq = 1
        sent(dialog, b"INFO")
        fields = dialog.keep().split(b"\n")
        assert len(fields) == KEPT_FIELDS
        assert not any(b"\n" in field or b"\r" in field for field in fields)
        again = Dialog.kept(fields, dialog.way)
        assert again.key == dialog.key
        assert again.routes == dialog.routes
        assert again.target == dialog.target
        assert again.remote_cseq == dialog.remote_cseq
        assert again.ack_cseq == 1
        assert again.confirmed
        assert again.local_cseq == dialog.local_cseq + RESTART_JUMP
        dialog.local_cseq += RESTART_JUMP
        assert sent(again) == sent(dialog)
        assert where(again.request(b"BYE", b"", b"", NEIGHBOURS)[2]) == where(
            dialog.request(b"BYE", b"", b"", NEIGHBOURS)[2]
        )

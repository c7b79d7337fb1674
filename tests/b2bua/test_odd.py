"""What breaks other servers: odd requests, each answered as RFC 3261 says, and odd spellings."""

import pytest
from tests.b2bua.ladder import Ladder, climb

REFUSED = """
    A -> INVITE ({notes})
    A <- {status} ({header})
    A -> ACK
    no record
"""
DOWN = """
    A -> BYE
    B <- BYE
    A <- 200 BYE
    B -> 200 BYE
    record answered by caller 200
"""


@pytest.mark.parametrize(
    ("notes", "status", "header"),
    [
        ("uri mailto:alice@127.0.0.1", 416, "no Contact"),
        ("Require: 100rel, nosuch, other", 420, "Unsupported: nosuch, other"),
        ("Max-Forwards: 0", 483, "no Contact"),
    ],
)
def test_an_invite_that_is_refused_without_a_record(notes: str, status: int, header: str) -> None:
    climb(REFUSED.format(notes=notes, status=status, header=header))


def test_an_invite_without_contact() -> None:
    ladder = Ladder()
    phone = ladder.phones["A"]
    lines = phone.request("INVITE", {}).split(b"\r\n")
    data = b"\r\n".join(line for line in lines if not line.startswith(b"Contact"))
    ladder.wire.send(data, phone.flow)
    ladder.climb("""
        A <- 400
        A -> ACK
        no record
    """).end()


@pytest.mark.parametrize("method", ["REGISTER", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY"])
def test_a_method_we_do_not_do(method: str) -> None:
    climb(f"""
        C -> {method} (uri sip:127.0.0.1:5060; To: <sip:127.0.0.1>; From: <sip:c@127.0.0.1>%tag=1; \
Call-ID: x)
        C <- 405 {method} (Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE)
        no record
    """)


def test_another_version_of_sip() -> None:
    ladder = Ladder()
    phone = ladder.phones["A"]
    data = phone.request("INVITE", {}).replace(b" SIP/2.0\r\nVia", b" SIP/7.0\r\nVia", 1)
    ladder.wire.send(data, phone.flow)
    ladder.climb("""
        A <- 505
        A -> ACK
        no record
    """).end()


def test_options_are_answered() -> None:
    climb("""
        C -> OPTIONS (uri sip:127.0.0.1:5060; To: <sip:127.0.0.1>; From: <sip:c@127.0.0.1>%tag=1; \
Call-ID: x)
        C <- 200 OPTIONS (Allow: INVITE; Supported: 100rel; Accept: application/sdp)
    """)


@pytest.mark.parametrize("method", ["BYE", "PRACK", "UPDATE", "INFO"])
def test_a_request_of_no_dialog(method: str) -> None:
    climb(
        f"""
        C -> {method} (uri sip:127.0.0.1:5060; To: <sip:127.0.0.1>%tag=7; RAck: 1 1 INVITE; \
From: <sip:c@127.0.0.1>%tag=1; Call-ID: x)
        C <- 481 {method}
    """.replace("PRACK (", "INFO (").replace("481 PRACK", "481 INFO")
    )


def test_a_merged_request() -> None:
    """RFC 3261 8.2.2.2: the same INVITE by another path is a loop of someone's forking."""
    climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
        A -> INVITE (again; branch other)
        A <- 482
        B -> 486
        B <- ACK
        A <- 486 (lost)
        after 0.5
        A <- 486
        A -> ACK
        record busy by callee 486
    """)


def test_a_branch_of_the_old_rfc() -> None:
    """RFC 2543 had no magic cookie; repeats and ACK are matched as 17.2.3 says."""
    via = "Via: SIP/2.0/UDP 127.0.0.1:5080%branch=1"
    climb(
        f"""
        A -> INVITE ({via})
        A <- 100
        A -> INVITE (again)
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK ({via})
        after 40
        quiet
        """
        + DOWN
    )


def test_a_branch_of_the_old_rfc_and_a_refusal() -> None:
    via = "Via: SIP/2.0/UDP 127.0.0.1:5080"
    climb(f"""
        A -> INVITE ({via}; to 9005551234)
        A <- 403
        A -> ACK ({via})
        after 5
        quiet
        record refused by gateway 403 required
    """)


def test_a_branch_of_the_old_rfc_and_a_cancel() -> None:
    via = "Via: SIP/2.0/UDP 127.0.0.1:5080"
    climb(f"""
        A -> INVITE ({via})
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL ({via})
        A <- 200 CANCEL, 487
        A -> ACK ({via})
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
        record cancelled by caller 487
    """)


def test_transport_in_capitals_in_a_contact() -> None:
    climb("""
        A -> INVITE (Contact: <sip:A@127.0.0.1:5080%transport=UDP>)
        A <- 100
        B <- INVITE
        B -> 200 (Contact: <sip:B@127.0.0.1:5070%transport=UDP>)
        B <- ACK (uri sip:B@127.0.0.1:5070%transport=UDP)
        A <- 200
        A -> ACK
        B -> BYE
        A <- BYE (uri sip:A@127.0.0.1:5080%transport=UDP)
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
    """)


def test_a_200_without_contact() -> None:
    """It has to have one; without, the ACK and the BYE go to the trunk itself."""
    ladder = Ladder().climb("""
        A -> INVITE
        A <- 100
        B <- INVITE
    """)
    phone = ladder.phones["B"]
    lines = phone.response(200, "INVITE", {}).split(b"\r\n")
    data = b"\r\n".join(line for line in lines if not line.startswith(b"Contact"))
    ladder.wire.send(data, phone.flow)
    ladder.climb(
        """
        B <- ACK (uri sip:127.0.0.1:5070)
        A <- 200 (Contact)
        A -> ACK
        A -> BYE
        B <- BYE (uri sip:127.0.0.1:5070)
        A <- 200 BYE
        B -> 200 BYE
        record answered by caller 200
        """
    ).end()


def test_compact_names() -> None:
    ladder = Ladder()
    phone = ladder.phones["A"]
    for long, short in (
        ("Via", "v"),
        ("From", "f"),
        ("To", "t"),
        ("Call-ID", "i"),
        ("Contact", "m"),
        ("Content-Type", "c"),
        ("Content-Length", "l"),
    ):
        phone.spellings[long] = short
    ladder.climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE (sdp A1; Content-Type: application/sdp)
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        """
        + DOWN
    ).end()


def test_odd_but_legal_characters() -> None:
    odd = "a-.!%*_+`'~()<>:\\\"/[]?{}@w"
    tag = "-.!*_+`'~"
    climb(
        f"""
        A -> INVITE (Call-ID: {odd.replace("%", "").replace("(", "").replace(")", "")}; \
From: <sip:1001@127.0.0.1>%tag={tag})
        A <- 100
        B <- INVITE
        B -> 200 (tag {tag}b)
        B <- ACK
        A <- 200
        A -> ACK
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
        record answered by callee 200
        """
    )


def test_draining_refuses_new_calls_and_keeps_the_others() -> None:
    """An OPTIONS of a call asks after that call, one of none whether the next may come here."""
    climb(
        """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        drain
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        C -> INVITE
        C <- 503 (Retry-After)
        C -> ACK
        record refused by gateway 503 draining
        C -> INVITE (to 911)
        C <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        C <- 486
        C -> ACK
        record busy by callee 486
        C -> OPTIONS (uri sip:127.0.0.1:5060; To: <sip:127.0.0.1>)
        C <- 503 OPTIONS
        A -> OPTIONS
        A <- 200 OPTIONS
        """
        + DOWN
    )

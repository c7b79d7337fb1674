import pytest

from tollbar.gateway import AccountCodes
from tollbar.mask import Mask

TEMPLATES = ["*61*CODE#NUMBER", "CODE**NUMBER", "NUMBER*0*CODE"]


def mask(*templates: str) -> Mask:
    codes = AccountCodes(headers=["X-Account-Code", "X-Client"], templates=list(templates))
    return Mask(codes, ["X-Matter"])


@pytest.mark.parametrize(
    ("template", "dialled", "shown"),
    [
        ("*61*CODE#NUMBER", "*61*4711#3175551234", "*61*****#3175551234"),
        ("*61*CODE#NUMBER", "*61*47#11#3175551234", "*61*****#11#3175551234"),
        ("*61*CODE#NUMBER", "*61*4711", "*61*****"),
        ("*61*CODE#NUMBER", "*61*", "*61*****"),
        ("*61*CODE#NUMBER", "*71**61*4711#3175551234", "*71**61*****#3175551234"),
        ("*61*CODE#NUMBER", "85*61*4711", "85*61*****"),
        ("CODE**NUMBER", "*71*4711**3175551234", "******3175551234"),
        ("*61*CODE#NUMBER", "*6-1*47 11#317-555-1234", "*61*****#3175551234"),
        ("*61*CODE#NUMBER", "*61*4711%233175551234", "*61*****#3175551234"),
        ("CODE**NUMBER", "4711**3175551234", "******3175551234"),
        ("CODE**NUMBER", "3175551234", "3175551234"),
        ("NUMBER**CODE", "3175551234**4711", "3175551234******"),
        ("NUMBER**CODE#", "3175551234**4711", "3175551234******#"),
        ("NUMBER**CODE", "3175551234", "3175551234"),
    ],
)
def test_the_place_of_a_code_is_masked(template: str, dialled: str, shown: str) -> None:
    assert mask(template).number(dialled) == shown


@pytest.mark.parametrize(
    ("dialled", "shown"),
    [
        ("*61*4711#*61*4711#3175551234", "*61*****#*61*****#3175551234"),
        ("*61*4711#*71**61*4711#3175551234", "*61*****#*71**61*****#3175551234"),
        ("*61*4711#4711**3175551234", "*61*****#******3175551234"),
        ("*61*4711#*62*4711#", "*61*****#*62*****#"),
        ("*71**62*4711#", "*71**62*****#"),
        ("*61*4711#*61*4711", "*61*****#*61*****"),
        ("*61*4711#3175551234*0*4711", "*61*****#3175551234*0*****"),
        ("4711**" * 200, "******" * 8 + "****"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_every_code_of_a_number_is_masked(dialled: str, shown: str, order: int) -> None:
    codes = AccountCodes(templates=TEMPLATES[::order], sticky_set="*62*CODE#")
    masked = Mask(codes).number(dialled)
    assert masked == shown


@pytest.mark.parametrize("name", ['"*61*4711#1"', "*61*4711#1", '"4711**1"'])
def test_the_name_that_is_shown_is_masked(name: str) -> None:
    shown = mask(*TEMPLATES).message(f"From: {name} <sip:1001@h>\r\n\r\n".encode())
    assert b"4711" not in shown
    assert shown.endswith(b"<sip:1001@h>\r\n\r\n")


def test_a_number_in_any_script_is_masked() -> None:
    data = b"INVITE sip:sip:%25E2%2582%25AC*61*4711%231@h SIP/2.0\r\n\r\n"
    assert b"4711" not in mask(*TEMPLATES).message(data)


@pytest.mark.parametrize("dialled", ["*62*4711#", "*62*4711", "*62*"])
def test_a_sticky_code_is_masked_however_long(dialled: str) -> None:
    hides = Mask(AccountCodes(sticky_set="*62*CODE#", sticky_clear="*63#"))
    assert hides.number(dialled) == "*62*****#"
    assert hides.number("*63#") == "*63#"
    line = f"INVITE sip:{dialled.replace('#', '%23')}@gw SIP/2.0\r\n".encode()
    assert b"4711" not in hides.message(line)


def test_a_number_that_holds_the_code_by_chance_stays() -> None:
    assert mask("*61*CODE#NUMBER").number("4711") == "4711"


@pytest.mark.parametrize(
    "line",
    [
        b"X-Account-Code: 4711",
        b"x-account-code :4711",
        b"X-Client: 47\r\n 11",
        b"X-Matter: 4711",
        b"From: <sip:1001@pbx;account-code=4711>;tag=1",
        b'From: <sip:1001@pbx>;account-code="4711";tag=1',
        b"From: <sip:1001;account%2Dcode=4711@pbx>;tag=1",
        b"From: <sip:1001%3baccount-code%3d4711@pbx>;tag=1",
        b"From: <sip:1001%3Baccount-code=4711%3Bx=1@pbx>;tag=1",
        b"Refer-To: <sip:1002@pbx?X-Account-Code=4711&X-Client%2dId=1>",
        b"Refer-To: <sip:1002@pbx?Subject=x&x%2Daccount-code=4711>",
        b"To: <sip:*61*4711%233175551234@gw>",
        b"To: <sip:%2A61*4711#3175551234@gw>",
        b"Diversion: <tel:*61*4711#3175551234>",
        b"Diversion: <tel:*6-1*47-11#3175551234>",
        b'Authorization: Digest response="4711"',
    ],
)
def test_a_message_shows_no_code(line: bytes) -> None:
    data = b"INVITE sip:x@gw SIP/2.0\r\n" + line + b"\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n"
    shown = mask("*61*CODE#NUMBER").message(data)
    assert b"4711" not in shown
    assert b"47\r\n" not in shown
    assert shown.startswith(b"INVITE sip:x@gw SIP/2.0\r\n")
    assert shown.endswith(b"\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n")


def test_a_request_line_is_masked_too() -> None:
    data = b"INVITE sip:*61*4711%233175551234;account-code=4711@gw SIP/2.0\r\n\r\n"
    assert b"4711" not in mask("*61*CODE#NUMBER").message(data)


@pytest.mark.parametrize(
    ("kind", "body"),
    [(b"application/dtmf-relay", b"Signal=4\r\nDuration=160\r\n"), (b"application/dtmf", b"4")],
)
def test_dialled_digits_in_info_are_masked(kind: bytes, body: bytes) -> None:
    data = b"INFO sip:x SIP/2.0\r\nContent-Type: " + kind + b"\r\n\r\n" + body
    assert b"4" not in mask().message(data).partition(b"\r\n\r\n")[2]


def test_a_message_without_codes_crosses_unchanged() -> None:
    data = b"INVITE sip:3175551234@gw SIP/2.0\r\nX-Other: 4711\r\n\r\n4711"
    assert mask(*TEMPLATES).message(data) == data

"""What is left of a number that held a code."""

import pytest

from tollbar.signalling import NOBODY, Undress

TEMPLATES = ["*61*CODE#NUMBER", "NUMBER**CODE"]


@pytest.mark.parametrize(
    ("number", "left"),
    [
        ("3175551234", "3175551234"),
        ("*61*4711#3175551234", "3175551234"),
        ("*71**61*4711#3175551234", "3175551234"),
        ("85*61*4711#3175551234", "3175551234"),
        ("3175551234**4711", "3175551234"),
        ("*61*4711#*61*4711#3175551234", "3175551234"),
        ("*61*4711#*71**61*4711#3175551234**0815", "3175551234"),
        ("*71*3175551234**4711", "3175551234"),
        ("*71#(317) 555-1234**4711", "3175551234"),
        ("*61*4711#*61*4711", NOBODY),
        ("*61*4711#" * 400 + "3175551234", NOBODY),
        ("*61*4711#*62*4711#", NOBODY),
        ("*61*4711", NOBODY),
        ("*71**61*4711", NOBODY),
        ("*62*4711#", NOBODY),
        ("*62*4711", NOBODY),
        ("*63#", "*63#"),
    ],
)
def test_neither_a_templates_code_nor_a_sticky_one_is_left(number: str, left: str) -> None:
    assert Undress(TEMPLATES, "*62*CODE#")(number) == left


@pytest.mark.parametrize(
    ("template", "number", "left"),
    [
        ("77CODE8NUMBER", "77471183175551234", "3175551234"),
        ("77CODE8NUMBER", "774711877555812345", "77555812345"),
        ("77CODE8NUMBER", "774711", NOBODY),
        ("77CODE*NUMBER", "774711", NOBODY),
        ("77CODE*NUMBER", "3175551234", "3175551234"),
        ("CODE**NUMBER", "*71*4711**3175551234", "3175551234"),
        ("CODE**NUMBER", "*714711**3175551234", "3175551234"),
        ("CODE**NUMBER", "*71*3175551234", "*71*3175551234"),
    ],
)
def test_nor_is_one_that_digits_alone_make_or_begin(template: str, number: str, left: str) -> None:
    assert Undress([template])(number) == left

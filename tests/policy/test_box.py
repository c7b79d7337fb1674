"""Boxes of numbers: intersection and difference, against listing the numbers."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from tollbar.policy import charset
from tollbar.policy.box import Box, intersect, place, subtract

ALPHABET = "012"
SETS = st.sampled_from(["0", "1", "01", "12", "012"]).map(charset.of)
BOXES = st.builds(Box, st.lists(SETS, max_size=3), st.just(0) | st.just(charset.of("012")))
NUMBERS = ["".join(n) for length in range(6) for n in product(ALPHABET, repeat=length)]


def holds(box: Box, number: str) -> bool:
    return (
        len(number) >= len(box.places)
        and (len(number) == len(box.places) or box.tail > 0)
        and all(place(box, n) >> ord(c) & 1 for n, c in enumerate(number))
    )


@settings(max_examples=150, deadline=None)
@given(BOXES, BOXES)
def test_intersection_holds_what_both_hold(one: Box, other: Box) -> None:
    both = intersect(one, other)
    for number in NUMBERS:
        expected = holds(one, number) and holds(other, number)
        assert (both is not None and holds(both, number)) == expected


@settings(max_examples=150, deadline=None)
@given(BOXES, BOXES)
def test_difference_holds_each_remaining_number_once(one: Box, other: Box) -> None:
    rest = subtract(one, other)
    for number in NUMBERS:
        expected = holds(one, number) and not holds(other, number)
        assert sum(holds(box, number) for box in rest) == expected


@given(BOXES)
def test_a_sample_is_in_its_box(box: Box) -> None:
    assert holds(box, box.sample())

"""Sets of numbers as boxes: a set of characters for each place, and perhaps an open end.

Boxes can be intersected and taken from each other, which is how the dial plan is searched
for two spellings of one destination. Used when a plan is loaded, never per call.
"""

from dataclasses import dataclass

from tollbar.policy import charset


@dataclass(slots=True)
class Box:
    """All numbers whose places lie in ``places``, then any number of characters of ``tail``."""

    places: list[int]
    tail: int = 0

    def sample(self) -> str:
        """The plainest number in the box."""
        return "".join(map(charset.pick, self.places))


def place(box: Box, index: int) -> int:
    """The set at a place, beyond the places the open end's."""
    return box.places[index] if index < len(box.places) else box.tail


def intersect(one: Box, other: Box) -> Box | None:
    """The numbers in both boxes, or None."""
    length = max(len(one.places), len(other.places))
    places = []
    for index in range(length):
        both = place(one, index) & place(other, index)
        if not both:
            return None
        places.append(both)
    return Box(places, one.tail & other.tail)


def subtract(box: Box, taken: Box) -> list[Box]:
    """Boxes without overlap that hold the numbers of ``box`` that are not in ``taken``."""
    rest: list[Box] = []
    places = list(box.places)
    while len(places) < len(taken.places):
        # Numbers that end before ``taken`` begins stay, then the open end is spelled out.
        rest.append(Box(list(places)))
        if not box.tail:
            return rest
        places.append(box.tail)
    for index, chars in enumerate(places):
        other = place(taken, index)
        outside = chars & ~other
        if outside:
            rest.append(Box([*places[:index], outside, *places[index + 1 :]], box.tail))
        places[index] = chars & other
        if not places[index]:
            return rest
    outside = box.tail & ~taken.tail
    if outside:
        rest.append(Box([*places, outside], box.tail))
        # Where the ends overlap only in part, numbers that leave later are not listed.
    return rest

"""No destination may be dialled two ways of which one is freer than the other.

Two objects clash when a number exists that both reach, each by a spelling for which it is the
first that matches, and one asks for a code, is blocked or is classified otherwise while the
other is not. Reaching is judged by standardized numbers, and by the dial strings sent to one
peer, whatever dial group leads there. What stands behind a digit template or a prefix is judged
by the same plan, so these need no look of their own. Regular expressions escape this check: the
decision looks again at call time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tollbar.policy import charset, finding
from tollbar.policy.box import Box, intersect, place, subtract
from tollbar.policy.dialplan import DialPlan, Entry
from tollbar.policy.finding import Finding
from tollbar.policy.matcher import Cover, bits, members
from tollbar.policy.output import Output
from tollbar.policy.pattern import LISTED, LITERAL, MANY, REST, Pattern, Token

_MANY_LENGTHS: Final = range(13)
"""How many characters a ``?`` inside a pattern is tried with."""

_STEPS_PER_PAIR: Final = 200
_STEPS: Final = 50_000

Outcome = tuple[bool, bool, str]


@dataclass(slots=True)
class Way:
    """One way an entry reaches numbers: what is dialled, what is reached, and their links.

    ``links`` gives for each dialled place the reached place it becomes, or -1. ``open`` says
    whether the dialled end is also the reached end. ``key`` is the same for equal ``reached``.
    """

    entry: Entry
    outcome: Outcome
    dialled: Box
    reached: Box
    links: list[int]
    open: bool
    key: tuple[int, ...]

    def spelling(self, box: Box) -> Box:
        """What is dialled for a box of reached numbers."""
        places = [
            self.dialled.places[n] if link < 0 else box.places[link]
            for n, link in enumerate(self.links)
        ]
        if self.open:
            places += box.places[len(self.reached.places) :]
        return Box(places, box.tail if self.open else 0)

    def reached_by(self, dialled: Box) -> Box | None:
        """The reached numbers whose spelling lies in a box of dialled ones."""
        places = [charset.ANY] * len(self.reached.places)
        for n, link in enumerate(self.links):
            chars = place(dialled, n)
            if link < 0:
                chars &= charset.of(charset.pick(self.dialled.places[n]))
            else:
                chars &= places[link]
                places[link] = chars
            if not chars:
                return None
        beyond = dialled.places[len(self.links) :]
        if not self.open:
            return None if beyond else Box(places)
        return Box(places + beyond, dialled.tail)


def ways(entry: Entry, output: Output, outcome: Outcome, *, whole: bool) -> Iterator[Way]:
    """The ways of an entry to what an output field gives; ``whole`` keeps ``^`` and ``/``."""
    pattern = entry.pattern
    inner = [t for t in pattern.tokens[:-1] if t.kind == MANY]
    if pattern.regular or len(inner) > 1:
        return
    entries = sorted(pattern.listed[2]) if pattern.listed is not None else [""]
    reaching = output.tokens if output.tokens is not None else pattern.tokens
    for listed in entries:
        for count in _MANY_LENGTHS if inner else (0,):
            dialled, spans = _spell(pattern, listed, count)
            way = _follow(reaching, dialled, spans, whole=whole)
            if way is not None:
                reached, links, open_ended = way
                key = (*reached.places, reached.tail)
                yield Way(entry, outcome, dialled, reached, links, open_ended, key)


def _spell(pattern: Pattern, listed: str, count: int) -> tuple[Box, list[tuple[int, int] | None]]:
    """A pattern as one box, and the places of each wildcard (None: the open end)."""
    box = Box([])
    spans: list[tuple[int, int] | None] = []
    digits = iter(listed)
    for token in pattern.tokens:
        start = len(box.places)
        if token.kind == REST or (token.kind == MANY and token is pattern.tokens[-1]):
            box.tail = token.chars
            spans.append(None)
            continue
        if token.kind == MANY:
            box.places += [token.chars] * count
        else:
            box.places.append(charset.of(next(digits)) if token.kind == LISTED else token.chars)
        if token.kind != LITERAL:
            spans.append((start, len(box.places)))
    return box, spans


def _follow(
    reaching: Sequence[Token],
    dialled: Box,
    spans: Sequence[tuple[int, int] | None],
    *,
    whole: bool,
) -> tuple[Box, list[int], bool] | None:
    """What is reached, linked to what is dialled; None where it cannot be told."""
    reached = Box([])
    links = [-1] * len(dialled.places)
    rest = iter(spans)
    open_ended = False
    for token in reaching:
        if open_ended:
            return None
        if token.kind == LITERAL:
            if not whole and reached.places and token.text in "^/":
                break
            reached.places.append(token.chars)
            continue
        span = next(rest)
        if span is None:
            reached.tail = dialled.tail
            open_ended = True
            continue
        for n in range(*span):
            links[n] = len(reached.places)
            reached.places.append(dialled.places[n])
    return reached, links, open_ended


class Search:
    """Looks for clashes in one plan."""

    def __init__(self, plan: DialPlan, tenant: str) -> None:
        self.errors: list[Finding] = []
        self.complete = True
        self._plan = plan
        self._tenant = tenant
        self._steps = _STEPS
        self._named: set[int] = set()
        self._cover = Cover(plan.matcher)
        self._covered: dict[tuple[int, tuple[int, ...]], bool] = {}
        # Entries that are first wherever the caller is.
        self._firm = bits(
            len(plan.entries),
            (n for n, e in enumerate(plan.entries) if e.emergency or not e.locations),
        )
        self._order = {id(entry): n for n, entry in enumerate(plan.entries)}

    def run(self) -> None:
        """Look through everything; ``errors`` has one finding for each object that clashes."""
        self._among(self._by_standardized())
        for groups in self._reaching_one_peer():
            self._among(self._by_groups(groups))

    def _reaching_one_peer(self) -> list[frozenset[str]]:
        """For each peer the dial groups that lead there; sets within another are left out."""
        leading: dict[str, set[str]] = {}
        for entry in self._plan.entries:
            for use in entry.uses:
                for member in use.group.members:
                    leading.setdefault(member, set()).add(use.group.name)
        found = {frozenset(groups) for groups in leading.values()}
        whole = [groups for groups in found if not any(groups < other for other in found)]
        return sorted(whole, key=sorted)

    def run_as_entered(self) -> None:
        """Look for numbers that are blocked and yet match nothing, where such ones are dialled."""
        for way in self._by_standardized():
            entry = way.entry
            if not entry.blocked or entry.allow_bypass or entry.index in self._named:
                continue
            number = self._unmatched(way.reached)
            if number:
                self._named.add(entry.index)
                text = (
                    f"dial-plan object {entry.key}: is blocked, but {number} matches nothing and "
                    "is dialled as entered; add that spelling, or say why in allow_bypass"
                )
                self.errors.append(
                    Finding(finding.DIAL_OBJECT, entry.key, text, entry.index, self._tenant)
                )

    def _unmatched(self, box: Box) -> str:
        """A number of a box that matches nothing, or ""."""
        for location in ["", *self._plan.locations]:
            waiting = [box]
            for _ in range(_STEPS_PER_PAIR):
                if not waiting:
                    break
                looked = waiting.pop()
                number = looked.sample()
                first = self._plan.match(number, location)
                if first is None:
                    return number
                waiting += subtract(looked, _around(first, number))
            else:
                self.complete = False
        return ""

    def _by_standardized(self) -> list[Way]:
        return [
            way
            for entry in self._plan.entries
            for way in ways(
                entry,
                entry.standardized,
                _outcome(entry, entry.classification),
                whole=False,
            )
        ]

    def _by_groups(self, names: frozenset[str]) -> list[Way]:
        """Ways to what these groups are sent; what is blocked is thought to be sent anywhere."""
        found: list[Way] = []
        for entry in self._plan.entries:
            if entry.blocked:
                outcome = _outcome(entry, entry.classification)
                found += ways(entry, entry.dial_string, outcome, whole=True)
            for use in entry.uses:
                if use.group.name in names and not entry.blocked:
                    outcome = _outcome(entry, use.classification)
                    found += ways(entry, use.dial_string, outcome, whole=True)
        return found

    def _among(self, found: Sequence[Way]) -> None:
        outcomes: dict[Outcome, list[int]] = {}
        for n, way in enumerate(found):
            outcomes.setdefault(way.outcome, []).append(n)
        if len(outcomes) < 2:
            return
        alike = {outcome: bits(len(found), who) for outcome, who in outcomes.items()}
        self._covered = {}
        touching = _Touching([way.reached for way in found])
        for n, way in enumerate(found):
            if way.entry.allow_bypass:
                continue
            others = touching.candidates(n) & ~alike[way.outcome] & ~((2 << n) - 1)
            for m in members(others):
                self._compare(way, found[m])

    def _compare(self, one: Way, other: Way) -> None:
        first, second = sorted((one, other), key=lambda way: way.entry.index)
        if (
            second.entry.allow_bypass
            or first.entry.allow_bypass
            or second.entry.index in self._named
            or first.entry is second.entry
        ):
            return
        key = (id(second), first.key)
        if key not in self._covered:
            self._covered[key] = self._is_covered(first, second)
        if self._covered[key]:
            return
        box = intersect(first.reached, second.reached)
        if box is None:
            return
        for location in self._locations(first.entry, second.entry):
            found = self._find(first, second, box, location)
            if found is not None:
                self._named.add(second.entry.index)
                self.errors.append(self._finding(first, second, *found))
                return

    def _is_covered(self, first: Way, second: Way) -> bool:
        """Whether what both reach is always taken from the second by entries before it.

        A quick answer for the usual plan, where a narrow object precedes in every spelling;
        asked once for all objects that reach the same.
        """
        box = intersect(first.reached, second.reached)
        if box is None:
            return True
        spelled = second.spelling(box)
        earlier = self._firm & ((1 << self._order[id(second.entry)]) - 1)
        longest = None if spelled.tail else len(spelled.places)
        return bool(self._cover.over(spelled.places, longest, earlier))

    def _locations(self, one: Entry, other: Entry) -> list[str]:
        """The places at which both can be reached."""
        if one.locations and other.locations:
            return sorted(one.locations & other.locations)
        return sorted(one.locations or other.locations) or ["", *self._plan.locations]

    def _find(self, one: Way, other: Way, box: Box, location: str) -> tuple[str, str, str] | None:
        """A number both reach there as first match, and its two spellings."""
        waiting = [box]
        for _ in range(_STEPS_PER_PAIR):
            if not waiting:
                return None
            self._steps -= 1
            if self._steps < 0:
                break
            looked = waiting.pop()
            spelled: list[str] = []
            for way in (one, other):
                number = way.spelling(looked).sample()
                first = self._plan.match(number, location)
                if first is not way.entry:
                    taken = None if first is None else way.reached_by(_around(first, number))
                    if taken is not None:
                        waiting += subtract(looked, taken)
                    break
                spelled.append(number)
            else:
                return looked.sample(), spelled[0], spelled[1]
        self.complete = False
        return None

    def _finding(self, one: Way, other: Way, number: str, first: str, second: str) -> Finding:
        ways_to = f"dialled {first} or {second}" if first != second else f"dialled {first}"
        return Finding(
            finding.DIAL_OBJECT,
            other.entry.key,
            f"dial-plan object {other.entry.key}: {one.entry.key} reaches the same number "
            f"{number} ({ways_to}), but {_difference(one.outcome, other.outcome)}; "
            "make them alike, or say why in allow_bypass",
            other.entry.index,
            self._tenant,
        )


def _outcome(entry: Entry, classification: str) -> Outcome:
    if entry.blocked:
        return True, False, ""
    return False, entry.verification, classification


def _difference(one: Outcome, other: Outcome) -> str:
    if one[0] != other[0]:
        return "that one is blocked" if one[0] else "that one is not blocked"
    if one[1] != other[1]:
        return "that one asks for an account code" if one[1] else "that one asks for no code"
    return f"that one is {one[2]}, not {other[2]}"


def _around(entry: Entry, number: str) -> Box:
    """Numbers the entry matches, this one among them: a lower bound where it is complicated."""
    pattern = entry.pattern
    if pattern.regular or pattern.spans is None:
        return Box([charset.of(c) if c.isascii() else charset.ANY for c in number])
    places = list(pattern.columns)
    if pattern.listed is not None:
        start, stop, _ = pattern.listed
        places[start:stop] = [charset.of(c) for c in number[start:stop]]
    return Box(places, pattern.tail if pattern.longest is None else 0)


class _Touching:
    """Which boxes might have a number in common, a bit per box."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        self._tables: list[list[int]] = []
        self._by_set: dict[tuple[int, int], int] = {}
        lengths: dict[tuple[int, bool], list[int]] = {}
        for n, box in enumerate(boxes):
            lengths.setdefault((len(box.places), bool(box.tail)), []).append(n)
        self._lengths = {key: bits(len(boxes), who) for key, who in lengths.items()}
        for column in range(max((len(box.places) for box in boxes), default=0)):
            by_set: dict[int, list[int]] = {}
            for n, box in enumerate(boxes):
                by_set.setdefault(place(box, column), []).append(n)
            table = [0] * charset.SIZE
            for chars, found in by_set.items():
                who = bits(len(boxes), found)
                for code in charset.members(chars):
                    table[code] |= who
            self._tables.append(table)

    def candidates(self, n: int) -> int:
        """Boxes that may touch box ``n``."""
        box = self._boxes[n]
        left = 0
        for (length, open_ended), who in self._lengths.items():
            if (
                length == len(box.places)
                or (length < len(box.places) and open_ended)
                or (length > len(box.places) and box.tail)
            ):
                left |= who
        for column, chars in enumerate(box.places):
            left &= self._any_of(column, chars)
            if not left:
                break
        return left

    def _any_of(self, column: int, chars: int) -> int:
        if (column, chars) not in self._by_set:
            who = 0
            for code in charset.members(chars):
                who |= self._tables[column][code]
            self._by_set[column, chars] = who
        return self._by_set[column, chars]

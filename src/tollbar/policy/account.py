"""Account codes: what they are, and whether one counts today.

A code is a string: ``001``, ``01`` and ``1`` are three codes, and nothing here may ever turn
one into a number. Days of validity are calendar days in the configured time zone, turned
into instants once, when the codes are loaded.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from heapq import merge
from math import inf
from typing import Final

from tollbar.policy import finding
from tollbar.policy.finding import Finding
from tollbar.policy.refusal import EXPIRED, MALFORMED, NOT_PERMITTED, RETIRED, UNKNOWN
from tollbar.policy.rights import Effective
from tollbar.policy.verdict import VALID

LONGEST_CODE: Final = 50
LONGEST_DESCRIPTION: Final = 128


@dataclass(slots=True)
class Code:
    """One account code. Both days are included; None leaves that side open."""

    code: str
    description: str = ""
    active: bool = True
    valid_from: date | None = None
    valid_until: date | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def well_formed(code: str) -> bool:
    """Whether a string is 1 to 50 digits."""
    return code.isascii() and code.isdigit() and len(code) <= LONGEST_CODE


def mask(code: str) -> str:
    """A code for logs and explanations: its length is all that shows."""
    return "*" * min(len(code), LONGEST_CODE)


def day_starts(day: date, zone: tzinfo) -> float:
    """The first instant of a calendar day, also where that day has no midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


class Codes:
    """A tenant's codes, compiled: one dictionary, and instants for those with dates."""

    __slots__ = ("_by_length", "_sorted", "_spans", "by_code")

    def __init__(self, codes: Sequence[Code], zone: tzinfo) -> None:
        self.by_code = {code.code: code for code in codes}
        # For pick lists only, sorted when the first of them is asked for.
        self._sorted: list[str] | None = None
        self._by_length: list[list[str]] | None = None
        self._spans: dict[str, tuple[float, float]] = {}
        for code in codes:
            if code.valid_from is not None or code.valid_until is not None:
                self._spans[code.code] = (
                    -inf if code.valid_from is None else day_starts(code.valid_from, zone),
                    inf
                    if code.valid_until is None or code.valid_until == date.max
                    else day_starts(code.valid_until + timedelta(days=1), zone),
                )

    def check(self, given: str, utc: float, caller: Effective) -> str:
        """``valid``, or the first reason against the code."""
        code = self.by_code.get(given)
        if code is None:
            return UNKNOWN if well_formed(given) else MALFORMED
        if not code.active:
            return RETIRED
        span = self._spans.get(given)
        if span is not None and not span[0] <= utc < span[1]:
            return EXPIRED
        return VALID if caller.may_use(given) else NOT_PERMITTED

    def beginning(
        self, prefix: str, caller: Effective, *, by_number: bool = False
    ) -> Iterator[str]:
        """The codes that begin so and that the caller has access to, valid or not.

        In string order, or by number and then as strings. No more is looked through than the
        codes that begin so, or the caller's own where those are fewer.
        """
        if self._sorted is None:
            self._sorted = sorted(self.by_code)
        own = caller.named_codes()
        start = bisect_left(self._sorted, prefix)
        # No digit sorts behind a colon.
        stop = bisect_left(self._sorted, prefix + ":")
        if own is not None and len(own) < stop - start:
            few = sorted(code for code in own if code.startswith(prefix) and code in self.by_code)
            yield from sorted(few, key=by_value) if by_number else few
            return
        found = self._by_number(prefix) if by_number else between(self._sorted, start, stop)
        for code in found:
            if own is None or code in own:
                yield code

    def _by_number(self, prefix: str) -> Iterator[str]:
        """Among codes of one length the order of strings is the order of numbers."""
        if self._by_length is None:
            assert self._sorted is not None
            lengths: dict[int, list[str]] = {}
            for code in self._sorted:
                lengths.setdefault(len(code), []).append(code)
            self._by_length = list(lengths.values())
        spans = [
            between(codes, bisect_left(codes, prefix), bisect_left(codes, prefix + ":"))
            for codes in self._by_length
        ]
        return merge(*spans, key=by_value)


def between(codes: Sequence[str], start: int, stop: int) -> Iterator[str]:
    """A stretch of a long list without a copy of it."""
    return (codes[place] for place in range(start, stop))


def by_value(code: str) -> tuple[int, str]:
    """The key that orders codes by number; those alike in number as strings."""
    return int(code), code


def check_codes(
    codes: Sequence[Code], tenant: str, known: Mapping[str, Code] | None = None
) -> list[Finding]:
    """What is wrong with the codes themselves; the very objects in ``known`` are sound."""
    known = known or {}
    found: list[Finding] = []
    seen: set[str] = set()

    def say(index: int, code: str, text: str) -> None:
        found.append(Finding(finding.CODE, code, f"account code {code}: {text}", index, tenant))

    for index, code in enumerate(codes):
        if code.code not in seen and known.get(code.code) is code:
            seen.add(code.code)
            continue
        if not well_formed(code.code):
            say(index, code.code, "a code is 1 to 50 digits")
        if code.code in seen:
            say(index, code.code, "is there twice")
        seen.add(code.code)
        if len(code.description) > LONGEST_DESCRIPTION:
            say(index, code.code, "the description is longer than 128 characters")
        if (
            code.valid_from is not None
            and code.valid_until is not None
            and code.valid_until < code.valid_from
        ):
            say(index, code.code, "valid_until lies before valid_from")
    return found

"""Account codes that are tied to the number of the far end, whoever calls or is called.

Patterns are those of the dial plan, the first that matches counts. They are held against
standardized numbers, so every spelling finds the same code. Whether the code may be used is
never decided here.
"""

from collections.abc import Collection, Mapping

from tollbar.policy.dialplan import DialPlan
from tollbar.policy.finding import FAR_END, Finding, PatternError
from tollbar.policy.matcher import Matcher
from tollbar.policy.number import destination, normalise
from tollbar.policy.pattern import LITERAL, Pattern


class FarEnd:
    """A tenant's table, compiled. A plain number in it may be in any spelling as well."""

    __slots__ = ("_codes", "_everything", "_matcher", "_plan")

    def __init__(self, patterns: list[Pattern], codes: list[str], plan: DialPlan) -> None:
        self._matcher = Matcher(patterns)
        self._codes = codes
        self._everything = (1 << len(codes)) - 1
        self._plan = plan

    def of_called(self, standardized: str) -> str:
        """The code tied to a number that is called, or ""."""
        return self._first({standardized, destination(standardized)})

    def of_calling(self, number: str, location: str) -> str:
        """The code tied to a number that calls, or ""."""
        return self._first({number, standardize(self._plan, number, location)})

    def _first(self, numbers: Collection[str]) -> str:
        places = [self._matcher.first(number, self._everything) for number in numbers]
        found = [place for place in places if place >= 0]
        return self._codes[min(found)] if found else ""


def standardize(plan: DialPlan, number: str, location: str = "") -> str:
    """A number as the dial plan standardizes it, or as it is where nothing matches."""
    entry = plan.match(number, location)
    if entry is None or entry.emergency:
        return number
    return destination(entry.standardized.render(number))


def compile_far_end(
    table: Mapping[str, str], plan: DialPlan, known: Collection[str], tenant: str
) -> tuple[FarEnd | None, list[Finding]]:
    """Compile a table; findings name the entries that are wrong."""
    if not table:
        return None, []
    patterns: list[Pattern] = []
    codes: list[str] = []
    found: list[Finding] = []
    for index, (text, code) in enumerate(table.items()):

        def say(what: str, text: str = text, index: int = index) -> None:
            found.append(Finding(FAR_END, text, f"far end {text}: {what}", index, tenant))

        if code not in known:
            say(f"no account code {code!r}")
        try:
            pattern = Pattern(text)
        except PatternError as error:
            say(str(error))
            continue
        patterns.append(pattern)
        codes.append(code)
        if pattern.tokens and all(token.kind == LITERAL for token in pattern.tokens):
            number = normalise("".join(token.text for token in pattern.tokens))
            standardized = standardize(plan, number)
            if standardized != number and '"' not in standardized:
                patterns.append(Pattern(f'"{standardized}"'))
                codes.append(code)
    return FarEnd(patterns, codes, plan), found

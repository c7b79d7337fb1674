"""Feature codes: what a caller dials to set or clear the sticky account code.

``*62*CODE#`` sets it, ``*63#`` clears it. Like a digit template, a feature code owns whatever
begins as it does, so that a mistyped code never reaches the dial plan.
"""

from collections.abc import Sequence
from typing import Final

from tollbar.policy import charset
from tollbar.policy.finding import SETTINGS, Finding, PatternError
from tollbar.policy.template import Step, Template, both_match, literal

SET: Final = "set"
CLEAR: Final = "clear"

_TEXT: Final = frozenset("0123456789*#")


class Features:
    """The feature codes that are on; ``sticky_clear`` may be missing."""

    __slots__ = ("clear", "end", "head", "heads", "text")

    def __init__(self, sticky_set: str, sticky_clear: str) -> None:
        """Raises PatternError."""
        self.text = sticky_set
        self.head, code, self.end = sticky_set.partition("CODE")
        self.clear = sticky_clear
        if not code:
            raise PatternError("sets a sticky code, but CODE is missing")
        if not set(self.head + self.end + sticky_clear) <= _TEXT:
            raise PatternError("may hold digits, * and # beside CODE")
        for text in (self.head, sticky_clear):
            if text[:1].isdigit() or (not text and text is self.head):
                raise PatternError("a feature code begins with * or #")
        # One look at a number tells whether any of them can be meant.
        self.heads = (self.head, sticky_clear) if sticky_clear else (self.head,)

    def find(self, dialled: str) -> tuple[str, str] | None:
        """SET and the code, CLEAR and "", or None where no feature code was dialled."""
        if self.clear and dialled == self.clear:
            return CLEAR, ""
        end = len(dialled) - len(self.end)
        if dialled.startswith(self.head) and dialled.endswith(self.end) and end >= len(self.head):
            return SET, dialled[len(self.head) : end]
        return None

    def begun(self, dialled: str) -> str:
        """The beginning that was dialled without its end, or "": what follows may be a code."""
        return self.head if dialled.startswith(self.head) else ""

    def begins(self, dialled: str) -> bool:
        """Whether more digits could make it a feature code."""
        return self.head.startswith(dialled) or self.clear.startswith(dialled)

    @property
    def readings(self) -> list[tuple[str, list[Step]]]:
        """What is dialled for each feature code, for the search for two that are alike."""
        code = Step(charset.ANY, repeats=True)
        found = [(self.text, [*literal(self.head), code, *literal(self.end)])]
        if self.clear:
            found.append((self.clear, literal(self.clear)))
        return found


def compile_features(
    sticky_set: str, sticky_clear: str, templates: Sequence[Template]
) -> tuple[Features | None, list[Finding]]:
    """Compile the feature codes; findings say what is wrong and what could be meant as well."""
    if not sticky_set and not sticky_clear:
        return None, []

    def say(text: str, what: str) -> Finding:
        return Finding(SETTINGS, "sticky", f"sticky code {text}: {what}")

    try:
        features = Features(sticky_set, sticky_clear)
    except PatternError as error:
        return None, [say(sticky_set or sticky_clear, str(error))]
    found = []
    others = [(f"template {template.text}", template.steps) for template in templates]
    for text, steps in features.readings:
        for other, reading in others:
            example = both_match(steps, reading)
            if example is not None:
                found.append(say(text, f"{other} can match the same digits, for example {example}"))
        others.append((f"sticky code {text}", steps))
    return features, found

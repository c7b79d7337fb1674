"""On whose behalf a call is made: a workgroup named by its prefix or in a header.

The name counts only if the caller is a member. It must never make a call possible that the
caller could not place without it.
"""

from collections.abc import Sequence
from typing import Final

from tollbar.policy import charset
from tollbar.policy.feature import Features
from tollbar.policy.finding import WORKGROUP, Finding
from tollbar.policy.rights import User, Workgroup
from tollbar.policy.template import Step, Template, both_match, literal

LONGEST_PREFIX: Final = 16
_TEXT: Final = frozenset("0123456789*#")


class Prefixes:
    """The prefixes of a tenant's workgroups; none begins as another does."""

    __slots__ = ("_by_text", "_lengths")

    def __init__(self, workgroups: Sequence[Workgroup]) -> None:
        self._by_text = {group.prefix: group.name for group in workgroups if group.prefix}
        self._lengths = sorted({len(text) for text in self._by_text})

    def take(self, number: str) -> tuple[str, str] | None:
        """The workgroup and the number behind its prefix, or None."""
        for length in self._lengths:
            name = self._by_text.get(number[:length])
            if name is not None:
                return name, number[length:]
        return None

    def begins(self, number: str) -> bool:
        """Whether more digits could make it a prefix."""
        return any(text.startswith(number) for text in self._by_text)

    @property
    def texts(self) -> tuple[str, ...]:
        """The prefixes themselves: no object of the dial plan is reached with them."""
        return tuple(self._by_text)


def check_prefixes(
    workgroups: Sequence[Workgroup],
    templates: Sequence[Template],
    features: Features | None,
    tenant: str,
) -> list[Finding]:
    """Prefixes that are none, and those that could be meant in two ways."""
    found: list[Finding] = []
    others = [(f"template {template.text}", template.steps) for template in templates]
    if features is not None:
        others += [(f"sticky code {text}", steps) for text, steps in features.readings]
    taken: dict[str, str] = {}
    prefixed = [(index, group) for index, group in enumerate(workgroups) if group.prefix]
    for index, group in sorted(prefixed, key=lambda pair: len(pair[1].prefix)):

        def say(text: str, group: Workgroup = group, index: int = index) -> None:
            said = f"workgroup {group.name}: prefix {group.prefix}: {text}"
            found.append(Finding(WORKGROUP, group.name, said, index, tenant))

        prefix = group.prefix
        if not set(prefix) <= _TEXT or len(prefix) > LONGEST_PREFIX:
            say(f"is no prefix; 1 to {LONGEST_PREFIX} digits, * and #")
            continue
        steps = [*literal(prefix), Step(charset.ANY, repeats=True)]
        for other, reading in others:
            example = both_match(steps, reading)
            if example is not None:
                say(f"{other} can match the same digits, for example {example}")
        for length in range(1, len(prefix) + 1):
            owner = taken.get(prefix[:length])
            if owner is not None:
                say(f"that of workgroup {owner} begins so too")
                break
        taken[prefix] = group.name
    return found


def named(values: Sequence[str], dialled: Sequence[str]) -> list[str]:
    """The workgroups named, each once: by header, white space around them dropped, and prefix."""
    stripped = (value.strip() for value in values)
    return list(dict.fromkeys([*(value for value in stripped if value), *dialled]))


def is_member(user: User | None, workgroup: str) -> bool:
    """Whether a caller may call on its behalf."""
    return user is not None and workgroup in user.workgroups

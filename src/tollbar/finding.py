"""What is wrong with a file, and where: the words in which a configuration is refused.

A finding names the place, the entry and the remedy on one line. It must never hold a secret.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(slots=True)
class Place:
    """Where something stands; line and column count from 1, line 0 is the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(slots=True)
class Finding:
    """One thing that is not right: the place, the entry's path, what it is and what to do."""

    place: Place
    where: str
    what: str
    hint: str = ""

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int:
        return self.place.line

    def __str__(self) -> str:
        parts = [str(self.place), self.where, self.what]
        text = ": ".join(part for part in parts if part)
        return f"{text} ({self.hint})" if self.hint else text


class Rejected(ValueError):  # noqa: N818
    """A file that cannot be used, with everything that is wrong in it, one finding a line."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = list(findings)


class Wrong(ValueError):  # noqa: N818
    """Raised by a parse function given to ``parsed``: what is wrong with the text, and a hint."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def meant(word: str, known: Sequence[str]) -> str:
    """The hint for a word that is none of the known ones."""
    plain = word.lower().replace("-", "_")
    spelled = {name.lower().replace("-", "_"): name for name in known}
    close = get_close_matches(plain, list(spelled), n=1, cutoff=0.6)
    if close:
        return f'did you mean "{spelled[close[0]]}"?'
    if not known:
        return ""
    listed = ", ".join(list(known)[:12]) + (", ..." if len(known) > 12 else "")
    return f"known: {listed}"


def one_of(text: str, noun: str, known: Collection[str]) -> str:
    """The text if it names something known; else ``Wrong`` with the name that was meant."""
    if text not in known:
        raise Wrong(f'there is no {noun} "{text}"', meant(text, list(known)))
    return text

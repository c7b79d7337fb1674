"""What is wrong or doubtful in what was configured: findings, and the error that carries them.

A finding names its entry by kind and key so that whoever read the entry from a file or a
table can say where it stands. It must never hold an account code that a caller dialled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CODE: Final = "code"
DEFAULT_USER: Final = "default_user"
ROLE: Final = "role"
WORKGROUP: Final = "workgroup"
USER: Final = "user"
LIST: Final = "number_list"
CLASSIFICATION: Final = "classification"
FAR_END: Final = "far_end"
DIAL_OBJECT: Final = "dial_object"
TEMPLATE: Final = "template"
PEER: Final = "peer"
DIAL_GROUP: Final = "dial_group"
SCHEDULE: Final = "schedule"
SETTINGS: Final = "settings"


@dataclass(slots=True)
class Finding:
    """One thing to say about one entry.

    ``kind`` is one of the constants above and ``key`` the entry's own name: the code, the
    user's name, the ``key`` of a dial-plan object, the template itself; of a schedule
    the dial group and the line with a blank between. ``index`` is the
    entry's place in the sequence it was given in, or -1. ``tenant`` is "" for what all
    tenants share. ``text`` is the whole sentence, entry included.
    """

    kind: str
    key: str
    text: str
    index: int = -1
    tenant: str = ""


class PlanError(Exception):
    """The configuration cannot be used; ``findings`` says why, every reason at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.text for finding in findings))
        self.findings = list(findings)


class PatternError(ValueError):
    """A pattern, an output field, a template or the like is not well-formed; the text says how."""

"""An interaction that is no call: a callback request, a chat or an email on somebody's queue.

It is one thing from its registration to its end, with at most one account code, and never
split; a transfer ends one part and begins the next, each with a record of its own. Times are
UTC milliseconds. It must never judge who may do what: policy does.
"""

import json
from dataclasses import dataclass, fields
from typing import Any, Final

from tollbar.cdr.record import Record, with_change

CALLBACK: Final = "callback"
CHAT: Final = "chat"
EMAIL: Final = "email"
KINDS: Final = (CALLBACK, CHAT, EMAIL)

ANSWERED: Final = "answered"
CANCELLED: Final = "cancelled"
TRANSFERRED: Final = "transferred"
"""The reason in the record of a part that went on elsewhere."""


@dataclass(slots=True)
class Interaction:
    """``queue_kind`` and ``queue`` say whose queue it is on: a user's or a workgroup's.

    ``source`` is the system that registered it, ``party`` who is at the far end, ``user`` who
    answered it. ``code_changes`` is a JSON list ("" is none), refused tries included.
    """

    tenant: str
    interaction_id: str
    kind: str
    queue_kind: str
    queue: str
    direction: str = "in"
    source: str = ""
    party: str = ""
    user: str = ""
    account_code: str = ""
    account_code_description: str = ""
    code_source: str = ""
    code_changes: str = ""
    registered: int = 0
    answered: int | None = None
    parent_record_id: str = ""

    @property
    def tries(self) -> int:
        """How often its code was changed, refused tries included."""
        return len(json.loads(self.code_changes)) if self.code_changes else 0

    def code_changed(self, at: int, by: str, code: str, source: str, refused: str = "") -> None:
        """Note that ``by`` gave ``code``, or tried to and was ``refused``."""
        self.code_changes = with_change(
            self.code_changes, at, by, self.account_code, code, source, refused=refused
        )

    def record(self, end: int, outcome: str, reason: str = "") -> Record:
        """Its record, now that it is over."""
        incoming = self.direction == "in"
        end = max(end, self.registered, self.answered or 0)
        return Record(
            self.interaction_id,
            self.tenant,
            self.direction,
            self.source,
            user=self.user or (self.queue if self.queue_kind == "user" else ""),
            workgroup=self.queue if self.queue_kind == "workgroup" else "",
            caller=self.party if incoming else "",
            dialled="" if incoming else self.party,
            account_code=self.account_code,
            account_code_description=self.account_code_description,
            code_source=self.code_source,
            code_changes=self.code_changes,
            outcome=outcome,
            reason=reason,
            setup=self.registered,
            answer=self.answered,
            end=end,
            billable_ms=0 if self.answered is None else end - self.answered,
            in_report=self.account_code != "",
            parent_record_id=self.parent_record_id,
            kind=self.kind,
        )


FIELDS: Final = tuple(f.name for f in fields(Interaction))


def values(interaction: Interaction) -> dict[str, Any]:
    """Everything, by name."""
    return {name: getattr(interaction, name) for name in FIELDS}

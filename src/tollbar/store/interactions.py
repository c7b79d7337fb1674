"""The live interactions that are no calls, on the queues of users and workgroups.

Each step is one transaction and is audited. What is over becomes a record, once: the row waits
as ``draft`` until the record is filed, because records may be in another database. Who may do
what is decided by policy; it must never be decided here.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from tollbar.cdr import interaction as kinds
from tollbar.cdr.interaction import FIELDS, Interaction, values
from tollbar.cdr.record import COLUMNS, Record, from_draft
from tollbar.policy.account import Codes
from tollbar.policy.queue import may_assign
from tollbar.policy.rights import Effective
from tollbar.store import audit
from tollbar.store.audit import AuditLine
from tollbar.store.databases import Databases
from tollbar.store.errors import Refused
from tollbar.store.schema import interaction, record

May = Callable[[Interaction, str], str]
"""The reason against giving the interaction this code ("" takes it away), or ""."""

QUEUES: Final = ("user", "workgroup")
QUEUE_LIMIT: Final = 10_000
"""Interactions on one queue."""
CHANGES_LIMIT: Final = 100
"""Changes of one interaction's code, refused tries included."""
_LONGEST_CODE: Final = 50

OVER: Final = "over"
NOT_ANSWERED: Final = "not_answered"
ALREADY_ANSWERED: Final = "already_answered"
SAME_QUEUE: Final = "same_queue"
QUEUE_FULL: Final = "queue_full"
TOO_MANY_CHANGES: Final = "too_many_changes"

_LIVE: Final = interaction.c.draft == ""
_COLUMNS: Final = tuple(interaction.c[name] for name in FIELDS)


def judged(actor: Effective, codes: Codes, utc: float) -> May:
    """Policy's own judgement of what ``actor`` may do with the tenant's ``codes`` now."""
    user = actor.user

    def may(found: Interaction, code: str) -> str:
        own = user is not None and (
            found.queue == user.name
            if found.queue_kind == "user"
            else found.queue in user.workgroups
        )
        return may_assign(actor, own, found.queue, code, utc, codes)

    return may


class Interactions:
    """All of them, of every tenant."""

    def __init__(
        self,
        databases: Databases,
        new_id: Callable[[], str],
        utc: Callable[[], float] = time.time,
    ) -> None:
        """``new_id`` gives record ids: an interaction has that of its record."""
        self._databases = databases
        self._new_id = new_id
        self._utc = utc

    def find(self, tenant: str, interaction_id: str) -> Interaction | None:
        """A live interaction."""
        with self._databases.directory.reading() as connection:
            row = connection.execute(
                select(*_COLUMNS).where(*_at(tenant, interaction_id), _LIVE)
            ).first()
        return None if row is None else Interaction(*row)

    def queue(self, tenant: str, kind: str, name: str) -> list[Interaction]:
        """What is on the queue of a user or workgroup, by ``kind`` and name; oldest first."""
        with self._databases.directory.reading() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(*_on(tenant, kind, name))
                .order_by(interaction.c.registered, interaction.c.interaction_id)
            )
            return [Interaction(*row) for row in rows]

    def register(self, new: Interaction, who: str) -> Interaction:
        """Put ``new`` on its queue. Its id, and when it came, are given here."""
        if new.kind not in kinds.KINDS or new.queue_kind not in QUEUES:
            raise ValueError(f"{new.kind} on the queue of a {new.queue_kind}")
        with self._databases.directory.writing() as connection:
            made = replace(new, interaction_id=self._new_id(), registered=self._now())
            self._insert(connection, made)
            where = f"{made.queue_kind} {made.queue}"
            self._audit(connection, made, who, audit.REGISTER, "", where)
        return made

    def answer(self, tenant: str, interaction_id: str, user: str) -> Interaction:
        """``user`` takes it up."""
        with self._databases.directory.writing() as connection:
            found = self._locked(connection, tenant, interaction_id)
            if found.answered is not None:
                raise Refused(ALREADY_ANSWERED)
            found.user = user
            found.answered = max(self._now(), found.registered)
            self._update(connection, found)
            self._audit(connection, found, user, audit.ANSWER, "", user)
        return found

    def assign(
        self,
        tenant: str,
        interaction_id: str,
        code: str,
        who: str,
        may: May,
        *,
        description: str = "",
        source: str = "api",
    ) -> Interaction:
        """Give it ``code``, another one, or none (""). Raises Refused, which says why; a try
        that was refused stands in the record as well."""
        with self._databases.directory.writing() as connection:
            found = self._locked(connection, tenant, interaction_id)
            if found.tries >= CHANGES_LIMIT:
                raise Refused(TOO_MANY_CHANGES)
            refused = may(found, code)
            if not refused and found.kind == kinds.CALLBACK and found.answered is None:
                refused = NOT_ANSWERED
            before = found.account_code
            if refused:
                code = code[:_LONGEST_CODE]
            elif code == before:
                return found
            found.code_changed(self._now(), who, code, source, refused)
            if not refused:
                found.account_code = code
                found.account_code_description = description if code else ""
                found.code_source = source if code else ""
                self._audit(connection, found, who, audit.ASSIGN, before, code)
            self._update(connection, found)
        if refused:
            raise Refused(refused)
        return found

    def transfer(
        self, tenant: str, interaction_id: str, queue_kind: str, queue: str, who: str
    ) -> Interaction:
        """Move it to another queue: this part is over, the next keeps the code and waits."""
        if queue_kind not in QUEUES:
            raise ValueError(f"the queue of a {queue_kind}")
        now = self._now()
        with self._databases.directory.writing() as connection:
            found = self._locked(connection, tenant, interaction_id)
            if (found.queue_kind, found.queue) == (queue_kind, queue):
                raise Refused(SAME_QUEUE)
            part = replace(
                found,
                interaction_id=self._new_id(),
                queue_kind=queue_kind,
                queue=queue,
                user="",
                code_changes="",
                registered=now,
                answered=None,
                parent_record_id=found.interaction_id,
            )
            self._insert(connection, part)
            ended = found.record(now, _outcome(found), kinds.TRANSFERRED)
            self._end(connection, ended)
            here, there = f"{found.queue_kind} {found.queue}", f"{queue_kind} {queue}"
            self._audit(connection, found, who, audit.TRANSFER, here, there)
        self._file(ended)
        return part

    def close(self, tenant: str, interaction_id: str, who: str) -> Record:
        """It is over: its record, which is on disk when this returns."""
        with self._databases.directory.writing() as connection:
            found = self._locked(connection, tenant, interaction_id)
            ended = found.record(self._now(), _outcome(found))
            self._end(connection, ended)
            self._audit(connection, found, who, audit.CLOSE, "", ended.outcome)
        self._file(ended)
        return ended

    def settle(self) -> int:
        """File the records of what was over when a process died; how many there were."""
        with self._databases.directory.reading() as connection:
            drafts = list(connection.scalars(select(interaction.c.draft).where(~_LIVE)))
        for draft in drafts:
            self._file(from_draft(draft))
        return len(drafts)

    def _now(self) -> int:
        return round(self._utc() * 1000)

    def _locked(self, connection: Connection, tenant: str, interaction_id: str) -> Interaction:
        row = connection.execute(
            select(*_COLUMNS).where(*_at(tenant, interaction_id), _LIVE).with_for_update()
        ).first()
        if row is None:
            raise Refused(OVER)
        return Interaction(*row)

    def _insert(self, connection: Connection, new: Interaction) -> None:
        on = _on(new.tenant, new.queue_kind, new.queue)
        waiting = select(func.count()).select_from(interaction).where(*on)
        if (connection.scalar(waiting) or 0) >= QUEUE_LIMIT:
            raise Refused(QUEUE_FULL)
        connection.execute(insert(interaction).values(draft="", **values(new)))

    def _update(self, connection: Connection, changed: Interaction) -> None:
        at = _at(changed.tenant, changed.interaction_id)
        connection.execute(update(interaction).where(*at).values(**values(changed)))

    def _end(self, connection: Connection, ended: Record) -> None:
        at = _at(ended.tenant, ended.record_id)
        connection.execute(update(interaction).where(*at).values(draft=ended.draft()))

    def _file(self, ended: Record) -> None:
        """The record first, then the row: in between it is there twice, never not at all."""
        with self._databases.records.writing() as connection:
            new = self._databases.records.insert(record)
            row = dict(zip(COLUMNS, ended.values(), strict=True))
            row["in_report"] = int(ended.in_report)
            connection.execute(
                new.values(**row).on_conflict_do_nothing(index_elements=["tenant", "record_id"])
            )
        with self._databases.directory.writing() as connection:
            at = _at(ended.tenant, ended.record_id)
            connection.execute(delete(interaction).where(*at, ~_LIVE))

    def _audit(
        self,
        connection: Connection,
        about: Interaction,
        who: str,
        action: str,
        before: str,
        after: str,
    ) -> None:
        line = AuditLine(about.tenant, who, action, about.kind, about.interaction_id, before, after)
        audit.write(self._databases.directory, connection, [line], self._now())


def _outcome(over: Interaction) -> str:
    return kinds.CANCELLED if over.answered is None else kinds.ANSWERED


def _at(tenant: str, interaction_id: str) -> tuple[ColumnElement[bool], ...]:
    return interaction.c.tenant == tenant, interaction.c.interaction_id == interaction_id


def _on(tenant: str, kind: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        interaction.c.tenant == tenant,
        interaction.c.queue_kind == kind,
        interaction.c.queue == name,
        _LIVE,
    )

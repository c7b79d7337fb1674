"""What Alembic runs: the revisions, on the connection and in the transaction of ``upgrade``.

It must never commit: the way up is one transaction, whole or not at all.
"""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text


def _number(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001
    """Keep Tollbar's own number in step: releases of before Alembic look at nothing else."""
    connection: Connection = ctx.connection
    connection.execute(
        text("UPDATE meta SET value = :number WHERE name = 'schema_version'"),
        {"number": str(int(step.up_revision_id))},
    )


context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    on_version_apply=_number,
)
context.run_migrations()

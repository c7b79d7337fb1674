"""Sticky account codes: whose later calls carry which."""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, Text

revision = "0003"
down_revision = "0002"

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sticky",
        Column("tenant", _TEXT, nullable=False),
        Column("holder", _TEXT, nullable=False),
        Column("code", _TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "holder"),
    )

"""The directory as entries, its audit, other interactions; what kind of thing a record is of."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text, text

revision = "0002"
down_revision = "0001"

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("record", Column("kind", _TEXT, nullable=False, server_default="call"))
    op.create_table(
        "entry",
        Column("tenant", _TEXT, nullable=False),
        Column("kind", _TEXT, nullable=False),
        Column("key", _TEXT, nullable=False),
        Column("place", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("body", _TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "kind", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("entry_revision", "entry", ["revision"])
    op.create_table(
        "head",
        Column("name", _TEXT, primary_key=True),
        Column("value", _TEXT, nullable=False),
    )
    op.execute("INSERT INTO head (name, value) VALUES ('directory', '0')")
    op.create_table(
        "audit",
        Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        Column("at", BigInteger, nullable=False),
        Column("tenant", _TEXT, nullable=False),
        Column("who", _TEXT, nullable=False),
        Column("action", _TEXT, nullable=False),
        Column("kind", _TEXT, nullable=False),
        Column("key", _TEXT, nullable=False),
        Column("before", _TEXT, nullable=False),
        Column("after", _TEXT, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )
    op.create_index("audit_entry", "audit", ["tenant", "key", "kind", "seq"])
    op.create_index("audit_tenant", "audit", ["tenant", "seq"])
    op.create_index("audit_at", "audit", ["at", "seq"])
    changes = text("revision > 0")
    op.create_index(
        "audit_revision", "audit", ["revision"], sqlite_where=changes, postgresql_where=changes
    )
    op.create_table(
        "interaction",
        Column("tenant", _TEXT, nullable=False),
        Column("interaction_id", _TEXT, nullable=False),
        Column("kind", _TEXT, nullable=False),
        Column("queue_kind", _TEXT, nullable=False),
        Column("queue", _TEXT, nullable=False),
        Column("direction", _TEXT, nullable=False),
        Column("source", _TEXT, nullable=False),
        Column("party", _TEXT, nullable=False),
        Column("user", _TEXT, nullable=False),
        Column("account_code", _TEXT, nullable=False),
        Column("account_code_description", _TEXT, nullable=False),
        Column("code_source", _TEXT, nullable=False),
        Column("code_changes", _TEXT, nullable=False),
        Column("registered", BigInteger, nullable=False),
        Column("answered", BigInteger),
        Column("parent_record_id", _TEXT, nullable=False),
        Column("draft", _TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "interaction_id"),
    )
    op.create_index(
        "interaction_queue", "interaction", ["tenant", "queue_kind", "queue", "registered"]
    )

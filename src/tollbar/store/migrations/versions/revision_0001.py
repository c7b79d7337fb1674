"""What release 0.1.0 made by hand: open calls, the heartbeat, records."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "meta",
        Column("name", _TEXT, primary_key=True),
        Column("value", _TEXT, nullable=False),
    )
    op.execute("INSERT INTO meta (name, value) VALUES ('schema_version', '1')")
    op.create_table(
        "heartbeat",
        Column("instance", _TEXT, primary_key=True),
        Column("alive", BigInteger, nullable=False),
    )
    op.create_table(
        "open_call",
        Column("tenant", _TEXT, nullable=False),
        Column("record_id", _TEXT, nullable=False),
        Column("instance", _TEXT, nullable=False),
        Column("draft", _TEXT, nullable=False),
        Column("trunk", _TEXT, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("b_call_id", _TEXT, nullable=False),
        Column("ringing", BigInteger),
        Column("answer", BigInteger),
        Column("kept", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant", "record_id"),
    )
    op.create_table(
        "record",
        Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        Column("record_id", _TEXT, nullable=False),
        Column("tenant", _TEXT, nullable=False),
        Column("direction", _TEXT, nullable=False),
        Column("peer", _TEXT, nullable=False),
        Column("trunk", _TEXT, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("a_call_id", _TEXT, nullable=False),
        Column("b_call_id", _TEXT, nullable=False),
        Column("user", _TEXT, nullable=False),
        Column("extension", _TEXT, nullable=False),
        Column("workgroup", _TEXT, nullable=False),
        Column("caller", _TEXT, nullable=False),
        Column("dialled", _TEXT, nullable=False),
        Column("standardized", _TEXT, nullable=False),
        Column("classification", _TEXT, nullable=False),
        Column("dial_group", _TEXT, nullable=False),
        Column("account_code", _TEXT, nullable=False),
        Column("account_code_description", _TEXT, nullable=False),
        Column("code_source", _TEXT, nullable=False),
        Column("code_changes", _TEXT, nullable=False),
        Column("matrix_row", Integer, nullable=False),
        Column("outcome", _TEXT, nullable=False),
        Column("reason", _TEXT, nullable=False),
        Column("sip_status", Integer, nullable=False),
        Column("q850_cause", Integer, nullable=False),
        Column("ended_by", _TEXT, nullable=False),
        Column("setup", BigInteger, nullable=False),
        Column("ringing", BigInteger),
        Column("answer", BigInteger),
        Column("end", BigInteger, nullable=False),
        Column("ring_ms", BigInteger, nullable=False),
        Column("billable_ms", BigInteger, nullable=False),
        Column("in_report", Integer, nullable=False),
        Column("parent_record_id", _TEXT, nullable=False),
        Column("decision", _TEXT, nullable=False),
        UniqueConstraint("tenant", "record_id"),
    )
    op.create_index("record_dated", "record", ["tenant", text("coalesce(answer, setup)")])

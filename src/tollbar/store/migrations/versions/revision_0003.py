"""What the account code report reads, in an index of its own."""

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    reported = text("in_report = 1")
    op.create_index(
        "record_report",
        "record",
        [
            "tenant",
            text("coalesce(answer, setup)"),
            "seq",
            "in_report",
            "account_code",
            "user",
            "workgroup",
            "answer",
            "setup",
            "billable_ms",
        ],
        sqlite_where=reported,
        postgresql_where=reported,
    )

"""What the account code report reads, and the list of calls without a code: an index each."""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"


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
    untagged = text("account_code = '' AND tries > 0 AND outcome != 'refused'")
    op.create_index(
        "record_untagged",
        "record",
        [
            "tenant",
            text("coalesce(answer, setup)"),
            "seq",
            "account_code",
            "tries",
            "outcome",
            "user",
            "answer",
            "setup",
            "billable_ms",
        ],
        sqlite_where=untagged,
        postgresql_where=untagged,
    )

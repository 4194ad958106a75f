"""The accounts of sample transfers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sample_accounts",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("opened_with_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_sample_accounts"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("sample_accounts")

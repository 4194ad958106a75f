"""Returns that were begun are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_RETURNS = sa.text("operation in ('shipping.take_back', 'warehouse.restock', 'payments.refund_rest')")


def upgrade() -> None:
    op.create_index("ix_ledger_of_returns", "ledger", ["saga_id"], sqlite_where=OF_RETURNS, postgresql_where=OF_RETURNS)


def downgrade() -> None:
    op.drop_index("ix_ledger_of_returns", "ledger")

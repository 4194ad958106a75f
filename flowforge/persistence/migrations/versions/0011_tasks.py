"""When the workflow task began that wrote a run's row: tasks that are tried again begin with the same history."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("task_at", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("executions") as executions:
        executions.drop_column("task_at")

"""Values that are too large for a run to carry."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_values",
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "part", name="pk_run_values"),
    )
    op.add_column("executions", sa.Column("output_stored", sa.JSON()))
    op.add_column("execution_steps", sa.Column("stored", sa.JSON()))


def downgrade() -> None:
    with op.batch_alter_table("execution_steps", table_kwargs={"sqlite_with_rowid": False}) as steps:
        steps.drop_column("stored")
    with op.batch_alter_table("executions") as executions:
        executions.drop_column("output_stored")
    op.drop_table("run_values")

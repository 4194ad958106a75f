"""Runs that are begun again: retried in another start, started over, replayed by another run."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = ("replay_of", "timeout_s", "depth", "edits", "wish", "starts")


def upgrade() -> None:
    with op.batch_alter_table("executions") as executions:
        executions.add_column(sa.Column("starts", sa.Integer(), nullable=False, server_default="1"))
        executions.add_column(sa.Column("wish", sa.String()))
        executions.add_column(sa.Column("edits", sa.JSON()))
        executions.add_column(sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
        executions.add_column(sa.Column("timeout_s", sa.Float()))
        executions.add_column(sa.Column("replay_of", sa.String()))
    op.create_index(op.f("ix_executions_replay_of_sequence"), "executions", ["replay_of", "sequence"])
    with op.batch_alter_table("execution_undos", table_kwargs={"sqlite_with_rowid": False}) as undos:
        undos.add_column(sa.Column("generation", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "execution_rests",
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("carried", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.execution_id"], name=op.f("fk_execution_rests_execution_id")
        ),
        sa.PrimaryKeyConstraint("execution_id", name=op.f("pk_execution_rests")),
    )


def downgrade() -> None:
    op.drop_table("execution_rests")
    with op.batch_alter_table("execution_undos", table_kwargs={"sqlite_with_rowid": False}) as undos:
        undos.drop_column("generation")
    op.drop_index(op.f("ix_executions_replay_of_sequence"), "executions")
    with op.batch_alter_table("executions") as executions:
        for column in _COLUMNS:
            executions.drop_column(column)

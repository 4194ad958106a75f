"""What it takes to undo a run whose workflow is gone, and what a definition's webhooks are still to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("executions", sa.Column("abandoned_at", sa.BigInteger()))
    op.create_table(
        "execution_memory",
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON()),
        _of_an_execution("execution_memory"),
        sa.PrimaryKeyConstraint("execution_id", "kind", "name", name=op.f("pk_execution_memory")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_outbox",
        sa.Column("sequence", _NUMBER, nullable=False),
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("given_up_at", sa.BigInteger()),
        sa.Column("error", sa.String()),
        _of_an_execution("webhook_outbox"),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_webhook_outbox")),
    )
    for columns, is_unique in ((["execution_id", "event_id"], True), (["given_up_at", "due_at"], False)):
        name = op.f(f"ix_webhook_outbox_{'_'.join(columns)}")
        op.create_index(name, "webhook_outbox", columns, unique=is_unique)


def downgrade() -> None:
    op.drop_table("webhook_outbox")
    op.drop_table("execution_memory")
    with op.batch_alter_table("executions") as executions:
        executions.drop_column("abandoned_at")


def _of_an_execution(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["execution_id"], ["executions.execution_id"], name=op.f(f"fk_{table}_execution_id"))

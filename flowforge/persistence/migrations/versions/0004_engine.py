"""The engine: definitions with their revisions, and their runs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATUSES = (
    "status in ('running', 'waiting', 'paused', 'compensating', 'completed', 'failed', 'compensated', "
    "'cancelled', 'needs_attention')"
)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_definitions()
    _create_executions()
    _create_parts()


def downgrade() -> None:
    for table in (
        "execution_keys",
        "execution_events",
        "execution_undos",
        "execution_steps",
        "executions",
        "revisions",
        "definitions",
    ):
        op.drop_table(table)


def _create_definitions() -> None:
    op.create_table(
        "definitions",
        sa.Column("sequence", _NUMBER, nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_definitions")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_definitions_workflow_id")),
    )
    op.create_table(
        "revisions",
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["definitions.workflow_id"], name=op.f("fk_revisions_workflow_id")),
        sa.PrimaryKeyConstraint("workflow_id", "revision", name=op.f("pk_revisions")),
        sqlite_with_rowid=False,
    )


def _create_executions() -> None:
    op.create_table(
        "executions",
        sa.Column("sequence", _NUMBER, nullable=False),
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("output", sa.JSON()),
        sa.Column("failure", sa.JSON()),
        sa.Column("waiting", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("tenant_id", sa.String()),
        sa.Column("parent_execution_id", sa.String()),
        sa.Column("request_id", sa.String()),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("history", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("cancel_requested_at", sa.BigInteger()),
        sa.Column("cancel_reason", sa.String()),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_executions_status")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_executions")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_executions_execution_id")),
    )
    for columns in (["workflow_id", "sequence"], ["status", "sequence"], ["parent_execution_id"], ["started_at"]):
        op.create_index(op.f(f"ix_executions_{'_'.join(columns)}"), "executions", columns)


def _create_parts() -> None:
    op.create_table(
        "execution_steps",
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.Column("details", sa.JSON(), nullable=False),
        _of_an_execution("execution_steps"),
        sa.PrimaryKeyConstraint("execution_id", "step_id", name=op.f("pk_execution_steps")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "execution_undos",
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer()),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error", sa.JSON()),
        sa.Column("written_off", sa.String()),
        _of_an_execution("execution_undos"),
        sa.PrimaryKeyConstraint("execution_id", "key", name=op.f("pk_execution_undos")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "execution_events",
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        _of_an_execution("execution_events"),
        sa.PrimaryKeyConstraint("execution_id", "id", name=op.f("pk_execution_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "execution_keys",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_execution_keys")),
        sqlite_with_rowid=False,
    )


def _of_an_execution(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["execution_id"], ["executions.execution_id"], name=op.f(f"fk_{table}_execution_id"))

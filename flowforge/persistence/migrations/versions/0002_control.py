"""Control over orders: cancel marks, pauses, retries, write-offs; the history of attempts; leases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BEFORE = "status in ('running', 'compensating', 'completed', 'failed', 'cancelled', 'needs_attention')"
_NOW = "status in ('running', 'paused', 'compensating', 'completed', 'failed', 'cancelled', 'needs_attention')"


_STATES_BEFORE = "state in ('open', 'shipped', 'released')"
_STATES_NOW = "state in ('open', 'shipped', 'released', 'written_off')"
_SHIPMENTS_BEFORE = "status in ('applied', 'reverted')"
_SHIPMENTS_NOW = "status in ('applied', 'reverted', 'written_off')"


def upgrade() -> None:
    _set_statuses(_NOW)
    _set_write_offs(_STATES_NOW, _SHIPMENTS_NOW)
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("cancel_requested_at", sa.BigInteger()))
        orders.add_column(sa.Column("cancel_reason", sa.String()))
        orders.add_column(sa.Column("retry_of", sa.String()))
        orders.add_column(sa.Column("retried_by", sa.String()))
    op.create_index(op.f("ix_orders_status_closed_at"), "orders", ["status", "closed_at"])
    op.create_index(op.f("ix_orders_created_at"), "orders", ["created_at"])
    op.create_table(
        "order_attempts",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("undo", sa.String()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("error_code", sa.String()),
        sa.Column("error_message", sa.String()),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("placement", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_attempts_order_id")),
        sa.PrimaryKeyConstraint("order_id", "id", name=op.f("pk_order_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "write_offs",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "name", name=op.f("pk_write_offs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("leases", "write_offs", "order_attempts"):
        op.drop_table(table)
    op.drop_index(op.f("ix_orders_created_at"), "orders")
    op.drop_index(op.f("ix_orders_status_closed_at"), "orders")
    with op.batch_alter_table("orders") as orders:
        for column in ("retried_by", "retry_of", "cancel_reason", "cancel_requested_at"):
            orders.drop_column(column)
    _set_statuses(_BEFORE)
    _set_write_offs(_STATES_BEFORE, _SHIPMENTS_BEFORE)


def _set_statuses(condition: str) -> None:
    """Replace the check of the status; SQLite copies the table for that."""
    with op.batch_alter_table("orders") as orders:
        orders.drop_constraint(op.f("ck_orders_status"), type_="check")
        orders.create_check_constraint(op.f("ck_orders_status"), condition)


def _set_write_offs(states: str, shipments: str) -> None:
    with op.batch_alter_table("reservations", table_kwargs={"sqlite_with_rowid": False}) as reservations:
        reservations.drop_constraint(op.f("ck_reservations_state"), type_="check")
        reservations.create_check_constraint(op.f("ck_reservations_state"), states)
    with op.batch_alter_table("warehouse_records") as records:
        records.drop_constraint(op.f("ck_warehouse_records_status"), type_="check")
        records.create_check_constraint(op.f("ck_warehouse_records_status"), shipments)

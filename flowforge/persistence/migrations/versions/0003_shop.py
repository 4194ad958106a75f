"""Orders as shops have them: several products, capture apart from charge, refunds in part, parcels, returns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OPEN_OR_ENDED = "'running', 'paused', 'compensating', 'completed', 'failed', 'cancelled', 'needs_attention'"


def upgrade() -> None:
    _give_charges_a_phase()
    _create_refunds()
    with op.batch_alter_table("warehouse_records") as records:
        records.drop_constraint(op.f("ck_warehouse_records_status"), type_="check")
        records.create_check_constraint(
            op.f("ck_warehouse_records_status"), "status in ('applied', 'reverted', 'written_off', 'returned')"
        )
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("dispatched_at", sa.BigInteger()))
        orders.alter_column("product_id", existing_type=sa.String(), nullable=True)
        orders.drop_constraint(op.f("ck_orders_status"), type_="check")
        orders.create_check_constraint(op.f("ck_orders_status"), f"status in ({_OPEN_OR_ENDED}, 'returned')")
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "product_id", name=op.f("uq_order_lines_order_id_product_id")),
        sqlite_with_rowid=False,
    )
    _create_shipping()


def downgrade() -> None:
    """Go back, where nothing is there yet that revision 0002 cannot hold; the database refuses otherwise."""
    for table in ("notifications", "shipments", "order_lines", "refunds"):
        op.drop_table(table)
    with op.batch_alter_table("orders") as orders:
        orders.drop_constraint(op.f("ck_orders_status"), type_="check")
        orders.create_check_constraint(op.f("ck_orders_status"), f"status in ({_OPEN_OR_ENDED})")
        orders.alter_column("product_id", existing_type=sa.String(), nullable=False)
        orders.drop_column("dispatched_at")
    with op.batch_alter_table("warehouse_records") as records:
        records.drop_constraint(op.f("ck_warehouse_records_status"), type_="check")
        records.create_check_constraint(
            op.f("ck_warehouse_records_status"), "status in ('applied', 'reverted', 'written_off')"
        )
    with op.batch_alter_table("charges") as charges:
        charges.drop_constraint(op.f("ck_charges_never_more_than_captured"), type_="check")
        charges.drop_constraint(op.f("ck_charges_phase"), type_="check")
        charges.drop_column("phase")


def _give_charges_a_phase() -> None:
    """Until now a charge was captured at once."""
    op.add_column("charges", sa.Column("phase", sa.String()))
    op.execute("update charges set phase = case when status = 'refunded' then 'refunded' else 'captured' end")
    with op.batch_alter_table("charges") as charges:
        charges.alter_column("phase", existing_type=sa.String(), nullable=False)
        charges.create_check_constraint(
            op.f("ck_charges_phase"), "phase in ('authorised', 'captured', 'voided', 'refunded')"
        )
        charges.create_check_constraint(
            op.f("ck_charges_never_more_than_captured"), "refunded_minor + written_off_minor <= captured_minor"
        )


def _create_refunds() -> None:
    """Keep each refund by itself, those too that were given until now: whole charges, by the undo of their order."""
    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.String(), nullable=False),
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_minor")),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.charge_id"], name=op.f("fk_refunds_charge_id")),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("charge_id", "idempotency_key", name=op.f("uq_refunds_charge_id_idempotency_key")),
    )
    op.execute(
        "insert into refunds (refund_id, charge_id, amount_minor, reason, created_at) "
        "select 're_' || substr(charge_id, 4), charge_id, refunded_minor, 'the order was unwound', "
        "coalesce(refunded_at, created_at) from charges where refunded_minor > 0"
    )


def _create_shipping() -> None:
    op.create_table(
        "shipments",
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status in ('booked', 'dispatched', 'delivered', 'returned', 'cancelled')",
            name=op.f("ck_shipments_status"),
        ),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("saga_id", "occurrence", name=op.f("uq_shipments_saga_id_occurrence")),
    )
    op.create_index(op.f("ix_shipments_order_id"), "shipments", ["order_id"])
    op.create_table(
        "notifications",
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("saga_id", "occurrence", name=op.f("pk_notifications")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_notifications_order_id"), "notifications", ["order_id"])

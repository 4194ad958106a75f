"""The fulfilment core: ledger, catalogue and stock, charges, shipments, orders and their events."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_AUTO_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_CATALOGUE = (
    ("SKU-001", "Walnut desk organiser", 1999, 1_000_000),
    ("SKU-002", "Enamel coffee pot", 4950, 1_000_000),
    ("SKU-003", "Linen notebook", 1275, 1_000_000),
)


def upgrade() -> None:
    _create_ledger()
    _create_inventory()
    _create_payments()
    _create_warehouse()
    _create_orders()
    _seed()


def downgrade() -> None:
    for table in (
        "order_events",
        "orders",
        "warehouse_records",
        "charges",
        "reservations",
        "stock_movements",
        "products",
        "ledger",
    ):
        op.drop_table(table)


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger()),
        sa.CheckConstraint("state in ('applied', 'refused', 'undone')", name=op.f("ck_ledger_state")),
        sa.PrimaryKeyConstraint("saga_id", "operation", "occurrence", name=op.f("pk_ledger")),
        sqlite_with_rowid=False,
    )


def _create_inventory() -> None:
    op.create_table(
        "products",
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("shipped", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_products_unit_price_minor")),
        sa.CheckConstraint(
            "on_hand >= 0 and available >= 0 and reserved >= 0 and shipped >= 0", name=op.f("ck_products_not_negative")
        ),
        sa.CheckConstraint("on_hand = available + reserved", name=op.f("ck_products_on_hand")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_products")),
    )
    op.create_table(
        "stock_movements",
        sa.Column("id", _AUTO_NUMBER, nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_stock_movements_product_id")),
    )
    op.create_index(op.f("ix_stock_movements_product_id"), "stock_movements", ["product_id"])
    op.create_table(
        "reservations",
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity")),
        sa.CheckConstraint("state in ('open', 'shipped', 'released')", name=op.f("ck_reservations_state")),
        sa.PrimaryKeyConstraint("saga_id", "occurrence", "product_id", name=op.f("pk_reservations")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_reservations_product_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_reservations_open",
        "reservations",
        ["product_id"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _create_payments() -> None:
    op.create_table(
        "charges",
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("written_off_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", sa.BigInteger()),
        sa.CheckConstraint("status in ('charged', 'refunded')", name=op.f("ck_charges_status")),
        sa.CheckConstraint(
            "captured_minor >= 0 and refunded_minor >= 0 and written_off_minor >= 0",
            name=op.f("ck_charges_not_negative"),
        ),
        sa.PrimaryKeyConstraint("charge_id", name=op.f("pk_charges")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_charges_idempotency_key")),
    )
    op.create_index(op.f("ix_charges_order_id"), "charges", ["order_id"])


def _create_warehouse() -> None:
    op.create_table(
        "warehouse_records",
        sa.Column("sequence", _AUTO_NUMBER, nullable=False),
        sa.Column("saga_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("reverted_at", sa.BigInteger()),
        sa.CheckConstraint("status in ('applied', 'reverted')", name=op.f("ck_warehouse_records_status")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_warehouse_records")),
        sa.UniqueConstraint(
            "saga_id", "occurrence", "product_id", name=op.f("uq_warehouse_records_saga_id_occurrence_product_id")
        ),
    )
    op.create_index(op.f("ix_warehouse_records_order_id"), "warehouse_records", ["order_id"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("sequence", _AUTO_NUMBER, nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("current_step", sa.String()),
        sa.Column("steps_completed", sa.JSON(), nullable=False),
        sa.Column("compensations", sa.JSON(), nullable=False),
        sa.Column("compensation_triggered", sa.Boolean(), nullable=False),
        sa.Column("failure_code", sa.String()),
        sa.Column("failure_reason", sa.String()),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("charge_id", sa.String()),
        sa.Column("last_event_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status in ('running', 'compensating', 'completed', 'failed', 'cancelled', 'needs_attention')",
            name=op.f("ck_orders_status"),
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_id", name=op.f("uq_orders_order_id")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_orders_workflow_id")),
    )
    op.create_index(op.f("ix_orders_status_sequence"), "orders", ["status", "sequence"])
    op.create_index(op.f("ix_orders_customer_id_sequence"), "orders", ["customer_id", "sequence"])
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "id", name=op.f("pk_order_events")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_events_order_id")),
        sqlite_with_rowid=False,
    )


def _seed() -> None:
    """Stock a small catalogue, each product with the movement that explains its units."""
    products = sa.table(
        "products",
        *(sa.column(name) for name in ("product_id", "name", "unit_price_minor", "currency", "on_hand", "available")),
        sa.column("reserved"),
        sa.column("shipped"),
    )
    movements = sa.table("stock_movements", *(sa.column(name) for name in ("product_id", "delta", "reason", "at")))
    op.bulk_insert(
        products,
        [
            {
                "product_id": product_id,
                "name": name,
                "unit_price_minor": price,
                "currency": "USD",
                "on_hand": units,
                "available": units,
                "reserved": 0,
                "shipped": 0,
            }
            for product_id, name, price, units in _CATALOGUE
        ],
    )
    now = time.time_ns() // 1000
    op.bulk_insert(
        movements,
        [
            {"product_id": product_id, "delta": units, "reason": "opening stock", "at": now}
            for product_id, _name, _price, units in _CATALOGUE
        ],
    )

"""The orders as readers see them, and what happened to each."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import AutoNumber, Told, UtcTimestamp

ORDERS: Final = Table(
    "orders",
    METADATA,
    Column("sequence", AutoNumber, primary_key=True),
    Column("order_id", String, nullable=False, unique=True),
    Column("workflow_id", String, nullable=False, unique=True),
    Column("customer_id", String, nullable=False),
    Column("product_id", String),
    Column("quantity", BigInteger, nullable=False),
    Column("payment_method", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("input", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("current_step", String),
    Column("steps_completed", JSON, nullable=False),
    Column("compensations", JSON, nullable=False),
    Column("compensation_triggered", Boolean, nullable=False),
    Column("failure_code", String),
    Column("failure_reason", Told),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("charge_id", String),
    Column("last_event_id", Integer, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("closed_at", UtcTimestamp),
    Column("deadline_at", UtcTimestamp, nullable=False),
    Column("cancel_requested_at", UtcTimestamp),
    Column("cancel_reason", Told),
    Column("retry_of", String),
    Column("retried_by", String),
    Column("dispatched_at", UtcTimestamp),
    CheckConstraint(
        "status in ('running', 'paused', 'compensating', 'completed', 'failed', 'cancelled', 'needs_attention', "
        "'returned')",
        name="status",
    ),
    Index(None, "status", "sequence"),
    Index(None, "customer_id", "sequence"),
    Index(None, "status", "closed_at"),
    Index(None, "created_at"),
)
"""`sequence` counts the orders as their rows were opened; lists are paged by it. On SQLite no row ever appears further
back; on Postgres one that is not yet committed may, a moment later (decision 0013).

`cancel_requested_at` stays once set: no step of the order takes effect after it. `dispatched_at` too: the goods are on
their way, and the order is not unwound any more. There is never both. `retry_of` and `retried_by` are order ids.
`product_id` is null where there are several: they are in `order_lines` then, and `quantity` is of all of them.
"""

ORDER_LINES: Final = Table(
    "order_lines",
    METADATA,
    Column("order_id", String, ForeignKey("orders.order_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("product_id", String, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    UniqueConstraint("order_id", "product_id"),
    sqlite_with_rowid=False,
)
"""The lines of orders for several products, in the order in which they were asked for; `number` counts from 1."""

ORDER_EVENTS: Final = Table(
    "order_events",
    METADATA,
    Column("order_id", String, ForeignKey("orders.order_id"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("step", String, nullable=False),
    Column("status", String, nullable=False),
    Column("message", Told, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""`id` counts 1, 2, 3 … within an order; rows are only ever added."""

ORDER_ATTEMPTS: Final = Table(
    "order_attempts",
    METADATA,
    Column("order_id", String, ForeignKey("orders.order_id"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("step", String, nullable=False),
    Column("undo", String),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("error_code", String),
    Column("error_message", Told),
    Column("worker", String, nullable=False),
    Column("placement", String, nullable=False),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""Every attempt that lived to tell: `id` counts within an order; `undo` is the undo's name, null for a step forward."""

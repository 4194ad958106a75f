"""Parcels, as a carrier knows them, and what customers were told."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, UniqueConstraint

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import UtcTimestamp

SHIPMENTS: Final = Table(
    "shipments",
    METADATA,
    Column("shipment_id", String, primary_key=True),
    Column("saga_id", String, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("order_id", String, nullable=False, index=True),
    Column(
        "status",
        String,
        CheckConstraint("status in ('booked', 'dispatched', 'delivered', 'returned', 'cancelled')", name="status"),
        nullable=False,
    ),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    UniqueConstraint("saga_id", "occurrence"),
)

NOTIFICATIONS: Final = Table(
    "notifications",
    METADATA,
    Column("saga_id", String, primary_key=True),
    Column("occurrence", Integer, primary_key=True),
    Column("order_id", String, nullable=False, index=True),
    Column("customer_id", String, nullable=False),
    Column("message", String, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)

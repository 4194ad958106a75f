"""What the warehouse shipped and took back."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, UniqueConstraint

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import AutoNumber, UtcTimestamp

WAREHOUSE_RECORDS: Final = Table(
    "warehouse_records",
    METADATA,
    Column("sequence", AutoNumber, primary_key=True),
    Column("saga_id", String, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("product_id", String, nullable=False),
    Column("order_id", String, nullable=False, index=True),
    Column("quantity", BigInteger, nullable=False),
    Column(
        "status",
        String,
        CheckConstraint("status in ('applied', 'reverted', 'written_off', 'returned')", name="status"),
        nullable=False,
    ),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("reverted_at", UtcTimestamp),
    UniqueConstraint("saga_id", "occurrence", "product_id"),
)
"""`reverted_at` is when the units came back, from an order that was unwound or one that was returned."""

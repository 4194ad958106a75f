"""The catalogue with its stock, what moved it, and what is reserved."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import AutoNumber, UtcTimestamp

PRODUCTS: Final = Table(
    "products",
    METADATA,
    Column("product_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("on_hand", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("shipped", BigInteger, nullable=False),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
    CheckConstraint("on_hand >= 0 and available >= 0 and reserved >= 0 and shipped >= 0", name="not_negative"),
    CheckConstraint("on_hand = available + reserved", name="on_hand"),
)

STOCK_MOVEMENTS: Final = Table(
    "stock_movements",
    METADATA,
    Column("id", AutoNumber, primary_key=True),
    Column("product_id", String, ForeignKey("products.product_id"), nullable=False, index=True),
    Column("delta", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", UtcTimestamp, nullable=False),
)
"""Units that came in or were counted out. Orders move units between the columns of a product, they make none."""

RESERVATIONS: Final = Table(
    "reservations",
    METADATA,
    Column("saga_id", String, primary_key=True),
    Column("occurrence", Integer, primary_key=True),
    Column("product_id", String, ForeignKey("products.product_id"), primary_key=True),
    Column("quantity", BigInteger, CheckConstraint("quantity > 0", name="quantity"), nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state in ('open', 'shipped', 'released', 'written_off')", name="state"),
        nullable=False,
    ),
    Column("created_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""`released` while its shipment still stands means that a revert of the shipment gives the units back at once.

`written_off` units were reserved and are gone; those that had been shipped are where their shipment says.
"""

Index(
    "ix_reservations_open",
    RESERVATIONS.c.product_id,
    sqlite_where=RESERVATIONS.c.state == "open",
    postgresql_where=RESERVATIONS.c.state == "open",
)

"""Charges, as a payment provider keeps them."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, String, Table

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import UtcTimestamp

CHARGES: Final = Table(
    "charges",
    METADATA,
    Column("charge_id", String, primary_key=True),
    Column("order_id", String, nullable=False, index=True),
    Column("saga_id", String, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("payment_method", String, nullable=False),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("status", String, CheckConstraint("status in ('charged', 'refunded')", name="status"), nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("written_off_minor", BigInteger, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("refunded_at", UtcTimestamp),
    CheckConstraint("captured_minor >= 0 and refunded_minor >= 0 and written_off_minor >= 0", name="not_negative"),
)
"""`captured_minor` was taken, `refunded_minor` of it was given back, `written_off_minor` an operator gave up."""

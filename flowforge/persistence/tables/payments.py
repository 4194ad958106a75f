"""Charges and what was given back of them, as a payment provider keeps them."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, String, Table, UniqueConstraint

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
    Column(
        "phase",
        String,
        CheckConstraint("phase in ('authorised', 'captured', 'voided', 'refunded')", name="phase"),
        nullable=False,
    ),
    Column("captured_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("written_off_minor", BigInteger, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("refunded_at", UtcTimestamp),
    CheckConstraint("captured_minor >= 0 and refunded_minor >= 0 and written_off_minor >= 0", name="not_negative"),
    CheckConstraint("refunded_minor + written_off_minor <= captured_minor", name="never_more_than_captured"),
)
"""`captured_minor` was taken, `refunded_minor` of it was given back, `written_off_minor` an operator gave up."""

REFUNDS: Final = Table(
    "refunds",
    METADATA,
    Column("refund_id", String, primary_key=True),
    Column("charge_id", String, ForeignKey("charges.charge_id"), nullable=False),
    Column("idempotency_key", String),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0", name="amount_minor"), nullable=False),
    Column("reason", String, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    UniqueConstraint("charge_id", "idempotency_key"),
)
"""`idempotency_key` is a client's; null where a saga gave the money back: its ledger keeps it from doing so twice."""

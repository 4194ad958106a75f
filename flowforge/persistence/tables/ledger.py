"""The ledger: one row per saga, operation and occurrence, written in the transaction of the effect it stands for."""

from typing import Final

from sqlalchemy import JSON, CheckConstraint, Column, Index, Integer, String, Table, text

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import UtcTimestamp

LEDGER: Final = Table(
    "ledger",
    METADATA,
    Column("saga_id", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("occurrence", Integer, primary_key=True),
    Column("state", String, CheckConstraint("state in ('applied', 'refused', 'undone')", name="state"), nullable=False),
    Column("outcome", JSON, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    # Stays for ever once set: an applied row that has it was applied after it was undone, which the audit looks for.
    Column("undone_at", UtcTimestamp),
    sqlite_with_rowid=False,
)

OF_RETURNS: Final = "operation in ('shipping.take_back', 'warehouse.restock', 'payments.refund_rest')"
"""The rows of returns, which are few. Only a query that says it in the same words finds them by their index."""

Index("ix_ledger_of_returns", LEDGER.c.saga_id, sqlite_where=text(OF_RETURNS), postgresql_where=text(OF_RETURNS))

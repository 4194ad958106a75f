"""The ledger: one row per saga, operation and occurrence, written in the transaction of the effect it stands for."""

from typing import Final

from sqlalchemy import JSON, CheckConstraint, Column, Integer, String, Table

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

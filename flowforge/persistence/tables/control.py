"""What operators and the processes themselves decide: write-offs, and who may do what only one may do at a time."""

from typing import Final

from sqlalchemy import Column, String, Table

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import Told, UtcTimestamp

WRITE_OFFS: Final = Table(
    "write_offs",
    METADATA,
    Column("order_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("decided_by", Told, nullable=False),
    Column("reason", Told, nullable=False),
    Column("at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""The undos that an operator gave up; `name` is the undo's."""

LEASES: Final = Table(
    "leases",
    METADATA,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""Work that one process at a time may do; whoever finds a lease expired may take it."""

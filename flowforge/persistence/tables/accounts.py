"""The accounts that sample transfers move money between."""

from typing import Final

from sqlalchemy import BigInteger, Column, String, Table

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import UtcTimestamp

SAMPLE_ACCOUNTS: Final = Table(
    "sample_accounts",
    METADATA,
    Column("account_id", String, primary_key=True),
    Column("opened_with_minor", BigInteger, nullable=False),
    # May fall below nothing: taking a credit back never fails.
    Column("balance_minor", BigInteger, nullable=False),
    Column("opened_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""An account is opened by the first transfer that names it."""

"""Column types that mean the same on every database."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

AutoNumber: Final = BigInteger().with_variant(Integer, "sqlite")
"""A primary key that the database counts up; on SQLite only a plain integer is one."""


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware UTC time, stored as integer microseconds since 1970.

    SQLite has no type for times and Postgres' own depends on the session; an integer sorts, subtracts and survives
    unchanged on both, and costs nothing to read.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the microseconds of an aware time; a naive one is a mistake and raises TypeError."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the aware UTC time."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Told(TypeDecorator[str]):
    """A text in words from anywhere: a reason given in Temporal's UI, a message of an exception.

    Postgres cannot store the character NUL, and none the half of a surrogate pair; any of these may hold them: they are
    replaced, on every database.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text without what cannot be stored."""
        if value is None:
            return None
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()

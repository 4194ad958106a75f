"""Telling the database's own trouble from a mistake in a statement."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flowforge.errors import DatabaseUnavailable

_NOW_READ_ONLY: Final = "25006"
"""A Postgres that has become a standby: its successor is elsewhere, or soon will be."""


def unavailable(error: DBAPIError) -> DatabaseUnavailable | None:
    """Return what `error` means when the database itself is the trouble, or None when the statement is."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}:
            return None
    elif not (
        error.connection_invalidated
        or isinstance(error, (OperationalError, InterfaceError))
        or type(error) is DatabaseError
        or getattr(original, "sqlstate", None) == _NOW_READ_ONLY
    ):
        return None
    return DatabaseUnavailable(f"the database is not available: {original}")


def translated(error: Exception) -> Exception:
    """Return what a unit of work's caller is to get for `error`: DatabaseUnavailable, caused by it, or itself."""
    meaning: DatabaseUnavailable | None = None
    if isinstance(error, DBAPIError):
        meaning = unavailable(error)
    elif isinstance(error, PoolTimeoutError):
        meaning = DatabaseUnavailable(f"the database is not available: {error}")
    if meaning is None:
        return error
    meaning.__cause__ = error
    return meaning

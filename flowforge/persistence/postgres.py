"""Postgres: a pool whose connections give up in time, and what transactions do that got into each other's way.

Nothing here imports the driver: it is loaded when an engine is made, so that a process on SQLite does without.
"""

import json
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

_CONNECT_TIMEOUT_S: Final = 5
_SILENCE_MS: Final = 10_000
"""A server that acknowledges nothing for so long is gone: without this a vanished machine is waited for for ever."""

_FROZEN_CLIENT_MS: Final = 10_000
"""The server ends a transaction whose client is silent for so long, so that a frozen worker does not keep its locks."""

_COLLISIONS: Final = frozenset(
    {
        "23505",  # unique_violation: both had looked, both found nothing, both inserted
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
    }
)
_LOCK: Final = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")


def plain(url: URL) -> URL:
    """Return `url` with our driver where it names Postgres alone: `postgresql://` is psycopg, too."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def pooled_engine(url: URL, *, size: int, lock_timeout_s: float) -> Engine:
    """Return an engine of at most `size` connections; each is tried before it is used, so a restart heals by itself.

    Args:
        url: an SQLAlchemy URL; what its query asks of libpq goes before what is asked here.
        size: how many units of work run at once.
        lock_timeout_s: how long a statement waits for another transaction's lock.
    """
    options = f"-c lock_timeout={lock_timeout_s * 1000:.0f} -c idle_in_transaction_session_timeout={_FROZEN_CLIENT_MS}"
    ours: dict[str, Any] = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "tcp_user_timeout": _SILENCE_MS,
        "application_name": "flowforge",
    }
    asked = {name: value for name, value in ours.items() if name not in url.query}
    asked["options"] = f"{options} {url.query.get('options', '')}".rstrip()
    return create_engine(
        url,
        connect_args=asked,
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        json_serializer=compact_json,
    )


def is_collision(error: Exception) -> bool:
    """Say whether a transaction failed only because of another, so that the same work may succeed at once."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _COLLISIONS


def wait_at_most(connection: Connection, milliseconds: int) -> None:
    """Let the statements of this transaction wait no longer for other transactions' locks."""
    connection.exec_driver_sql(f"set local lock_timeout = {milliseconds}")


def alone(connection: Connection, key: str) -> None:
    """Let no other transaction that asks for `key` go on before this one has ended.

    For what must look before it writes a row that is not there yet: a row cannot be locked before there is one. On
    SQLite writers are alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"key": key})


def compact_json(value: object) -> str:
    """Return JSON without spaces; what JSON has no number for is an error."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)

"""Idempotency keys of starts: whoever repeats a start with its key has started one run."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from flowforge.errors import IdempotencyKeyReused
from flowforge.persistence.database import Database
from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.engine import EXECUTION_KEYS


class StartKeys:
    """Remembers which run each key stands for; raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, key: str, *, execution_id: str, fingerprint: str, lifetime: timedelta | None) -> str:
        """Return the run that a key stands for: the one it did before, or else `execution_id` from now on.

        Args:
            key: the client's.
            execution_id: the run that it shall stand for if it is new, or its time is over.
            fingerprint: tells whether the same is asked for.
            lifetime: how long it stands for that; None for ever.

        Raises:
            IdempotencyKeyReused: something else was asked for with it.
        """
        return await self._database.write(_claim, key, execution_id, fingerprint, lifetime)

    async def release(self, key: str, *, execution_id: str) -> None:
        """Let a key stand for nothing again, because the run that it was claimed for was refused."""
        await self._database.write(_release, key, execution_id)


def _claim(connection: Connection, key: str, execution_id: str, fingerprint: str, lifetime: timedelta | None) -> str:
    now = datetime.now(UTC)
    alone(connection, f"execution key {key}")
    this = EXECUTION_KEYS.c.key == key
    found = connection.execute(select(EXECUTION_KEYS).where(this)).first()
    if found is not None and (found.expires_at is None or found.expires_at > now):
        if found.fingerprint != fingerprint:
            raise IdempotencyKeyReused("the idempotency key belongs to a start of something else; use a new key")
        known: str = found.execution_id
        return known
    connection.execute(delete(EXECUTION_KEYS).where(this))
    values = {
        "key": key,
        "execution_id": execution_id,
        "fingerprint": fingerprint,
        "expires_at": None if lifetime is None else now + lifetime,
    }
    connection.execute(insert(EXECUTION_KEYS), values)
    return execution_id


def _release(connection: Connection, key: str, execution_id: str) -> None:
    this = EXECUTION_KEYS.c.key == key
    connection.execute(delete(EXECUTION_KEYS).where(this, EXECUTION_KEYS.c.execution_id == execution_id))

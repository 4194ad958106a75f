"""Leases: who may do what only one may do at a time, until when, by the database's own clock."""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.control import LEASES

_NAMED: Final = LEASES.c.name == bindparam("lease")
_FIND: Final = select(LEASES.c.holder, LEASES.c.expires_at).where(_NAMED)
_TAKE_FIRST: Final = insert(LEASES)
_TAKE: Final = (
    update(LEASES).where(_NAMED).values(holder=bindparam("new_holder"), expires_at=bindparam("new_expires_at"))
)
_NOW: Final = select(func.extract("epoch", text("clock_timestamp()")) * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What became of the wish to hold a lease.

    Attributes:
        holder: who holds it now.
        is_held: whether that is who asked.
        before: who had it until now, when it changed hands; None when it did not, or when it is new.
    """

    holder: str
    is_held: bool
    before: str | None = None


def new_holder() -> str:
    """Return a name for this process that no other has or will have."""
    # Process ids come again, above all in containers.
    return f"{os.getpid()}@{socket.gethostname()}:{secrets.token_hex(4)}"


def hold(connection: Connection, name: str, holder: str, lasts: timedelta) -> Lease:
    """Take a lease that is free or expired, or renew one that is held already; another's is left alone.

    All who ask are told the time by the database, so their own clocks may differ.

    Args:
        connection: in a writing transaction.
        name: which lease.
        holder: who asks; the same name again renews.
        lasts: for how long from now.
    """
    alone(connection, f"lease:{name}")
    now = _now(connection)
    row = connection.execute(_FIND, {"lease": name}).first()
    if row is None:
        connection.execute(_TAKE_FIRST, {"name": name, "holder": holder, "expires_at": now + lasts})
        return Lease(holder=holder, is_held=True)
    if row.holder != holder and row.expires_at > now:
        return Lease(holder=row.holder, is_held=False)
    connection.execute(_TAKE, {"lease": name, "new_holder": holder, "new_expires_at": now + lasts})
    return Lease(holder=holder, is_held=True, before=None if row.holder == holder else row.holder)


def last_holder(connection: Connection, name: str) -> str | None:
    """Return who holds a lease, or held it last; None where nobody ever did."""
    row = connection.execute(_FIND, {"lease": name}).first()
    return None if row is None else str(row.holder)


def _now(connection: Connection) -> datetime:
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)  # all who share an SQLite file are on one machine
    return datetime.fromtimestamp(float(connection.execute(_NOW).scalar_one()) / 1_000_000, UTC)

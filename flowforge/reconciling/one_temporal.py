"""In which Temporal the orders and runs of a database are: one at a time, and all workers must agree.

What is open and unknown to a Temporal is unwound there. So a worker that was pointed at the wrong Temporal, or at the
wrong database, could unwind all of it. Temporal's namespace has an id, given when it was made, which tells one from
another, and from itself after it has lost its state. All workers hold a lease in the namespace's name: as long as one
of them lives, those of another Temporal are kept out.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection
from temporalio.client import Client

from flowforge.errors import Fault
from flowforge.persistence.database import Database
from flowforge.persistence.leases import hold, last_holder
from flowforge.temporal.namespace import provide_namespace

TEMPORAL: Final = "temporal"
"""The lease; its holder is a namespace, by name and id."""


class OtherTemporal(Fault):
    """What this database has runs in another Temporal than ours, and workers of that one live."""

    code = "other_temporal"


async def name_of(client: Client) -> str:
    """Return the name and the id of the client's namespace, which is made anew where Temporal has lost it.

    Raises:
        TemporalUnavailable: Temporal is away, or does not let us.
    """
    return f"{client.namespace} {await provide_namespace(client)}"


def agree_on(connection: Connection, temporal: str, lasts: timedelta) -> str | None:
    """Agree with all workers that orders and runs are in a Temporal, for so long from now.

    Returns:
        The one in which they were before, when this one has just taken its place.

    Raises:
        OtherTemporal: they are in another, and there are workers that say so.
    """
    lease = hold(connection, TEMPORAL, temporal, lasts)
    if not lease.is_held:
        raise OtherTemporal(
            f"the orders and runs of this database are in another Temporal ({lease.holder}) than this worker's "
            f"({temporal}), and workers of that one live, or did a moment ago; correct TEMPORAL_HOST or DATABASE_URL "
            "if that is a mistake"
        )
    return lease.before


async def restore_namespace(client: Client, database: Database) -> None:
    """Make the client's namespace, if what this database has ran in one of this name; else it may be misspelt.

    Raises:
        TemporalUnavailable: Temporal is away, or does not let us.
        DatabaseUnavailable: nobody knows whether they did.
    """
    known = await database.read(last_holder, TEMPORAL)
    if known is not None and known.partition(" ")[0] == client.namespace:
        await provide_namespace(client)

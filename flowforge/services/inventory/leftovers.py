"""Giving back what the reservations of ended sagas still hold. Nobody should ever have to: it mends a defect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from flowforge.persistence.database import Database
from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.inventory import PRODUCTS, RESERVATIONS
from flowforge.persistence.tables.ledger import LEDGER

_HELD: Final = (RESERVATIONS.c.saga_id == bindparam("saga")) & (RESERVATIONS.c.state == "open")
_FIND: Final = (
    select(RESERVATIONS.c.product_id, RESERVATIONS.c.quantity)
    .where(_HELD)
    .order_by(RESERVATIONS.c.product_id)
    .with_for_update()
)
_RELEASE: Final = update(RESERVATIONS).where(_HELD).values(state="released")
_GIVE_BACK: Final = (
    update(PRODUCTS)
    .where(PRODUCTS.c.product_id == bindparam("product"))
    .values(
        available=PRODUCTS.c.available + bindparam("units"),
        reserved=PRODUCTS.c.reserved - bindparam("units"),
    )
)
# Where other units of the same reservation are shipped, it stands; the audit goes on to tell of the rest.
_UNDO: Final = (
    update(LEDGER)
    .where(
        LEDGER.c.saga_id == bindparam("saga"),
        LEDGER.c.operation == "inventory.reserve",
        LEDGER.c.state == "applied",
        ~select(RESERVATIONS.c.product_id)
        .where(
            RESERVATIONS.c.saga_id == LEDGER.c.saga_id,
            RESERVATIONS.c.occurrence == LEDGER.c.occurrence,
            RESERVATIONS.c.state != "released",
        )
        .exists(),
    )
    .values(state="undone", undone_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftUnits:
    """Units that an ended saga had kept."""

    product_id: str
    quantity: int


class Leftovers:
    """Releases what sagas have left behind that will never release it themselves."""

    def __init__(self, database: Database) -> None:
        """Take the database of the stock."""
        self._database = database

    async def release(self, saga_id: str) -> Sequence[LeftUnits]:
        """Give back every unit that a saga which has ended holds, and turn its ledger row, in one transaction.

        Returns:
            What was given back; nothing where another was faster.

        Raises:
            DatabaseUnavailable: nothing was written.
        """
        return await self._database.write(_release, saga_id)


def _release(connection: Connection, saga_id: str) -> Sequence[LeftUnits]:
    alone(connection, saga_id)
    held = connection.execute(_FIND, {"saga": saga_id}).all()
    if not held:
        return []
    # Before the products: whoever changes a reservation and its product takes them in this order.
    connection.execute(_RELEASE, {"saga": saga_id})
    connection.execute(_GIVE_BACK, [{"product": row.product_id, "units": row.quantity} for row in held])
    connection.execute(_UNDO, {"saga": saga_id, "at": datetime.now(UTC)})
    return [LeftUnits(product_id=row.product_id, quantity=row.quantity) for row in held]

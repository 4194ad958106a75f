"""What an order left in the database: its ledger rows, and the effects that they stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, select

from flowforge.persistence.tables.inventory import RESERVATIONS
from flowforge.persistence.tables.ledger import LEDGER
from flowforge.persistence.tables.payments import CHARGES
from flowforge.persistence.tables.warehouse import WAREHOUSE_RECORDS
from tests.workflow.shop import Counter

OPERATIONS: Final = ("inventory.quote", "inventory.reserve", "payments.charge", "warehouse.apply")
EFFECTS: Final = OPERATIONS[1:]

Mark = Literal["applied", "undone", "tombstone", "refused"]
"""A row's state; `undone` was applied before, a `tombstone` never was."""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What one order left.

    Attributes:
        ledger: its rows, by operation.
        charges: the states of its charges, and so on.
    """

    ledger: Mapping[str, Mark]
    charges: list[str]
    reservations: list[str]
    shipments: list[str]

    def agree_with_the_ledger(self) -> bool:
        """Tell whether there is one effect for each row that was ever applied, in its state, and no other."""
        return (
            self.charges == _effect(self.ledger.get("payments.charge"), "charged", "refunded")
            and self.reservations == _effect(self.ledger.get("inventory.reserve"), "shipped", "released")
            and self.shipments == _effect(self.ledger.get("warehouse.apply"), "applied", "reverted")
        )


def _effect(mark: Mark | None, applied: str, undone: str) -> list[str]:
    return {"applied": [applied], "undone": [undone]}.get(mark or "", [])


async def effects_of(counter: Counter, order_id: str) -> Effects:
    """Read what an order left."""
    left: Effects = await counter.database.read(_effects, order_id)
    return left


def _effects(connection: Connection, order_id: str) -> Effects:
    rows = connection.execute(select(LEDGER).where(LEDGER.c.saga_id == order_id)).all()
    assert len({row.operation for row in rows}) == len(rows)
    return Effects(
        ledger={row.operation: _mark(row.state, row.outcome) for row in rows},
        charges=list(connection.scalars(select(CHARGES.c.status).where(CHARGES.c.order_id == order_id))),
        reservations=list(connection.scalars(select(RESERVATIONS.c.state).where(RESERVATIONS.c.saga_id == order_id))),
        shipments=list(
            connection.scalars(select(WAREHOUSE_RECORDS.c.status).where(WAREHOUSE_RECORDS.c.order_id == order_id))
        ),
    )


def _mark(state: str, outcome: dict[str, object]) -> Mark:
    marks: dict[str, Mark] = {
        "applied": "applied",
        "refused": "refused",
        "undone": "undone" if outcome else "tombstone",
    }
    return marks[state]

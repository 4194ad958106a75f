"""Open orders whose rows have not moved for a while, and ended ones that still hold units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import Connection, bindparam, select

from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import OPEN
from flowforge.persistence.tables.inventory import RESERVATIONS
from flowforge.persistence.tables.orders import ORDERS
from flowforge.reconciling.sweeps import Sweep, is_taken

_COLUMNS: Final = (
    ORDERS.c.sequence,
    ORDERS.c.order_id,
    ORDERS.c.workflow_id,
    ORDERS.c.status,
    ORDERS.c.updated_at,
    ORDERS.c.cancel_requested_at,
    ORDERS.c.cancel_reason,
    ORDERS.c.input,
)
_IS_OPEN: Final = ORDERS.c.status.in_(sorted(OPEN))
_STILL: Final = (
    select(*_COLUMNS)
    .where(
        _IS_OPEN,
        ORDERS.c.sequence > bindparam("after"),
        is_taken(ORDERS.c.sequence, ORDERS.c.updated_at, ORDERS.c.cancel_requested_at),
    )
    .order_by(ORDERS.c.sequence)
    .limit(bindparam("count"))
)
_AGAIN: Final = select(ORDERS.c.updated_at).where(ORDERS.c.order_id == bindparam("id"), _IS_OPEN)
_HOLDING: Final = (
    select(ORDERS.c.order_id)
    .distinct()
    .select_from(RESERVATIONS.join(ORDERS, ORDERS.c.order_id == RESERVATIONS.c.saga_id))
    .where(RESERVATIONS.c.state == "open", ORDERS.c.status.not_in(sorted(OPEN)))
    .limit(bindparam("count"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOrder:
    """An open order that did not move.

    Attributes:
        sequence: its place among all orders.
        updated_at: when it moved last.
        cancel_reason: why it is to be cancelled; None where it is not.
        input: what its workflow was started with, as JSON.
    """

    sequence: int
    order_id: str
    workflow_id: str
    status: OrderStatus
    updated_at: datetime
    cancel_reason: str | None
    input: Mapping[str, Any]

    @property
    def name(self) -> str:
        """See Still.name."""
        return self.order_id

    @property
    def labels(self) -> Mapping[str, str]:
        """See Still.labels."""
        return {"order_id": self.order_id, "workflow_id": self.workflow_id}

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the order of a row."""
        return cls(
            sequence=row.sequence,
            order_id=row.order_id,
            workflow_id=row.workflow_id,
            status=row.status,
            updated_at=row.updated_at,
            cancel_reason=None if row.cancel_requested_at is None else row.cancel_reason or "",
            input=row.input,
        )


def still_orders(connection: Connection, sweep: Sweep, *, after: int, limit: int) -> Sequence[StillOrder]:
    """Return open orders that do not move and are a sweep's, in the order of their rows.

    Args:
        connection: a reading one.
        sweep: which of them it takes.
        after: only rows behind this one.
        limit: at most so many.
    """
    rows = connection.execute(_STILL, {**sweep.parameters, "after": after, "count": limit})
    return [StillOrder.of(row) for row in rows]


def is_still(connection: Connection, order: StillOrder) -> bool:
    """Tell whether an order is open and has not moved since it was read."""
    return connection.execute(_AGAIN, {"id": order.order_id}).scalar() == order.updated_at


def ended_with_units(connection: Connection, limit: int) -> Sequence[str]:
    """Return the ids of ended orders that still hold reserved units: there should never be one."""
    return list(connection.execute(_HOLDING, {"count": limit}).scalars())

"""The orders' rows as whoever controls orders needs them: found by either name, and marked as to be cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, or_, select, update

from flowforge.errors import Conflict
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import CLOSED, GOING_FORWARD
from flowforge.persistence.database import Database
from flowforge.persistence.tables.orders import ORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledOrder:
    """What decides whether an order can be controlled.

    Attributes:
        input: the accepted order as JSON; see contracts.Order.
        compensations: as JSON; see Compensation.
    """

    order_id: str
    workflow_id: str
    status: OrderStatus
    failure_code: str | None
    failure_reason: str | None
    dispatched_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    retried_by: str | None
    input: Mapping[str, Any]
    compensations: list[dict[str, Any]]

    @property
    def is_closed(self) -> bool:
        """Whether the order has ended."""
        return self.status in CLOSED

    @property
    def plight(self) -> str:
        """Return in words how the order is: why something cannot be done to it."""
        told = {"needs_attention": "waits for an operator", "compensating": "is being unwound", "failed": "has failed"}
        words = told.get(self.status, f"is {self.status}")
        if self.status in GOING_FORWARD and self.dispatched_at is not None:
            words = "has left: a carrier has its parcel"
        because = f": {self.failure_reason}" if self.failure_reason is not None else ""
        return f"the order {words}{because}"

    def attempts_of(self, undo: str) -> int:
        """Return how often an undo, or giving it up, was tried: that tells one decision on it from the next."""
        return int(next(each["attempts"] for each in self.compensations if each["name"] == undo))


_FIND: Final = select(*(ORDERS.c[name] for name in ControlledOrder.__slots__)).where(
    or_(ORDERS.c.order_id == bindparam("name"), ORDERS.c.workflow_id == bindparam("name"))
)
_FIND_TO_MARK: Final = _FIND.with_for_update()
_MARK: Final = (
    update(ORDERS)
    .where(ORDERS.c.order_id == bindparam("id"), ORDERS.c.cancel_requested_at.is_(None))
    .values(cancel_requested_at=bindparam("at"), cancel_reason=bindparam("why"))
)


class ControlRows:
    """Reads and marks rows; every method raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, order_or_workflow_id: str) -> ControlledOrder | None:
        """Return an order by either of its names, or None."""
        return await self._database.read(_find, order_or_workflow_id)

    async def mark_cancelled(self, order_or_workflow_id: str, reason: str) -> ControlledOrder | None:
        """Mark an order as to be cancelled, in one transaction with the look at whether that is still possible.

        From then on none of its steps takes effect, and it cannot complete. An order that is being or was cancelled
        already stays as it is.

        Returns:
            The order, with the reason that counts; None where there is no row.

        Raises:
            Conflict: it is too late.
        """
        return await self._database.write(partial(_mark, name=order_or_workflow_id, reason=reason))


def _find(connection: Connection, name: str) -> ControlledOrder | None:
    row = connection.execute(_FIND, {"name": name}).mappings().first()
    return None if row is None else ControlledOrder(**row)


def _mark(connection: Connection, *, name: str, reason: str) -> ControlledOrder | None:
    row = connection.execute(_FIND_TO_MARK, {"name": name}).mappings().first()
    if row is None:
        return None
    order = ControlledOrder(**row)
    if order.cancel_requested_at is not None or order.failure_code == "cancelled":
        return order
    if order.status not in GOING_FORWARD or order.dispatched_at is not None:
        raise Conflict(f"it is too late to cancel: {order.plight}")
    now = datetime.now(UTC)
    connection.execute(_MARK, {"id": order.order_id, "at": now, "why": reason})
    return ControlledOrder(**{**row, "cancel_requested_at": now, "cancel_reason": reason})

"""An order and its events as readers see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Self

from flowforge.durable.compensation import Compensation
from flowforge.orders.contracts import OrderState, OrderStatus
from flowforge.services.lines import Line

EventStatus = Literal[
    "started", "completed", "failed", "compensating", "compensated", "written_off", "paused", "resumed", "returned"
]

CLOSED: Final[frozenset[OrderStatus]] = frozenset({"completed", "failed", "cancelled", "returned"})
"""How an order can end."""

GOING_FORWARD: Final[frozenset[OrderStatus]] = frozenset({"running", "paused"})
"""Before it turns back: what can be cancelled, or held."""

OPEN: Final[frozenset[OrderStatus]] = frozenset({"running", "paused", "compensating", "needs_attention"})
"""What an order can be before. Named one by one: a status that is in neither is none to be unwound."""


def order_body(
    items: Sequence[Line], customer_id: str | None, payment_method: str | None, *, ship: bool
) -> list[str | int | None]:
    """Return what has to be the same for an order to be the same order."""
    lines = [value for line in items for value in (line.product_id, line.quantity)]
    return [*lines, customer_id, payment_method, *(["ship"] if ship else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One thing that happened to an order; `id` counts 1, 2, 3 … within the order; `timestamp` is aware UTC."""

    id: int
    step: str
    status: EventStatus
    message: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order's row.

    What the client asked for (`customer_id` to `ship`) is None, or empty, for an order that was accepted but whose
    first step has not yet written its row. `product_id` is None too where `items` are of several products, and
    `quantity` is of all of them. `retry_of` and `retried_by` are order ids.
    """

    order_id: str
    workflow_id: str
    status: OrderStatus
    created_at: datetime
    customer_id: str | None = None
    product_id: str | None = None
    quantity: int | None = None
    payment_method: str | None = None
    items: tuple[Line, ...] = ()
    ship: bool = False
    current_step: str | None = None
    steps_completed: tuple[str, ...] = ()
    compensation_triggered: bool = False
    compensations: tuple[Compensation, ...] = ()
    failure_code: str | None = None
    failure_reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    charge_id: str | None = None
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None
    retry_of: str | None = None
    retried_by: str | None = None
    events: tuple[OrderEvent, ...] = ()

    @property
    def body(self) -> list[str | int | None]:
        """What a client asked for, as `gateway.NewOrder.body` has it."""
        return order_body(self.items, self.customer_id, self.payment_method, ship=self.ship)

    @property
    def is_closed(self) -> bool:
        """Whether the order has ended."""
        return self.status in CLOSED

    @classmethod
    def accepted(cls, *, order_id: str, workflow_id: str, state: OrderState | None, accepted_at: datetime) -> Self:
        """Return the record of an order that Temporal has accepted and that has no row yet."""
        return cls(
            order_id=order_id,
            workflow_id=workflow_id,
            status="running",
            created_at=accepted_at,
            current_step=state.current_step if state is not None else None,
        )

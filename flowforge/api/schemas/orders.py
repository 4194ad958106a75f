"""Orders over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.durable.compensation import CompensationStatus
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import EventStatus, OrderEvent, OrderRecord


class Placed(TypedDict):
    """An order that was accepted."""

    workflow_id: str
    order_id: str
    status: Literal["started"]


class ItemView(TypedDict):
    """So many units of one product."""

    product_id: str
    quantity: int


class CompensationView(TypedDict):
    """An undo of the saga; `not_needed` means it found nothing to undo and keeps a late effect from happening."""

    name: str
    status: CompensationStatus
    attempts: int
    error: str | None
    written_off: Annotated[str | None, Field(description="Who gave it up and why.")]


class EventView(TypedDict):
    """Something that happened to an order. Ids count 1, 2, 3 … within the order."""

    id: int
    step: str
    status: EventStatus
    message: str
    timestamp: str


class OrderView(TypedDict):
    """The state of an order."""

    workflow_id: str
    order_id: str
    status: OrderStatus
    current_step: str | None
    steps_completed: list[str]
    compensation_triggered: Annotated[bool, Field(description="Some undo found an effect.")]
    compensations: Annotated[list[CompensationView], Field(description="In the order in which they ran.")]
    failure_code: str | None
    failure_reason: str | None
    amount_minor: Annotated[int | None, Field(description="Minor units of `currency`; null before the quote.")]
    currency: str | None
    charge_id: str | None
    customer_id: Annotated[
        str | None, Field(description="Like all that was ordered, null until the order's row is there.")
    ]
    product_id: Annotated[str | None, Field(description="Null too where the order is of several products.")]
    quantity: Annotated[int | None, Field(description="Of the one product.")]
    items: Annotated[list[ItemView], Field(description="What was ordered, of one product or of several.")]
    ship: Annotated[bool, Field(description="Whether it is sent to the customer.")]
    payment_method: str | None
    retry_of: Annotated[str | None, Field(description="The order_id of the order that this one tries again.")]
    retried_by: Annotated[str | None, Field(description="The order_id of the order that tries this one again.")]
    cancel_requested_at: Annotated[str | None, Field(description="No step takes effect after it.")]
    cancel_reason: str | None
    created_at: str
    updated_at: str | None
    temporal_url: Annotated[str, Field(description="The order's page in Temporal's UI.")]
    events: Annotated[list[EventView], Field(description="The oldest first.")]


def timestamp(at: datetime) -> str:
    """Return a time as this API writes it, for example 2026-01-01T00:00:00.000Z."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def event_view(event: OrderEvent) -> EventView:
    """Return an event as clients see it."""
    return {
        "id": event.id,
        "step": event.step,
        "status": event.status,
        "message": event.message,
        "timestamp": timestamp(event.timestamp),
    }


def order_view(order: OrderRecord, temporal_url: str) -> OrderView:
    """Return an order as clients see it."""
    return {
        "workflow_id": order.workflow_id,
        "order_id": order.order_id,
        "status": order.status,
        "current_step": order.current_step,
        "steps_completed": list(order.steps_completed),
        "compensation_triggered": order.compensation_triggered,
        "compensations": [
            {
                "name": undo.name,
                "status": undo.status,
                "attempts": undo.attempts,
                "error": undo.error,
                "written_off": undo.written_off,
            }
            for undo in order.compensations
        ],
        "failure_code": order.failure_code,
        "failure_reason": order.failure_reason,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "charge_id": order.charge_id,
        "customer_id": order.customer_id,
        "product_id": order.product_id,
        "quantity": None if order.product_id is None else order.quantity,
        "items": [{"product_id": line.product_id, "quantity": line.quantity} for line in order.items],
        "ship": order.ship,
        "payment_method": order.payment_method,
        "retry_of": order.retry_of,
        "retried_by": order.retried_by,
        "cancel_requested_at": None if order.cancel_requested_at is None else timestamp(order.cancel_requested_at),
        "cancel_reason": order.cancel_reason,
        "created_at": timestamp(order.created_at),
        "updated_at": None if order.updated_at is None else timestamp(order.updated_at),
        "temporal_url": temporal_url,
        "events": [event_view(event) for event in order.events],
    }


ORDER_EXAMPLE: Final[dict[str, Any]] = {
    "workflow_id": "order-ord_7f3a",
    "order_id": "ord_7f3a",
    "status": "failed",
    "current_step": None,
    "steps_completed": ["check_inventory", "reserve_inventory", "process_payment"],
    "compensation_triggered": True,
    "compensations": [
        {"name": name, "status": "completed", "attempts": 1, "error": None, "written_off": None}
        for name in ("revert_warehouse", "refund_payment_by_idempotency_key", "release_inventory")
    ],
    "failure_code": "injected_fault",
    "failure_reason": "update_warehouse failed 3 times: FAIL_AT=warehouse",
    "amount_minor": 3998,
    "currency": "USD",
    "charge_id": "ch_01",
    "customer_id": "customer-1",
    "product_id": "SKU-001",
    "quantity": 2,
    "items": [{"product_id": "SKU-001", "quantity": 2}],
    "ship": False,
    "payment_method": "tok_visa",
    "retry_of": None,
    "retried_by": None,
    "cancel_requested_at": None,
    "cancel_reason": None,
    "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-01T00:00:00.120Z",
    "temporal_url": "http://localhost:8233/namespaces/default/workflows/order-ord_7f3a",
    "events": [
        {
            "id": 1,
            "step": "check_inventory",
            "status": "started",
            "message": "…",
            "timestamp": "2026-01-01T00:00:00.000Z",
        }
    ],
}
"""What the documentation shows."""

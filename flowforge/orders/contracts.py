"""Frozen inputs and results of the order workflow and its own activity; fields are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from flowforge.durable.compensation import Compensation
from flowforge.durable.placement import Placement
from flowforge.services.lines import Line

OrderStatus = Literal[
    "running", "paused", "compensating", "completed", "failed", "cancelled", "needs_attention", "returned"
]

PaymentCapture = Literal["immediate", "after_warehouse"]
"""When money is taken: with the payment, or when the goods have left the warehouse; it is authorised before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOptions:
    """How an order runs; fixed when it is placed, so that a replay does the same.

    Attributes:
        placement: where its steps run first.
        deadline_s: seconds after which an unfinished order is unwound.
        forward_max_interval_s: longest pause between two attempts of a forward step, in seconds.
        undo_max_interval_s: longest pause between two attempts of an undo, in seconds.
        attempt_timeout_s: seconds after which an attempt through the task queue is given up for another one.
        local_timeout_s: the same for an attempt inside a workflow task.
        heartbeat_timeout_s: seconds of silence after which an attempt's worker is taken for dead.
        payment_capture: when its money is taken.
    """

    placement: Placement = "auto"
    deadline_s: float = 900.0
    forward_max_interval_s: float = 10.0
    undo_max_interval_s: float = 30.0
    attempt_timeout_s: float = 15.0
    local_timeout_s: float = 8.0
    payment_capture: PaymentCapture = "immediate"
    heartbeat_timeout_s: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An accepted order: the workflow's whole input, and what its row is opened with.

    Attributes:
        product_id: the product, None where there are several.
        quantity: how many units, of all products.
        accepted_at: when it was accepted, ISO 8601 in UTC.
        fail_at: step to fail in, for demonstrations; None for real orders.
        retry_of: the order id of the order that this one tries again.
        abandoned: its own run is gone: this one only unwinds.
        lines: what is ordered, where it is of several products; see `items`.
        ship: whether it is sent to the customer.
    """

    order_id: str
    workflow_id: str
    product_id: str | None
    quantity: int
    customer_id: str
    payment_method: str
    request_id: str
    accepted_at: str
    fail_at: str | None = None
    retry_of: str | None = None
    abandoned: bool = False
    lines: tuple[Line, ...] = ()
    ship: bool = False
    options: OrderOptions = field(default_factory=OrderOptions)

    @property
    def items(self) -> tuple[Line, ...]:
        """What is ordered, of one product or of several."""
        return self.lines or (Line(product_id=self.product_id or "", quantity=self.quantity),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """The whole state of an order as its workflow knows it: the answer to the `state` query, and a failure's details.

    Attributes:
        compensations: in the order in which they run.
        compensation_triggered: some undo found an effect.
        amount_minor: what was quoted, in minor units of `currency`; None before the quote.
        given_up: the steps that failed although nothing hangs on them, with why.
    """

    order_id: str
    workflow_id: str
    status: OrderStatus = "running"
    current_step: str | None = None
    steps_completed: tuple[str, ...] = ()
    compensation_triggered: bool = False
    compensations: tuple[Compensation, ...] = ()
    failure_code: str | None = None
    failure_reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    charge_id: str | None = None
    shipment_id: str | None = None
    given_up: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """Move an order's row on by compare-and-set.

    Attributes:
        order: the accepted order, to open the row where no step got that far.
        to: `paused` from running; `running` from paused; `completed` from either, unless the row is marked as to be
            cancelled; `compensating` from either; `needs_attention`, `failed` and `cancelled` from compensating or
            needs_attention, which nothing but an end leaves: a delivery of `compensating` that is late would take the
            order out of its operator's hands. The same end again is a no-op that succeeds.
        state: the workflow's view: its completed steps, failure and compensations are written with the status.
        failed_step: the step that failed, when `to` is compensating because of one.
        deadline_at: when the order's time is over, ISO 8601 in UTC, when `to` is running: it moves on by a pause.
    """

    order: Order
    to: OrderStatus
    state: OrderState
    failed_step: str | None = None
    deadline_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder:
    """Take a completed order back: parcel, units and money.

    Attributes:
        charge_id: what it was paid with.
        ship: whether it was sent to the customer.
        request_id: the request that asked for it, for the logs.
        options: how the order was run; the return is tried in the same way, without a deadline.
    """

    order_id: str
    workflow_id: str
    charge_id: str
    ship: bool
    request_id: str
    options: OrderOptions = field(default_factory=OrderOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReturned:
    """Move a completed order's row on to `returned`; `refunded_minor` is what was given back by that."""

    order_id: str
    refunded_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Have Temporal take a run for cancelled whose order is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """An operator gives up an undo that can never succeed."""

    name: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    """The row after a close; the workflow adopts it, since it may have forgotten what a discarded task had done.

    Attributes:
        status: what the row says now; other than what was asked for when an earlier close had won.
        steps_completed: the forward steps that the row holds as completed.
        failure_code: why the order was taken from running; the first reason stays.
    """

    status: OrderStatus
    steps_completed: tuple[str, ...] = ()
    failure_code: str | None = None
    failure_reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    charge_id: str | None = None

"""Starting an order's run: accepted is what Temporal has."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from flowforge.errors import TemporalUnavailable
from flowforge.orders.contracts import Order
from flowforge.orders.story import summary
from flowforge.orders.workflow import OrderWorkflow
from flowforge.temporal.client import absence_as_fault

BODY: Final = "idempotent_body"
"""The memo in which an order placed with an idempotency key keeps what was asked for."""

START_TIMEOUT: Final = timedelta(seconds=5)
TASK_TIMEOUT: Final = timedelta(seconds=3)
"""After this long without a sign of life from a worker, another one takes its workflow tasks."""


async def start(
    client: Client, order: Order, *, task_queue: str, body: Sequence[str | int | None] | None = None
) -> None:
    """Start an order's run, which is to accept the order.

    Args:
        client: connected to Temporal; the worker's own client makes the start eager.
        order: what is accepted.
        task_queue: where workers listen.
        body: what is remembered for an idempotency key.

    Raises:
        WorkflowAlreadyStartedError: its workflow id was ever taken, as far as Temporal remembers.
        TemporalUnavailable: Temporal did not say whether it took the order; ask for it by its workflow id later.
    """
    try:
        with absence_as_fault():
            await client.start_workflow(
                OrderWorkflow.run,
                order,
                id=order.workflow_id,
                task_queue=task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                task_timeout=TASK_TIMEOUT,
                static_summary=summary(order),
                memo=None if body is None else {BODY: body},
                request_eager_start=True,
                rpc_timeout=START_TIMEOUT,
            )
    except TemporalUnavailable as error:
        message = f"{error.message}; whether it took the order is unknown: ask for {order.workflow_id!r} later"
        raise TemporalUnavailable(message) from error

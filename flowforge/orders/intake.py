"""Starting an order's run, and finding one that has no row yet: accepted is what Temporal has."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from flowforge.errors import TemporalUnavailable
from flowforge.ids import workflow_id_for
from flowforge.orders.contracts import Order
from flowforge.orders.story import summary
from flowforge.orders.workflow import FULFIL_ORDER, OrderWorkflow
from flowforge.temporal.asking import ANSWER_TIMEOUT, unless_gone
from flowforge.temporal.client import AccessDenied, absence_as_fault

BODY: Final = "idempotent_body"
"""The memo in which an order placed with an idempotency key keeps what was asked for."""

START_TIMEOUT: Final = timedelta(seconds=5)
TASK_TIMEOUT: Final = timedelta(seconds=3)
"""After this long without a sign of life from a worker, another one takes its workflow tasks."""


FindRow = Callable[[str], Awaitable[object | None]]
"""Returns an order's row by its workflow id, or None."""


async def start(
    client: Client,
    order: Order,
    *,
    task_queue: str,
    body: Sequence[str | int | None] | None = None,
    find_row: FindRow | None = None,
) -> None:
    """Start an order's run, which is to accept the order.

    Args:
        client: connected to Temporal; the worker's own client makes the start eager.
        order: what is accepted.
        task_queue: where workers listen.
        body: what is remembered for an idempotency key.
        find_row: given where whoever takes this name again means the same order: it is started again when its run was
            terminated before its first step took effect, and the order is nowhere.

    Raises:
        WorkflowAlreadyStartedError: its workflow id was ever taken, as far as Temporal remembers.
        TemporalUnavailable: Temporal did not say whether it took the order; ask for it by its workflow id later.
        DatabaseUnavailable: it is not known whether the order has a row; nothing was started.
    """
    try:
        with absence_as_fault():
            try:
                await _start(client, order, task_queue, body, WorkflowIDReusePolicy.REJECT_DUPLICATE)
            except WorkflowAlreadyStartedError:
                if find_row is None or not await _left_nothing(client, order.workflow_id, body, find_row):
                    raise
                await _start(client, order, task_queue, body, WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY)
    except AccessDenied:
        raise  # nothing is unknown
    except TemporalUnavailable as error:
        message = f"{error.message}; whether it took the order is unknown: ask for {order.workflow_id!r} later"
        raise TemporalUnavailable(message) from error


async def _start(
    client: Client,
    order: Order,
    task_queue: str,
    body: Sequence[str | int | None] | None,
    reuse: WorkflowIDReusePolicy,
) -> None:
    await client.start_workflow(
        OrderWorkflow.run,
        order,
        id=order.workflow_id,
        task_queue=task_queue,
        id_reuse_policy=reuse,
        task_timeout=TASK_TIMEOUT,
        static_summary=summary(order),
        memo=None if body is None else {BODY: body},
        request_eager_start=True,
        rpc_timeout=START_TIMEOUT,
    )


async def _left_nothing(
    client: Client, workflow_id: str, body: Sequence[str | int | None] | None, find_row: FindRow
) -> bool:
    """Tell whether a run of this name has ended and left no row; it was for the same order, if it was for a key.

    The run is looked at first: one that comes to its end in between has written the row before.
    """
    run = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=START_TIMEOUT)
    if run.status is WorkflowExecutionStatus.RUNNING or await run.memo_value(BODY, default=None) != body:
        return False
    return await find_row(workflow_id) is None


async def running_order(client: Client, name: str) -> WorkflowExecutionDescription | None:
    """Return the run of an order that has no row yet, or None where no order runs under this name.

    Args:
        client: connected to Temporal.
        name: an order id or workflow id.

    Raises:
        TemporalUnavailable: Temporal is away.
        RPCError: it answered something else.
    """
    for workflow_id in (workflow_id_for(name), name) if name.startswith("ord_") else (name,):
        handle = client.get_workflow_handle(workflow_id)
        run = await unless_gone(partial(handle.describe, rpc_timeout=ANSWER_TIMEOUT))
        if run is not None and run.workflow_type == FULFIL_ORDER and run.status is WorkflowExecutionStatus.RUNNING:
            return cast("WorkflowExecutionDescription", run)
    return None


def order_in(client: Client, row: Mapping[str, Any]) -> Order:
    """Read an accepted order from its row, as its workflow did from Temporal."""
    converter = client.data_converter.payload_converter
    order: Order = converter.from_payloads(converter.to_payloads([row]), [Order])[0]
    return order

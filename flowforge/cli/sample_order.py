"""One sample order, from placing it to its end as JSON."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, Final

import typer
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from flowforge.api.schemas.orders import order_view
from flowforge.cli.composition import Fulfilment, ui_url
from flowforge.errors import FlowForgeError
from flowforge.ids import new_request_id
from flowforge.orders.contracts import OrderState
from flowforge.orders.gateway import NewOrder, PlacedOrder
from flowforge.orders.records import CLOSED, OrderRecord
from flowforge.temporal.target import TemporalTarget

_HINT_AFTER_S: Final = 10


async def place_and_wait(
    fulfilment: Fulfilment, client: Client, target: TemporalTarget, *, fail_at: str | None, payment_method: str
) -> int:
    """Place the order, print it when it has ended, and return the exit code.

    Its row tells most. Where this database is not the worker's, what Temporal knows is printed, without events.
    """
    placed = await fulfilment.gateway(client).place(
        NewOrder(
            product_id="SKU-001",
            quantity=2,
            customer_id="starter",
            payment_method=payment_method,
            request_id=new_request_id(),
            fail_at=fail_at,
            ship=fail_at == "shipment",
        )
    )
    typer.echo(f"placed {placed.workflow_id}", err=True)
    hint = asyncio.get_running_loop().call_later(_HINT_AFTER_S, _hint)
    try:
        state = await _end(client, placed)
    finally:
        hint.cancel()
    record = await fulfilment.reads.get(placed.order_id)
    if record is None or record.status not in CLOSED:
        record = _from_temporal(placed, state)
    url = f"{ui_url(fulfilment.settings, target)}/namespaces/{target.namespace}/workflows/{placed.workflow_id}"
    typer.echo(json.dumps(order_view(record, url), indent=2))
    return 0 if record.status == "completed" else 1


def _hint() -> None:
    typer.echo(f"no end after {_HINT_AFTER_S} s; is a worker running? still waiting", err=True)


async def _end(client: Client, placed: PlacedOrder) -> OrderState | None:
    """Wait for the workflow's end; return its state, None where it does not tell it."""
    try:
        state: OrderState = await client.get_workflow_handle(placed.workflow_id, result_type=OrderState).result()
    except WorkflowFailureError as failure:
        cause = failure.cause
        if isinstance(cause, ApplicationError) and cause.details:
            return _state(cause.details[0])
        return None
    return state


def _state(details: Any) -> OrderState:
    return OrderState(**details)


def _from_temporal(placed: PlacedOrder, state: OrderState | None) -> OrderRecord:
    if state is None:
        raise FlowForgeError(f"{placed.workflow_id} ended without telling its state; see it in Temporal's UI")
    return OrderRecord(
        order_id=placed.order_id,
        workflow_id=placed.workflow_id,
        status=state.status,
        created_at=datetime.now(UTC),
        steps_completed=tuple(state.steps_completed),
        compensation_triggered=state.compensation_triggered,
        compensations=tuple(state.compensations),
        failure_code=state.failure_code,
        failure_reason=state.failure_reason,
        amount_minor=state.amount_minor,
        currency=state.currency,
        charge_id=state.charge_id,
    )

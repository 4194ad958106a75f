"""What operators do to orders: cancel, hold, let go on, try again, decide on undos that cannot succeed."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response

from flowforge.api.dependencies import OrderName, RequestState, Services
from flowforge.api.order_links import ORDER_LINKS
from flowforge.api.render import json_response
from flowforge.api.schemas.control import (
    CANCEL_EXAMPLES,
    WRITE_OFF_EXAMPLES,
    CancelOrder,
    CancelView,
    ControlView,
    UndoName,
    WriteOffUndo,
    cancel_view,
    control_view,
)
from flowforge.api.schemas.orders import Placed
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.orders.control import ControlAccepted

router = APIRouter(tags=["control"], route_class=StrictRoute)

_LOCATION: Final = {"Location": {"description": "The order.", "schema": {"type": "string"}}}
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "The order takes note.", "headers": _LOCATION, "links": ORDER_LINKS}
}


@router.post(
    "/orders/{order}/cancel",
    status_code=202,
    response_model=CancelView,
    responses={**_ACCEPTED, **problems(400, 404, 409, 413, 415, 422, 503)},
)
async def cancel_order(
    order: OrderName,
    body: Annotated[CancelOrder, Body(openapi_examples=CANCEL_EXAMPLES)],
    services: Services,
    state: RequestState,
) -> Response:
    """Cancel an order: none of its steps takes effect any more, and what did is undone.

    Again it is answered as the first time, with the first reason. 409 when it is too late: the order has completed, or
    is being unwound for another reason.
    """
    accepted = await services.control.cancel(order, body.reason)
    state["logged"] = {"order_id": accepted.order_id, "workflow_id": accepted.workflow_id}
    return json_response(cancel_view(accepted), 202, {"Location": f"/orders/{accepted.order_id}"})


@router.post(
    "/orders/{order}/pause",
    status_code=202,
    response_model=ControlView,
    responses={**_ACCEPTED, **problems(400, 404, 409, 422, 503)},
)
async def pause_order(order: OrderName, services: Services, state: RequestState) -> Response:
    """Hold an order before its next step; its deadline does not run meanwhile. Undoing is never held.

    A request that comes again with its X-Request-ID is one: late, it holds nothing that was resumed since. 409 when the
    order does not go forward any more.
    """
    return _accepted(await services.control.pause(order, request_id=state["request_id"]), state)


@router.post(
    "/orders/{order}/resume",
    status_code=202,
    response_model=ControlView,
    responses={**_ACCEPTED, **problems(400, 404, 409, 422, 503)},
)
async def resume_order(order: OrderName, services: Services, state: RequestState) -> Response:
    """Let a paused order go on; one that is not paused stays as it is.

    A request that comes again with its X-Request-ID is one. 409 when the order does not go forward any more.
    """
    return _accepted(await services.control.resume(order, request_id=state["request_id"]), state)


@router.post(
    "/orders/{order}/retry",
    status_code=201,
    response_model=Placed,
    responses={
        201: {"description": "The new order was accepted.", "headers": _LOCATION, "links": ORDER_LINKS},
        **problems(400, 404, 409, 422, 503),
    },
)
async def retry_order(order: OrderName, services: Services, state: RequestState) -> Response:
    """Place a failed or cancelled order again, as a new order.

    Its `retry_of` names the old one, whose `retried_by` names the new. 409 when the order has not failed, or was tried
    again before.
    """
    placed = await services.control.retry(order, state["request_id"])
    state["logged"] = {"order_id": placed.order_id, "workflow_id": placed.workflow_id}
    answer: Placed = {"workflow_id": placed.workflow_id, "order_id": placed.order_id, "status": "started"}
    return json_response(answer, 201, {"Location": f"/orders/{placed.order_id}"})


@router.post(
    "/orders/{order}/compensations/{name}/retry",
    status_code=202,
    response_model=ControlView,
    responses={**_ACCEPTED, **problems(400, 404, 409, 422, 503)},
)
async def retry_compensation(order: OrderName, name: UndoName, services: Services, state: RequestState) -> Response:
    """Try an undo again that failed for good. 409 unless the order waits for an operator because of it."""
    return _accepted(await services.control.retry_compensation(order, name), state)


@router.post(
    "/orders/{order}/compensations/{name}/write-off",
    status_code=202,
    response_model=ControlView,
    responses={**_ACCEPTED, **problems(400, 404, 409, 413, 415, 422, 503)},
)
async def write_off_compensation(
    order: OrderName,
    name: UndoName,
    body: Annotated[WriteOffUndo, Body(openapi_examples=WRITE_OFF_EXAMPLES)],
    services: Services,
    state: RequestState,
) -> Response:
    """Give up an undo that can never succeed, so that the order can end; the audit counts what is lost.

    409 unless the order waits for an operator because of it.
    """
    return _accepted(await services.control.write_off(order, name, by=body.by, reason=body.reason), state)


def _accepted(accepted: ControlAccepted, state: dict[str, Any]) -> Response:
    state["logged"] = {"order_id": accepted.order_id, "workflow_id": accepted.workflow_id}
    return json_response(control_view(accepted), 202, {"Location": f"/orders/{accepted.order_id}"})

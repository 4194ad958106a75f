"""Placing orders, and reading how they are."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Query, Request, Response

from flowforge.api.dependencies import GRAMMAR, AppServices, OrderName, RequestState, Services
from flowforge.api.idempotency import documented, idempotency_key
from flowforge.api.invalid import bad_header
from flowforge.api.order_links import ORDER_LINKS
from flowforge.api.pages import Cursor, Limit, page, position
from flowforge.api.prefer import preferred_wait_s
from flowforge.api.render import json_response
from flowforge.api.schemas.orders import ORDER_EXAMPLE, OrderView, Placed, order_view
from flowforge.api.schemas.place import PLACE_EXAMPLES, PlaceOrder
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.errors import Fault, Forbidden
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.gateway import NewOrder
from flowforge.services.faults import FAIL_AT_OPERATIONS

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_PLACE_HEADERS: Final = [
    {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N`: answer when the order has ended, or after N seconds (1 to 60). RFC 7240.",
        "schema": {"type": "string"},
    },
    documented(
        "1 to 255 printable characters. The same key with the same order is answered as the first time, "
        "with `Idempotent-Replayed: true`; with another order it is 422. Not beside a workflow_id."
    ),
    {
        "name": "X-FlowForge-Fail-At",
        "in": "header",
        "description": "The step to fail in, for demonstrations; 403 unless FLOWFORGE_FAULT_INJECTION=1.",
        "schema": {"type": "string", "enum": list(FAIL_AT_OPERATIONS)},
    },
]
_STATE: Final = {"description": "The order.", "content": {"application/json": {"example": ORDER_EXAMPLE}}}
_HEADERS: Final = {
    "Location": {"description": "The order.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "The request's id in the logs.", "schema": {"type": "string"}},
}


@router.post(
    "/orders",
    status_code=201,
    response_model=Placed,
    responses={
        201: {"description": "The order was accepted.", "headers": _HEADERS, "links": ORDER_LINKS},
        200: {
            "description": "With `Prefer: wait`: the order, ended, or as it is when the wait is over.",
            "model": OrderView,
            "content": {"application/json": {"example": ORDER_EXAMPLE}},
            "links": ORDER_LINKS,
        },
        **problems(400, 403, 409, 413, 415, 422, 503),
    },
    openapi_extra={"parameters": _PLACE_HEADERS},
)
async def place_order(body: Annotated[PlaceOrder, Body(openapi_examples=PLACE_EXAMPLES)], request: Request) -> Response:
    """Place an order.

    Malformed input is answered with 400, input that can be read but not accepted with 422. After a 503 it is unknown
    whether the order was accepted: placing it again with the same Idempotency-Key is safe, and asking for the same
    `workflow_id` tells.
    """
    # FastAPI would take a third of this route's time to fill in headers and dependencies, and every order passes here.
    services: AppServices = request.app.state.services
    state = request.scope["state"]
    wait_s = preferred_wait_s(request.headers.getlist("prefer"))
    fail_at = request.headers.get("x-flowforge-fail-at")
    if fail_at is not None:
        _check_fail_at(fail_at, allowed=services.fault_injection)
    key = _idempotency_key(request.headers.getlist("idempotency-key"), body)
    placed = await services.orders.place(
        NewOrder(
            lines=body.lines,
            ship=body.ship,
            customer_id=body.customer_id,
            payment_method=body.payment_method,
            workflow_id=body.workflow_id,
            idempotency_key=key,
            request_id=state["request_id"],
            fail_at=fail_at,
        )
    )
    state["logged"] = {"order_id": placed.order_id, "workflow_id": placed.workflow_id}
    location = f"/orders/{placed.order_id}"
    replayed = {"Idempotent-Replayed": "true"} if placed.replayed else {}
    if wait_s is not None:
        try:
            order = await services.orders.wait(placed.order_id, wait_s)
        except Fault:
            # The order is accepted, whatever became of the waiting: a 503 would have its client place it again.
            pass
        else:
            headers = {"Content-Location": location, "Preference-Applied": f"wait={wait_s}", **replayed}
            return json_response(order_view(order, services.temporal_url(order.workflow_id)), 200, headers)
    answer: Placed = {"workflow_id": placed.workflow_id, "order_id": placed.order_id, "status": "started"}
    return json_response(answer, 201, {"Location": location, **replayed})


@router.get("/orders", response_model=list[OrderView], responses=problems(400, 422, 503))
async def list_orders(
    services: Services,
    status: Annotated[OrderStatus | None, Query(description="Only orders that are in this state.")] = None,
    customer_id: Annotated[str | None, Query(pattern=GRAMMAR, description="Only this customer's orders.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List orders that a worker has begun, newest first. The Link header names the next page."""
    found = await services.read_model.list(
        status=status, customer_id=customer_id, limit=limit + 1, before=position(cursor)
    )
    filters = {"status": status, "customer_id": customer_id}
    orders, headers = page("/orders", found, limit=limit, key=lambda order: order.order_id, filters=filters)
    return json_response(
        [order_view(order, services.temporal_url(order.workflow_id)) for order in orders], headers=headers
    )


@router.get("/orders/{order}", response_model=OrderView, responses={200: _STATE, **problems(400, 404, 422, 503)})
@router.get("/orders/{order}/status", response_model=OrderView, responses={200: _STATE, **problems(400, 404, 422, 503)})
async def get_order(order: OrderName, services: Services, state: RequestState) -> Response:
    """Return the state of an order, by its order_id or workflow_id."""
    record = await services.orders.get(order)
    state["logged"] = {"order_id": record.order_id, "workflow_id": record.workflow_id}
    return json_response(order_view(record, services.temporal_url(record.workflow_id)))


def _idempotency_key(headers: list[str], body: PlaceOrder) -> str | None:
    key = idempotency_key(headers)
    if key is not None and body.workflow_id is not None:
        raise bad_header("Idempotency-Key", "names the workflow, and so does workflow_id: use one of them")
    return key


def _check_fail_at(step: str, *, allowed: bool) -> None:
    if step not in FAIL_AT_OPERATIONS:
        raise bad_header("X-FlowForge-Fail-At", f"must be one of {', '.join(FAIL_AT_OPERATIONS)}")
    if not allowed:
        raise Forbidden("faults can be asked for only where FLOWFORGE_FAULT_INJECTION=1")

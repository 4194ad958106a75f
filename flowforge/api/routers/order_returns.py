"""Taking completed orders back."""

from typing import Final

from fastapi import APIRouter, Response

from flowforge.api.dependencies import OrderName, RequestState, Services
from flowforge.api.order_links import ORDER_LINKS
from flowforge.api.render import json_response
from flowforge.api.schemas.orders import ORDER_EXAMPLE, OrderView, order_view
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_EXAMPLE: Final = {"application/json": {"example": {**ORDER_EXAMPLE, "status": "returned"}}}


@router.post(
    "/orders/{order}/return",
    response_model=OrderView,
    responses={
        200: {"description": "The order was returned, now or before.", "content": _EXAMPLE, "links": ORDER_LINKS},
        202: {"description": "It is being returned; its row will tell when.", "model": OrderView},
        **problems(400, 404, 409, 422, 503),
    },
)
async def return_order(order: OrderName, services: Services, state: RequestState) -> Response:
    """Take a completed order back: its parcel, its units, and what is left of its money.

    A parcel that has not left is called back. It happens once, however often it is asked for. 409 when the order has
    not completed. After a 503 it is unknown whether it will be returned: ask again.
    """
    record = await services.returns.take_back(order, state["request_id"])
    state["logged"] = {"order_id": record.order_id, "workflow_id": record.workflow_id}
    status = 200 if record.status == "returned" else 202
    return json_response(order_view(record, services.temporal_url(record.workflow_id)), status)

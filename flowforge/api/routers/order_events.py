"""An order's events, live."""

import json
from typing import Final

from fastapi import APIRouter, Response

from flowforge.api.dependencies import OrderName, RequestState, Services
from flowforge.api.schemas.orders import event_view
from flowforge.api.schemas.problem import problems
from flowforge.api.sse import EventStream, LastEventId, frames, known_event
from flowforge.api.strict_route import StrictRoute
from flowforge.orders.records import OrderEvent

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_FRAME: Final = {
    "type": "object",
    "description": "One server-sent event; its data is an entry of the order's `events`, or at the end its status.",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
}
_EXAMPLE: Final = (
    'id: 1\ndata: {"id": 1, "step": "check_inventory", "status": "started", "message": "…",'
    ' "timestamp": "2026-01-01T00:00:00.000Z"}\n\nevent: end\ndata: {"status": "completed"}\n\n'
)


@router.get(
    "/orders/{order}/events",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"description": "The events.", "content": {"text/event-stream": {"schema": _FRAME, "example": _EXAMPLE}}},
        204: {"description": "The order has ended, and Last-Event-ID is its last event: do not come again."},
        **problems(400, 404, 422, 503),
    },
)
async def watch_order(
    order: OrderName,
    services: Services,
    state: RequestState,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow an order's events, by its order_id or workflow_id.

    Each event carries its id and, as data, one entry of the order's `events`. A comment comes every 15 seconds of
    silence. When the order has ended, an event of type `end` tells its status, and the stream closes; a stream that
    closes without one can be taken up again with Last-Event-ID.
    """
    after = known_event(last_event_id)
    record = await services.orders.get(order)
    state["logged"] = {"order_id": record.order_id, "workflow_id": record.workflow_id}
    if last_event_id is not None and record.is_closed and not any(event.id > after for event in record.events):
        return Response(status_code=204)
    return EventStream(frames(services.feed, record.order_id, after=after, heartbeat=services.heartbeat, data_of=_data))


def _data(event: OrderEvent) -> bytes:
    return json.dumps(event_view(event)).encode()

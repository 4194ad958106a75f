"""An order's events, live."""

import json
import re
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from flowforge.api.dependencies import AppServices, OrderName, RequestState, Services
from flowforge.api.invalid import bad_header
from flowforge.api.schemas.orders import event_view
from flowforge.api.schemas.problem import problems
from flowforge.api.sse import HEARTBEAT, EventStream, frame
from flowforge.api.strict_route import StrictRoute
from flowforge.orders.records import CLOSED

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_EVENT_ID: Final = re.compile(r"[0-9]{1,15}")
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
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event the client knows; the stream goes on after it.")
    ] = None,
) -> Response:
    """Follow an order's events, by its order_id or workflow_id.

    Each event carries its id and, as data, one entry of the order's `events`. A comment comes every 15 seconds of
    silence. When the order has ended, an event of type `end` tells its status, and the stream closes; a stream that
    closes without one can be taken up again with Last-Event-ID.
    """
    if last_event_id is not None and _EVENT_ID.fullmatch(last_event_id) is None:
        raise bad_header("Last-Event-ID", "must be the id of an event")
    after = int(last_event_id or 0)
    record = await services.orders.get(order)
    state["logged"] = {"order_id": record.order_id, "workflow_id": record.workflow_id}
    if last_event_id is not None and record.is_closed and not any(event.id > after for event in record.events):
        return Response(status_code=204)
    return EventStream(_frames(services, record.order_id, after))


async def _frames(services: AppServices, order_id: str, after: int) -> AsyncGenerator[bytes, None]:
    async with services.feed.watch(order_id, after=after) as watch:
        while not watch.over:
            events = await watch.next(services.heartbeat)
            for event in events:
                yield frame(json.dumps(event_view(event)).encode(), event_id=event.id)
            if not events and not watch.over:
                yield HEARTBEAT
        if watch.status in CLOSED:
            yield frame(json.dumps({"status": watch.status}).encode(), event="end")

"""What happens to a run, live."""

import json
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from flowforge.api.dependencies import Engine, EngineServices, ExecutionName, Services
from flowforge.api.invalid import bad_header
from flowforge.api.routers.executions import event_data
from flowforge.api.schemas.problem import problems
from flowforge.api.sse import HEARTBEAT, EventStream, frame
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.store.records import ENDED

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_EVENT_ID: Final = re.compile(r"[0-9]{1,15}")


@router.get(
    "/executions/{execution}/events",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"description": "The events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        204: {"description": "The run has ended, and Last-Event-ID is its last event: do not come again."},
        **problems(400, 404, 422, 503),
    },
)
async def watch_execution(
    execution: ExecutionName,
    engine: Engine,
    services: Services,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event the client knows; the stream goes on after it.")
    ] = None,
) -> Response:
    """Follow a run: each event carries its id and, as data, one entry of the run's history.

    A comment comes every 15 seconds of silence. When the run has ended, an event of type `end` tells its status, and
    the stream closes; a stream that closes without one can be taken up again with Last-Event-ID.
    """
    if last_event_id is not None and _EVENT_ID.fullmatch(last_event_id) is None:
        raise bad_header("Last-Event-ID", "must be the id of an event")
    after = int(last_event_id or 0)
    run = await engine.runs.get(execution)
    if last_event_id is not None and run.is_over and not await engine.reads.events(execution, limit=1, after=after):
        return Response(status_code=204)
    return EventStream(_frames(engine, services.heartbeat, execution, after))


async def _frames(
    engine: EngineServices, heartbeat: timedelta, execution: str, after: int
) -> AsyncGenerator[bytes, None]:
    async with engine.feed.watch(execution, after=after) as watch:
        while not watch.over:
            events = await watch.next(heartbeat)
            for event in events:
                yield frame(event_data(event), event_id=event.id)
            if not events and not watch.over:
                yield HEARTBEAT
        if watch.status in ENDED:
            yield frame(json.dumps({"status": watch.status}).encode(), event="end")

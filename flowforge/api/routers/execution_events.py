"""What happens to a run, live."""

from fastapi import APIRouter, Response

from flowforge.api.dependencies import Engine, ExecutionName, Services
from flowforge.api.routers.executions import event_data
from flowforge.api.schemas.problem import problems
from flowforge.api.sse import EventStream, LastEventId, frames, known_event
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["executions"], route_class=StrictRoute)


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
    last_event_id: LastEventId = None,
) -> Response:
    """Follow a run: each event carries its id and, as data, one entry of the run's history.

    A comment comes every 15 seconds of silence. When the run has ended, an event of type `end` tells its status, and
    the stream closes; a stream that closes without one can be taken up again with Last-Event-ID.
    """
    after = known_event(last_event_id)
    run = await engine.runs.get(execution)
    if last_event_id is not None and run.is_over and not await engine.reads.events(execution, limit=1, after=after):
        return Response(status_code=204)
    return EventStream(frames(engine.feed, execution, after=after, heartbeat=services.heartbeat, data_of=event_data))

"""Having runs done again: one more run with the same input."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from flowforge.api.dependencies import Engine, ExecutionName
from flowforge.api.idempotency import documented, idempotency_key
from flowforge.api.render import json_response
from flowforge.api.schemas.executions import Started, started_view
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_LOCATION: Final = {"Location": {"description": "The run.", "schema": {"type": "string"}}}
_STARTED: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "The new run was accepted.", "headers": _LOCATION},
    200: {"description": "The Idempotency-Key had started it before.", "model": Started},
    **problems(400, 404, 409, 413, 422, 503),
}
_KEY: Final = {"parameters": [documented("The same key again gives the same new run.")]}


@router.post(
    "/executions/{execution}/replay",
    status_code=201,
    response_model=Started,
    responses=_STARTED,
    openapi_extra=_KEY,
)
async def replay_execution(execution: ExecutionName, request: Request, engine: Engine) -> Response:
    """Start a new run with the input, the revision and the labels of this one, whatever became of it.

    Its `replayOf` names this run, whose `replays` name the new one. 409 when its definition was deleted.
    """
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    state = request.scope["state"]
    started = await engine.runs.replay(execution, key=key, request_id=state["request_id"])
    state["logged"] = {"execution_id": started.execution_id, "workflow_id": started.workflow_id}
    location = {"Location": f"/executions/{started.execution_id}"}
    return json_response(started_view(started), 201 if started.created else 200, location)

"""Having runs done again: the same one, from where it failed or from nothing, or one more with the same input."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request, Response

from flowforge.api.dependencies import Engine, ExecutionName
from flowforge.api.idempotency import documented, idempotency_key
from flowforge.api.invalid import ImpossibleRetry, InputError
from flowforge.api.render import json_response
from flowforge.api.routers.executions import refused_input
from flowforge.api.schemas.execution_requests import RetryExecution
from flowforge.api.schemas.executions import RetriedView, Started, retried_view, started_view
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.control import RetryRefused
from flowforge.engine.data_checks import InputRefused
from flowforge.engine.retries import RetryWish

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_LOCATION: Final = {"Location": {"description": "The run.", "schema": {"type": "string"}}}
_STARTED: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "The new run was accepted.", "headers": _LOCATION},
    200: {"description": "The Idempotency-Key had started it before.", "model": Started},
    **problems(400, 404, 409, 413, 422, 503),
}
_RETRIED: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "The run begins again.", "headers": _LOCATION},
    200: {"description": "It began again before, because of the same wish.", "model": RetriedView},
    **problems(400, 404, 409, 413, 415, 422, 503),
}
_AS_IT_IS: Final = RetryExecution()
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


@router.post("/executions/{execution}/retry", status_code=201, response_model=RetriedView, responses=_RETRIED)
async def retry_execution(
    execution: ExecutionName,
    request: Request,
    engine: Engine,
    body: Annotated[RetryExecution, Body()] = _AS_IT_IS,
) -> Response:
    """Have a run begin again that failed or was called off, under its own executionId.

    One of which nothing is undone goes on from what failed, or from `fromStep`; what succeeded is kept, and never done
    twice. One that was undone starts over in its next generation, whose idempotency keys are new. `context` edits
    its input and results first, `revision` has it go on with another revision. A repeat is answered with 200 as long
    as the run goes on because of it. 409 names every reason why it cannot.
    """
    state = request.scope["state"]
    wish = RetryWish(step=body.fromStep, values=body.context, revision=body.revision, request_id=state["request_id"])
    try:
        retried = await engine.retries.retry(execution, wish)
    except InputRefused as refused:
        raise refused_input(refused, "/context") from refused
    except RetryRefused as refused:
        raise ImpossibleRetry(
            [InputError(code=each.code, detail=each.message) for each in refused.obstacles]
        ) from refused
    state["logged"] = {"execution_id": execution, "workflow_id": retried.workflow_id}
    location = {"Location": f"/executions/{execution}"}
    return json_response(retried_view(retried), 201 if retried.created else 200, location)

"""Starting runs, and reading how they are."""

import json
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import AwareDatetime, BeforeValidator

from flowforge.api.dependencies import GRAMMAR, Engine, ExecutionName, RequestState, Services
from flowforge.api.invalid import InputError, InvalidInput
from flowforge.api.pages import Cursor, Limit, number, page
from flowforge.api.prefer import preferred_wait_s
from flowforge.api.render import json_response
from flowforge.api.routers.workflow_views import Drawing
from flowforge.api.schemas.execution_requests import LABEL, LABEL_SYNTAX, StartExecution, StartWorkflow
from flowforge.api.schemas.executions import (
    EventView,
    ExecutionSummary,
    ExecutionView,
    Started,
    event_view,
    execution_view,
    started_view,
    summary_view,
)
from flowforge.api.schemas.pictures import Picture, picture_of_run
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.api.times import as_written
from flowforge.engine.core.views import RunStatus
from flowforge.engine.data_checks import InputRefused
from flowforge.engine.diagram import mermaid
from flowforge.engine.gateway import NewRun
from flowforge.engine.store.labelled import MAX_LABEL
from flowforge.errors import Fault

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_PREFER: Final = {
    "parameters": [
        {
            "name": "Prefer",
            "in": "header",
            "description": "`wait=N`: answer when the run has ended, or after N seconds (1 to 60). RFC 7240.",
            "schema": {"type": "string"},
        }
    ]
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    201: {
        "description": "The run was accepted.",
        "headers": {"Location": {"description": "The run.", "schema": {"type": "string"}}},
    },
    200: {
        "description": "The idempotency key had started it before; with `Prefer: wait`: the run, ended or as it is.",
        "model": Started | ExecutionView,
    },
    **problems(400, 404, 409, 413, 415, 422, 503),
}


@router.post("/workflows/start", status_code=201, response_model=Started, responses=_ANSWERS, openapi_extra=_PREFER)
async def start_workflow(
    body: Annotated[StartWorkflow, Body()], request: Request, engine: Engine, services: Services
) -> Response:
    """Start a run of a definition by its type.

    After a 503 it is unknown whether the run was accepted: starting it again with the same idempotencyKey is safe.
    """
    return await _start(_new(body, body.type, body.input, request), "/input", request, engine, services)


@router.post("/executions/start", status_code=201, response_model=Started, responses=_ANSWERS, openapi_extra=_PREFER)
async def start_execution(
    body: Annotated[StartExecution, Body()], request: Request, engine: Engine, services: Services
) -> Response:
    """Start a run of a definition by its id, with its context. It is `POST /workflows/start` in other words."""
    return await _start(_new(body, body.workflowId, body.context, request), "/context", request, engine, services)


@router.get("/executions", response_model=list[ExecutionSummary], responses=problems(400, 422, 503))
async def list_executions(
    engine: Engine,
    workflow_id: Annotated[str | None, Query(alias="workflowId", pattern=GRAMMAR)] = None,
    status: Annotated[RunStatus | None, Query(description="Only runs that are in this state.")] = None,
    metadata: Annotated[
        str | None, Query(pattern=LABEL, max_length=MAX_LABEL, description=f"Only runs with this label: {LABEL_SYNTAX}")
    ] = None,
    since: Annotated[
        AwareDatetime | None,
        BeforeValidator(as_written),
        Query(description="Only runs that were started then or later."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List runs that a worker has begun, newest first. The Link header names the next page."""
    found = await engine.reads.list(
        limit=limit + 1,
        workflow_id=workflow_id,
        status=status,
        label=metadata,
        since=since,
        before=number(cursor),
    )
    filters = {
        "workflowId": workflow_id,
        "status": status,
        "metadata": metadata,
        "since": None if since is None else since.isoformat(),
    }
    runs, headers = page("/executions", found, limit=limit, key=lambda run: str(run.sequence), filters=filters)
    return json_response([summary_view(run) for run in runs], headers=headers)


@router.get("/executions/{execution}", response_model=ExecutionView, responses=problems(400, 404, 422, 503))
async def get_execution(execution: ExecutionName, engine: Engine, services: Services, state: RequestState) -> Response:
    """Return a run: where it is, its steps with their results, its undos, what it waits for."""
    run = await engine.reads.with_values(await engine.runs.get(execution))
    state["logged"] = {"execution_id": run.execution_id}
    keys = await engine.definitions.output_keys(run.workflow_id, run.revision)
    return json_response(execution_view(run, services.temporal_url(run.temporal_id), keys))


@router.get("/executions/{execution}/visualize", response_model=Picture, responses=problems(400, 404, 422, 503))
async def visualize_execution(execution: ExecutionName, engine: Engine, drawing: Drawing = "json") -> Response:
    """Return a run's steps, what became of them, and how they hang together."""
    run = await engine.runs.get(execution)
    definition = (await engine.definitions.get(run.workflow_id, run.revision)).definition
    if drawing == "mermaid":
        text = mermaid(definition, {step.step_id: step.view for step in run.steps})
        return Response(text, media_type="text/plain")
    return json_response(picture_of_run(definition, run))


@router.get("/executions/{execution}/history", response_model=list[EventView], responses=problems(400, 404, 422, 503))
async def execution_history(
    execution: ExecutionName, engine: Engine, limit: Limit = 200, cursor: Cursor = None
) -> Response:
    """List everything that happened to a run and its steps.

    The oldest first, because it is a story: it is read forward, and grows at its end. The Link header names the next
    page.
    """
    found = await engine.reads.events(execution, limit=limit + 1, after=number(cursor) or 0)
    if not found:
        await engine.runs.get(execution)
    path = f"/executions/{execution}/history"
    events, headers = page(path, found, limit=limit, key=lambda event: str(event.id), filters={})
    return json_response([event_view(event) for event in events], headers=headers)


def _new(body: StartWorkflow | StartExecution, workflow_id: str, given: dict[str, Any], request: Request) -> NewRun:
    return NewRun(
        workflow_id=workflow_id,
        input=given,
        revision=body.revision,
        idempotency_key=body.idempotencyKey,
        idempotency_ttl=body.idempotencyTTL,
        timeout=None if body.timeout is None else max(body.timeout, timedelta(milliseconds=1)),
        metadata=body.metadata,
        tenant_id=body.tenantId,
        parent_execution_id=body.parentExecutionId,
        request_id=request.scope["state"]["request_id"],
    )


async def _start(new: NewRun, pointer: str, request: Request, engine: Engine, services: Services) -> Response:
    wait_s = preferred_wait_s(request.headers.getlist("prefer"))
    try:
        started = await engine.runs.start(new)
    except InputRefused as refused:
        raise refused_input(refused, pointer) from refused
    request.scope["state"]["logged"] = {"execution_id": started.execution_id, "workflow_id": started.workflow_id}
    location = f"/executions/{started.execution_id}"
    if wait_s is not None:
        try:
            run = await engine.runs.wait(started.execution_id, wait_s, is_new=started.created)
            run = await engine.reads.with_values(run)
            keys = await engine.definitions.output_keys(run.workflow_id, run.revision)
        except Fault:
            pass  # the run is accepted, whatever became of the waiting
        else:
            headers = {"Content-Location": location, "Preference-Applied": f"wait={wait_s}"}
            return json_response(execution_view(run, services.temporal_url(run.temporal_id), keys), 200, headers)
    return json_response(started_view(started), 201 if started.created else 200, {"Location": location})


def refused_input(refused: InputRefused, pointer: str) -> InvalidInput:
    """Return the problem for data that is not as a schema says, with pointers into the body."""
    return InvalidInput(
        [
            InputError(code="schema_violated", detail=message, pointer=f"{pointer}{place}")
            for place, message in refused.found
        ]
    )


def event_data(event: Any) -> bytes:
    """Return an entry of a run's history as one line."""
    return json.dumps(event_view(event)).encode()

"""What may be done to runs: hold, wake, call off, bring events, decide about undos and failures."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Request, Response

from flowforge.api.dependencies import Engine, ExecutionName, RequestState
from flowforge.api.idempotency import documented, idempotency_key
from flowforge.api.render import json_response
from flowforge.api.routers.executions import refused_input
from flowforge.api.schemas.control import WriteOffUndo
from flowforge.api.schemas.execution_requests import CancelExecution, ResumeExecution, SendSignal
from flowforge.api.schemas.executions import Accepted, accepted_view
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.control import RunAccepted
from flowforge.engine.data_checks import InputRefused
from flowforge.engine.definition.names import EVENT_NAME

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_LOCATION: Final = {"Location": {"description": "The run.", "schema": {"type": "string"}}}
_BARE: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "The run takes note.", "headers": _LOCATION},
    **problems(400, 404, 409, 422, 503),
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {**_BARE, **problems(413, 415)}

StepName = Annotated[str, Path(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,127}$", description="The step's id.")]
EventName = Annotated[str, Path(pattern=f"^{EVENT_NAME.pattern}$", description="The event's name.")]


_KEY: Final = {"parameters": [documented("The same key again, as long as the run is open, changes nothing.")]}
_NO_DATA: Final = ResumeExecution()
_NO_REASON: Final = CancelExecution()
_BARE_EVENT: Final = SendSignal()


@router.post("/executions/{execution}/pause", status_code=202, response_model=Accepted, responses=_BARE)
async def pause_execution(execution: ExecutionName, engine: Engine, state: RequestState) -> Response:
    """Let no further action of a run start; what is in flight goes on, and its deadline stands still.

    409 when the run does not go forward any more.
    """
    return _accepted(await engine.control.pause(execution), state)


@router.post(
    "/executions/{execution}/resume",
    status_code=202,
    response_model=Accepted,
    responses=_ANSWERS,
    openapi_extra=_KEY,
)
async def resume_execution(
    execution: ExecutionName, request: Request, engine: Engine, body: Annotated[ResumeExecution, Body()] = _NO_DATA
) -> Response:
    """Let a paused run go on; in any other one, wake what waits first, with `data` as its result.

    Again it wakes what waits then, unless it has the same Idempotency-Key.
    """
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    try:
        accepted = await engine.control.resume(execution, body.data, key=key)
    except InputRefused as refused:
        raise refused_input(refused, "/data") from refused
    return _accepted(accepted, request.scope["state"])


@router.post("/executions/{execution}/cancel", status_code=202, response_model=Accepted, responses=_ANSWERS)
async def cancel_execution(
    execution: ExecutionName,
    engine: Engine,
    state: RequestState,
    body: Annotated[CancelExecution, Body()] = _NO_REASON,
) -> Response:
    """Call a run off: no further action starts, and what was done is undone.

    Again it is answered as the first time, with the first reason. 409 when it has ended, or turns back for another
    reason.
    """
    return _accepted(await engine.control.cancel(execution, body.words), state)


@router.post(
    "/executions/{execution}/signals/{name}",
    status_code=202,
    response_model=Accepted,
    responses=_ANSWERS,
    openapi_extra=_KEY,
)
async def signal_execution(
    execution: ExecutionName,
    name: EventName,
    request: Request,
    engine: Engine,
    body: Annotated[SendSignal, Body()] = _BARE_EVENT,
) -> Response:
    """Bring an event to the step that waits for it, or to the first one that will.

    Again it is another event of this name, unless it has the same Idempotency-Key.
    """
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    try:
        accepted = await engine.control.signal(execution, name, body.data, key=key)
    except InputRefused as refused:
        raise refused_input(refused, "/data") from refused
    return _accepted(accepted, request.scope["state"])


@router.post(
    "/executions/{execution}/compensations/{step}/retry", status_code=202, response_model=Accepted, responses=_BARE
)
async def retry_undo(execution: ExecutionName, step: StepName, engine: Engine, state: RequestState) -> Response:
    """Try a step's undos again that failed for good. 409 unless the run waits for an operator because of them."""
    return _accepted(await engine.control.retry_compensation(execution, step), state)


@router.post(
    "/executions/{execution}/compensations/{step}/write-off",
    status_code=202,
    response_model=Accepted,
    responses=_ANSWERS,
)
async def write_off_undo(
    execution: ExecutionName, step: StepName, body: Annotated[WriteOffUndo, Body()], engine: Engine, state: RequestState
) -> Response:
    """Give a step's undos up that can never succeed, so that the run can end; who and why is kept with them."""
    return _accepted(await engine.control.write_off(execution, step, by=body.by, reason=body.reason), state)


@router.post("/executions/{execution}/compensate", status_code=202, response_model=Accepted, responses=_BARE)
async def compensate_execution(execution: ExecutionName, engine: Engine, state: RequestState) -> Response:
    """Undo a run that is held open after a failure. 409 unless it is held."""
    return _accepted(await engine.control.compensate(execution), state)


def _accepted(accepted: RunAccepted, state: dict[str, Any]) -> Response:
    state["logged"] = {"execution_id": accepted.execution_id}
    return json_response(accepted_view(accepted), 202, {"Location": f"/executions/{accepted.execution_id}"})

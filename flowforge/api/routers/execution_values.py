"""Single values of a run: a step's result, and the output, however large they are."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from flowforge.api.dependencies import Engine, EngineServices, ExecutionName
from flowforge.api.render import json_response
from flowforge.api.routers.execution_control import StepName
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.core.stored import Stored
from flowforge.errors import NotFound

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The value itself.", "content": {"application/json": {"schema": {}}}},
    **problems(400, 404, 422, 503),
}


@router.get("/executions/{execution}/results/{step}", response_model=None, responses=_ANSWERS)
async def step_result(execution: ExecutionName, step: StepName, engine: Engine) -> Response:
    """Return a step's latest result, as it was given. 404 where the step has not succeeded."""
    run = await engine.runs.get(execution)
    found = next((each for each in run.steps if each.step_id == step and each.status == "succeeded"), None)
    if found is None:
        raise NotFound(f"the run has no result of {step!r}")
    return await _answer(engine, found.result, found.stored)


@router.get("/executions/{execution}/output", response_model=None, responses=_ANSWERS)
async def run_output(execution: ExecutionName, engine: Engine) -> Response:
    """Return what a completed run gave back. 404 where it has not completed."""
    run = await engine.runs.get(execution)
    if run.status != "completed":
        raise NotFound(f"the run has no output: it is {run.status}")
    return await _answer(engine, run.output, run.output_stored)


async def _answer(engine: EngineServices, value: Any, stored: Stored | None) -> Response:
    if stored is None:
        return json_response(value)
    parts = engine.reads.text(stored)
    first = await anext(parts)  # what can go wrong does before the answer has begun
    return StreamingResponse(_all(first, parts), media_type="application/json")


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part

"""What a run has too much of to show all at once: large results, a large output, thousands of undos."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from flowforge.api.dependencies import Engine, EngineServices, ExecutionName
from flowforge.api.pages import Cursor, Limit, bad_cursor, page, position
from flowforge.api.render import json_response
from flowforge.api.routers.execution_control import StepName
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.undos import UndoView, undo_view
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.stored import Stored
from flowforge.engine.store.records import UndoRecord
from flowforge.errors import NotFound

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_PLACE: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
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


@router.get(
    "/executions/{execution}/compensations", response_model=list[UndoView], responses=problems(400, 404, 422, 503)
)
async def list_compensations(
    execution: ExecutionName,
    engine: Engine,
    status: Annotated[UndoStatus | None, Query(description="Only undos that are in this state.")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Response:
    """List a run's undos, in the order in which they run. The Link header names the next page."""
    run = await engine.runs.get(execution)
    found = await engine.reads.undos(execution, limit=limit + 1, status=status, behind=_behind(cursor))
    path = f"/executions/{execution}/compensations"
    undos, headers = page(path, found, limit=limit, key=_place, filters={"status": status})
    return json_response([undo_view(undo, run.generation) for undo in undos], headers=headers)


def _place(undo: UndoRecord) -> str:
    return f"{undo.generation}.{undo.position}"


def _behind(cursor: str | None) -> tuple[int, int] | None:
    if (key := position(cursor)) is None:
        return None
    found = _PLACE.fullmatch(key)
    if found is None:
        raise bad_cursor()
    return int(found[1]), int(found[2])


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

"""One action on many runs at once."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response

from flowforge.api.dependencies import Engine, RequestState
from flowforge.api.pages import cursor_of, number
from flowforge.api.render import json_response
from flowforge.api.schemas.bulk import BulkRequest, BulkView, bulk_item
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.bulk import BulkControl

router = APIRouter(tags=["executions"], route_class=StrictRoute)

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "What came of it, run by run; a run that is refused keeps no other from it."},
    **problems(400, 413, 415, 422, 503),
}


@router.post("/executions/bulk", response_model=BulkView, responses=_ANSWERS)
async def act_on_executions(body: Annotated[BulkRequest, Body()], engine: Engine, state: RequestState) -> Response:
    """Pause, resume, cancel, retry or replay many runs: those of a list, or up to a hundred that a filter finds.

    `next` leads on to the runs behind these. What is repeated is answered as it is for one run; a replay starts one
    more run each time.
    """
    chosen = body.filter
    following: str | None = None
    if chosen.ids is not None:
        ids = list(dict.fromkeys(chosen.ids))[: body.limit]
    else:
        found = await engine.reads.list(
            limit=body.limit + 1,
            workflow_id=chosen.workflowId,
            status=chosen.status,
            label=chosen.metadata,
            since=chosen.since,
            before=number(body.cursor),
        )
        ids = [run.execution_id for run in found[: body.limit]]
        following = cursor_of(str(found[body.limit - 1].sequence)) if len(found) > body.limit else None
    bulk = BulkControl(engine.control, engine.retries, engine.runs)
    outcomes = await bulk.act(body.action, ids, reason=body.reason, request_id=state["request_id"])
    return json_response({"action": body.action, "items": [*map(bulk_item, outcomes)], "next": following})

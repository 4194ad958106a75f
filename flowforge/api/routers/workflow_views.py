"""Looking at definitions: their revisions, what differs between them, pictures, and what they may be made of."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from flowforge.api.dependencies import Engine, WorkflowName
from flowforge.api.pages import Cursor, Limit, number, page
from flowforge.api.render import json_response
from flowforge.api.routers.workflows import As
from flowforge.api.schemas.pictures import Picture, picture_of_definition
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.workflows import (
    ChangeView,
    DefinitionView,
    RevisionView,
    change_view,
    definition_view,
    revision_view,
)
from flowforge.api.strict_route import StrictRoute
from flowforge.engine.definition.json_schema import workflow_schema
from flowforge.engine.diagram import mermaid

router = APIRouter(tags=["workflows"], route_class=StrictRoute)

Number = Annotated[int, Path(ge=1, le=10**9, description="The revision's number.")]
QueriedNumber = Annotated[int, Query(ge=1, le=10**9)]
Drawing = Annotated[
    Literal["json", "mermaid"], Query(alias="format", description="As data, or as Mermaid's flowchart.")
]


@router.get("/schema/workflow.json", response_model=dict[str, Any], responses=problems(422))
async def get_workflow_schema() -> Response:
    """Return a JSON Schema of the canonical form, with which editors complete and check a definition."""
    return json_response(workflow_schema())


@router.get("/actions", response_model=list[dict[str, Any]], responses=problems(422))
async def list_actions(engine: Engine) -> Response:
    """List the actions that this installation offers, with the schemas of their params."""
    return json_response(list(engine.actions()))


@router.get(
    "/workflows/{workflow}/revisions", response_model=list[RevisionView], responses=problems(400, 404, 422, 503)
)
async def list_revisions(workflow: WorkflowName, engine: Engine, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List a definition's revisions, newest first."""
    found = await engine.definitions.revisions(workflow, limit=limit + 1, before=number(cursor))
    path = f"/workflows/{workflow}/revisions"
    entries, headers = page(path, found, limit=limit, key=lambda revision: str(revision.revision), filters={})
    return json_response([revision_view(revision) for revision in entries], headers=headers)


@router.get(
    "/workflows/{workflow}/revisions/{revision}",
    response_model=DefinitionView,
    responses=problems(400, 404, 422, 503),
)
async def get_revision(workflow: WorkflowName, revision: Number, engine: Engine, form: As = "source") -> Response:
    """Return one revision of a definition."""
    return json_response(definition_view(await engine.definitions.get(workflow, revision), form))


@router.get("/workflows/{workflow}/diff", response_model=list[ChangeView], responses=problems(400, 404, 422, 503))
async def compare_revisions(
    workflow: WorkflowName,
    engine: Engine,
    before: Annotated[QueriedNumber, Query(alias="from")],
    after: Annotated[QueriedNumber, Query(alias="to")],
) -> Response:
    """Tell what differs between two revisions, step by step and key by key."""
    return json_response(
        [change_view(change) for change in await engine.definitions.difference(workflow, before, after)]
    )


@router.get("/workflows/{workflow}/visualize", response_model=Picture, responses=problems(400, 404, 422, 503))
async def visualize_workflow(workflow: WorkflowName, engine: Engine, drawing: Drawing = "json") -> Response:
    """Return a definition's steps and how they hang together."""
    definition = (await engine.definitions.get(workflow)).definition
    if drawing == "mermaid":
        return Response(mermaid(definition), media_type="text/plain")
    return json_response(picture_of_definition(definition))

"""Publishing definitions, and reading them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from flowforge.api.dependencies import Engine, EngineServices, WorkflowName
from flowforge.api.invalid import DefinitionInvalid, InputError, InvalidInput
from flowforge.api.pages import Cursor, Limit, number, page
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.workflows import (
    WORKFLOW_EXAMPLE,
    DefinitionView,
    Form,
    PublishedView,
    RevisionView,
    definition_view,
    published_view,
    revision_view,
)
from flowforge.api.strict_route import StrictRoute, read_body
from flowforge.engine.definition.document import Form as TextForm
from flowforge.engine.definition.problems import DefinitionRefused
from flowforge.engine.store.definitions import WrongId
from flowforge.errors import UnsupportedMediaType

router = APIRouter(tags=["workflows"], route_class=StrictRoute)

_FORMS: Final[dict[str, TextForm]] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/x-yaml": "yaml",
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": WORKFLOW_EXAMPLE},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}
_LOCATION: Final = {"Location": {"description": "The revision.", "schema": {"type": "string"}}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "A new revision.", "headers": _LOCATION},
    200: {"description": "Nothing has changed: it is the latest revision already.", "model": PublishedView},
    **problems(400, 413, 415, 422, 503),
}

Strict = Annotated[bool, Query(description="Whether warnings forbid it, too.")]
As = Annotated[Form, Query(description="As its author sent it, or in the canonical form.")]


@router.post("/workflows", status_code=201, response_model=PublishedView, responses=_ANSWERS, openapi_extra=_BODY)
async def publish_workflow(request: Request, engine: Engine, *, strict: Strict = False) -> Response:
    """Publish a definition, in JSON or YAML, in any of the ways to write one.

    A changed body is the next revision; runs keep the one with which they were started. All problems are told at
    once: each with a code, a JSON pointer, line, column and a hint.
    """
    return await _publish(request, engine, strict=strict, as_id=None)


@router.put(
    "/workflows/{workflow}", status_code=201, response_model=PublishedView, responses=_ANSWERS, openapi_extra=_BODY
)
async def put_workflow(workflow: WorkflowName, request: Request, engine: Engine, *, strict: Strict = False) -> Response:
    """Publish a definition under the id that it has."""
    return await _publish(request, engine, strict=strict, as_id=workflow)


@router.get("/workflows", response_model=list[RevisionView], responses=problems(400, 422, 503))
async def list_workflows(engine: Engine, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List the definitions that start runs, the newest first, each with its latest revision."""
    found = await engine.definitions.list(limit=limit + 1, before=number(cursor))
    entries, headers = page("/workflows", found, limit=limit, key=lambda entry: str(entry[0]), filters={})
    return json_response([revision_view(revision) for _, revision in entries], headers=headers)


@router.get("/workflows/{workflow}", response_model=DefinitionView, responses=problems(400, 404, 422, 503))
async def get_workflow(workflow: WorkflowName, engine: Engine, form: As = "source") -> Response:
    """Return a definition's latest revision."""
    return json_response(definition_view(await engine.definitions.get(workflow), form))


@router.delete("/workflows/{workflow}", status_code=204, responses=problems(400, 404, 422, 503))
async def delete_workflow(workflow: WorkflowName, engine: Engine) -> Response:
    """Let a definition start no runs any more; those that it started go on. Publishing it again undoes this."""
    await engine.definitions.delete(workflow)
    return Response(status_code=204)


async def _publish(request: Request, engine: EngineServices, *, strict: bool, as_id: str | None) -> Response:
    form = _form(request)
    source = await read_body(request)
    try:
        published = await engine.definitions.publish(source, form=form, strict=strict, as_id=as_id)
    except DefinitionRefused as refused:
        raise DefinitionInvalid(
            [
                InputError(
                    code=problem.code,
                    detail=problem.message,
                    pointer=problem.pointer,
                    hint=problem.hint,
                    line=problem.line,
                    column=problem.column,
                )
                for problem in refused.problems
            ]
        ) from refused
    except WrongId as wrong:
        raise InvalidInput([InputError(code="wrong_id", detail=str(wrong), pointer="/id")]) from wrong
    view = published_view(published)
    return json_response(view, 201 if published.is_new else 200, {"Location": view["url"]})


def _form(request: Request) -> TextForm:
    declared, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    form = _FORMS.get(declared.strip().lower())
    if form is None or charset not in ("", "charset=utf-8"):
        raise UnsupportedMediaType("a definition is declared as application/json or application/yaml, in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("the body must not be compressed")
    return form

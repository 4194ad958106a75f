"""Definitions over HTTP."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.api.schemas.orders import timestamp
from flowforge.engine.definition.difference import Change
from flowforge.engine.definition.document import read
from flowforge.engine.definition.problems import Problem
from flowforge.engine.store.definitions import Published, Revision

Form = Literal["source", "canonical"]


class WarningView(TypedDict):
    """Something in a definition that is worth a look."""

    code: Annotated[str, Field(description="`FF-11..`; docs/errors.md explains it.")]
    detail: str
    pointer: str
    hint: str | None
    line: int | None
    column: int | None


class RevisionView(TypedDict):
    """One revision of a definition."""

    id: str
    name: str
    description: str | None
    version: Annotated[str | None, Field(description="A label of the author's.")]
    revision: Annotated[int, Field(description="Counts the definition's bodies from 1.")]
    address: Annotated[str, Field(description="Its content's: equal bodies have equal ones.")]
    deleted: Annotated[bool, Field(description="Whether it starts no runs any more.")]
    createdAt: str
    url: str


class DefinitionView(RevisionView):
    """One revision of a definition, with its body."""

    definition: Annotated[dict[str, Any], Field(description="As its author sent it, or in the canonical form.")]


class PublishedView(RevisionView):
    """What became of a definition that was sent."""

    created: Annotated[bool, Field(description="Whether this is a new revision.")]
    warnings: list[WarningView]


class ChangeView(TypedDict):
    """One difference between two revisions; a step is named by its id in place of its position."""

    kind: Literal["added", "removed", "changed"]
    pointer: str
    before: Any
    after: Any


def revision_view(revision: Revision) -> RevisionView:
    """Return a revision as clients see it, without its body."""
    body = revision.body
    return {
        "id": revision.workflow_id,
        "name": body.get("name") or revision.workflow_id,
        "description": body.get("description"),
        "version": body.get("version"),
        "revision": revision.revision,
        "address": revision.address,
        "deleted": revision.is_deleted,
        "createdAt": timestamp(revision.created_at),
        "url": f"/workflows/{revision.workflow_id}/revisions/{revision.revision}",
    }


def definition_view(revision: Revision, form: Form) -> DefinitionView:
    """Return a revision as clients see it."""
    body: dict[str, Any] = revision.body if form == "canonical" else read(revision.source).value
    return {**revision_view(revision), "definition": body}


def published_view(published: Published) -> PublishedView:
    """Return what became of a definition as clients see it."""
    return {
        **revision_view(published.revision),
        "created": published.is_new,
        "warnings": [_warning(problem) for problem in published.warnings],
    }


def change_view(change: Change) -> ChangeView:
    """Return a difference as clients see it."""
    return {"kind": change.kind, "pointer": change.pointer, "before": change.before, "after": change.after}


def _warning(problem: Problem) -> WarningView:
    return {
        "code": problem.code,
        "detail": problem.message,
        "pointer": problem.pointer,
        "hint": problem.hint,
        "line": problem.line,
        "column": problem.column,
    }


WORKFLOW_EXAMPLE: Final = {
    "id": "greeting",
    "steps": [
        {"id": "hello", "action": "log", "params": {"message": "Hello, ${name}!"}},
        {"id": "rest", "action": "delay", "params": {"duration": "1s"}, "dependsOn": ["hello"]},
    ],
}

"""The problem document, for the documentation of every route."""

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from flowforge.api.problems import MEDIA_TYPE, title
from flowforge.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    RequestError,
    TemporalUnavailable,
    Unprocessable,
    UnsupportedMediaType,
)

ProblemError = TypedDict(
    "ProblemError",
    {
        "code": str,
        "detail": str,
        "pointer": NotRequired[Annotated[str, Field(description="JSON pointer (RFC 6901) into the request's body.")]],
        "in": NotRequired[Literal["path", "query", "header"]],
        "parameter": NotRequired[Annotated[str, Field(description="Its name, outside the body.")]],
        "hint": NotRequired[Annotated[str, Field(description="What may be done about it.")]],
        "line": NotRequired[Annotated[int, Field(description="Where it is in a text that people write, from 1.")]],
        "column": NotRequired[int],
    },
)
"""One thing that is wrong with the request, and where."""


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(description="Stable; `GET` it to read what the problem means.")]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(description="Stable and machine-readable.")]
    request_id: Annotated[str | None, Field(description="Names the request in the server's log.")]
    errors: list[ProblemError]


Documented = Literal[400, 403, 404, 409, 413, 415, 422, 503]

_KINDS: Final[dict[int, type[RequestError | TemporalUnavailable]]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    422: Unprocessable,
    503: TemporalUnavailable,
}


def problems(*statuses: Documented) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for a route that can answer with these problems."""
    return {status: _response(_KINDS[status]) for status in statuses}


def problem_schema() -> dict[str, Any]:
    """Return the JSON schemas of the problem document, by name, for OpenAPI's components."""
    schema = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = schema.pop("$defs")
    return {"Problem": schema, **definitions}


def _response(kind: type[RequestError | TemporalUnavailable]) -> dict[str, Any]:
    example = {
        "type": f"/problems/{kind.code}",
        "title": title(kind.code),
        "status": kind.status,
        "detail": (kind.__doc__ or "").strip(),
        "code": kind.code,
        "request_id": "req_01",
        "errors": [],
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": title(kind.code),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }

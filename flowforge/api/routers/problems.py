"""What the problem types mean: every `type` of a problem document can be followed."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from typing_extensions import TypedDict

from flowforge.api.problems import catalogue, title
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.errors import NotFound

router = APIRouter(prefix="/problems", tags=["problems"], route_class=StrictRoute)

_OF_HTTP: Final = {
    "method_not_allowed": (405, "The route does not answer this method; the Allow header names those it answers."),
    "not_ready": (503, "Temporal or the database does not answer; `missing` names which."),
}


class ProblemType(TypedDict):
    """A kind of problem."""

    type: str
    title: str
    status: int
    code: str
    description: str
    retryable: bool


@router.get("", response_model=list[ProblemType])
async def list_problem_types() -> Response:
    """List every kind of problem that this API answers with."""
    return json_response(list(_types().values()))


@router.get("/{code}", response_model=ProblemType, responses=problems(400, 404, 422))
async def get_problem_type(code: Annotated[str, Path(pattern="^[a-z_]{1,64}$")]) -> Response:
    """Tell what a kind of problem means."""
    kind = _types().get(code)
    if kind is None:
        raise NotFound(f"there is no problem type {code}")
    return json_response(kind)


def _types() -> dict[str, ProblemType]:
    described = {
        code: (kind.status, (kind.__doc__ or "").partition("\n")[0], kind.retryable)
        for code, kind in catalogue().items()
    }
    described |= {code: (status, text, status == 503) for code, (status, text) in _OF_HTTP.items()}
    return {
        code: {
            "type": f"/problems/{code}",
            "title": title(code),
            "status": status,
            "code": code,
            "description": description,
            "retryable": retryable,
        }
        for code, (status, description, retryable) in sorted(described.items())
    }

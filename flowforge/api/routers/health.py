"""Whether the API lives, and whether it can work."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from typing_extensions import TypedDict

from flowforge.api.dependencies import Services
from flowforge.api.problems import problem
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


class Health(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """What the API works with answers."""

    status: Literal["ok"]
    temporal: bool
    database: bool


@router.get("/health", response_model=Health)
async def health() -> Response:
    """Tell that the process lives; asks nothing of Temporal or the database."""
    return json_response({"status": "ok"})


@router.get("/ready", response_model=Readiness, responses=problems(503))
async def ready(request: Request, services: Services) -> Response:
    """Tell whether orders can be placed; a 503 names in `missing` what does not answer."""
    answers = await services.orders.ready()
    missing = [name for name, answered in answers.items() if not answered]
    if missing:
        detail = f"{' and '.join(missing)} {'does' if len(missing) == 1 else 'do'} not answer"
        return problem(
            request.scope, status=503, code="not_ready", detail=detail, members={"missing": missing, **answers}
        )
    return json_response({"status": "ok", **answers})

"""The API as one ASGI application."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from flowforge.api.dependencies import AppServices
from flowforge.api.middleware import RequestFrame
from flowforge.api.problems import install
from flowforge.api.routers import (
    engine,
    execution_again,
    execution_bulk,
    execution_control,
    execution_events,
    execution_values,
    executions,
    health,
    inventory,
    order_control,
    order_events,
    order_history,
    order_returns,
    order_stats,
    orders,
    payments,
    problems,
    shipments,
    warehouse,
    workflow_views,
    workflows,
)
from flowforge.api.schemas.problem import problem_schema

_DESCRIPTION = """
Orders move through check inventory, reserve inventory, process payment and update warehouse. If a step fails, what was
done is undone in reverse order. So it is with processes of your own: publish one as a definition (`POST /workflows`),
start a run of it (`POST /workflows/start`), and see what became of it (`GET /executions/{execution}`).

Every error is a problem document (RFC 9457), `application/problem+json`: 400 when the request cannot be read, 422 when
it can but is not acceptable; `errors` says where. The machine-readable description of this page: `/openapi.json`.
"""

_PROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
_TAGS: Final = [
    {"name": "orders", "description": "Place orders, follow them, take them back."},
    {"name": "control", "description": "What an operator decides about an order."},
    {
        "name": "workflows",
        "description": "Definitions: processes of your own, as data. Publish them, start runs of them.",
    },
    {"name": "executions", "description": "Runs of definitions: how they are, what happened, what to do about them."},
    {"name": "inventory", "description": "Products, prices and stock."},
    {"name": "payments", "description": "Charges, and what was given back."},
    {"name": "warehouse", "description": "What has left the warehouse."},
    {"name": "shipments", "description": "Parcels with the carrier."},
    {"name": "engine", "description": "Everything at once."},
    {"name": "health", "description": "Whether it lives, and whether it can work."},
    {"name": "problems", "description": "What each kind of error means."},
]
"""The parts of the page, in its order."""

_UNTIL_DRAWN: Final = """
<p>Swagger UI, which draws this page, comes from cdn.jsdelivr.net. Where your browser cannot get it,
<a href="/openapi.json">/openapi.json</a> has everything that would be here, for any other viewer of OpenAPI.</p>
"""


def create_app(services: AppServices) -> FastAPI:
    """Return the API.

    Args:
        services: what it works with; whoever made them closes them, and closes the feed when the server begins to
            drain, because an open event stream would keep it from ending.
    """
    app = _Api(
        title="FlowForge",
        version=_version(),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.add_api_route("/docs", _docs, include_in_schema=False)
    install(app)
    app.add_middleware(RequestFrame)
    # The statistics come before /orders/{order}, which would take their address for an order's.
    for module in (order_stats, orders, order_events, order_history, order_control, order_returns):
        app.include_router(module.router)
    for module in (inventory, payments, warehouse, shipments, engine, health, problems):
        app.include_router(module.router)
    if services.engine is not None:
        # What has an address of its own comes before /workflows/{id}, which would take it for a definition's.
        routers = (
            executions,
            execution_bulk,
            execution_control,
            execution_again,
            execution_events,
            execution_values,
            workflow_views,
            workflows,
        )
        for module in routers:
            app.include_router(module.router)
    return app


class _Api(FastAPI):
    """FastAPI that documents its problems."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schema = get_openapi(
                title=self.title,
                version=self.version,
                description=self.description,
                routes=self.routes,
                tags=self.openapi_tags,
            )
            schema["components"]["schemas"] |= problem_schema()
            self.openapi_schema = schema
        return self.openapi_schema


async def _docs() -> HTMLResponse:
    """Return FastAPI's page, which is not empty where its scripts cannot be reached: they take this text's place."""
    page = bytes(get_swagger_ui_html(openapi_url="/openapi.json", title="FlowForge").body).decode()
    before, mark, after = page.partition('<div id="swagger-ui">')
    return HTMLResponse(f"{before}{mark}{_UNTIL_DRAWN}{after}")


def _version() -> str:
    try:
        return version("flowforge")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return str(tomllib.loads(_PROJECT.read_text())["project"]["version"]) if _PROJECT.exists() else "0"

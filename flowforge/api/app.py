"""The API as one ASGI application."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

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
done is undone in reverse order.

Every error is a problem document (RFC 9457), `application/problem+json`: 400 when the request cannot be read, 422 when
it can but is not acceptable; `errors` says where. The machine-readable description of this page: `/openapi.json`.
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
        redirect_slashes=False,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.services = services
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
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            schema["components"]["schemas"] |= problem_schema()
            self.openapi_schema = schema
        return self.openapi_schema


def _version() -> str:
    try:
        return version("flowforge")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"

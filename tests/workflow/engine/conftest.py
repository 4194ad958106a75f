"""Runs are tested with workers that remember them, and with workers that forget them after every task."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from temporalio.client import Client

from flowforge.api.app import create_app
from flowforge.client import FlowForge
from tests.integration.http.served import served
from tests.workflow.engine.served import services_of
from tests.workflow.engine.stage import Stage, open_stage


@pytest.fixture(params=[1000, 0], ids=["cached", "evicted"])
async def stage(request: pytest.FixtureRequest, client: Client, sqlite_url: str) -> AsyncIterator[Stage]:
    """A stage for one test."""
    async with open_stage(client, sqlite_url, cached=request.param) as stage:
        yield stage


@pytest.fixture
async def warm(client: Client, database_url: str) -> AsyncIterator[Stage]:
    """A stage for one test, on either database, whose worker remembers."""
    async with open_stage(client, database_url) as stage:
        yield stage


@pytest.fixture
async def http(warm: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application over that stage."""
    services = services_of(warm)
    transport = httpx2.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stage") as http:
        yield http
    if services.engine is not None:
        services.engine.feed.close()


@pytest.fixture
async def port(warm: Stage) -> AsyncIterator[int]:
    """Where the application answers."""
    services = services_of(warm)
    async with served(create_app(services)) as port:
        yield port
        assert services.engine is not None
        services.engine.feed.close()


@pytest.fixture
async def flowforge(port: int) -> AsyncIterator[FlowForge]:
    """The client."""
    async with FlowForge(f"http://127.0.0.1:{port}/") as flowforge:
        yield flowforge

"""Runs are tested with workers that remember them, and with workers that forget them after every task."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from tests.workflow.engine.stage import Stage, open_stage


@pytest.fixture(params=[1000, 0], ids=["cached", "evicted"])
async def stage(request: pytest.FixtureRequest, client: Client, sqlite_url: str) -> AsyncIterator[Stage]:
    """A stage for one test."""
    async with open_stage(client, sqlite_url, cached=request.param) as stage:
        yield stage

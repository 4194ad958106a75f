"""The workflow suite runs in both placements."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import Shop, open_shop


@pytest.fixture(scope="session", params=["auto", "queue"])
def placement(request: pytest.FixtureRequest) -> Placement:
    """Where steps run first."""
    placement: Placement = request.param
    return placement


@pytest.fixture
def options(placement: Placement) -> OrderOptions:
    """Short pauses, so that retries do not take the tests' time; the deadline is as in real life."""
    return OrderOptions(placement=placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05)


@pytest.fixture
async def shop(client: Client, sqlite_url: str, options: OrderOptions) -> AsyncIterator[Shop]:
    """A shop that is open for one test."""
    async with open_shop(client, sqlite_url, options) as shop:
        yield shop

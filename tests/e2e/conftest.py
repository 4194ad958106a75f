"""Each test of this folder gets a house of its own, or a shop in the test's own process behind a real socket."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from temporalio.client import Client

from flowforge.api.app import create_app
from flowforge.api.dependencies import AppServices
from flowforge.api.feed import Feed
from flowforge.durable.placement import Placement
from flowforge.orders.backlog import TaskQueueBacklog
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.records import CLOSED
from flowforge.orders.stats import Statistics
from flowforge.settings import Settings
from flowforge.temporal.provision import provide
from tests.e2e.processes import House
from tests.integration.http.served import served
from tests.workflow.shop import Shop, open_shop


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An empty data folder, free ports, and the Temporal tool on PATH."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    path = f"{binary.parent}{os.pathsep}{os.environ['PATH']}"
    house = House(folder=tmp_path / "data", environment={"PATH": path})
    yield house
    for process in house.processes:
        await process.kill_if_alive()


@pytest.fixture(params=["auto", "queue"])
def placement(request: pytest.FixtureRequest) -> Placement:
    """Where steps run first."""
    placement: Placement = request.param
    return placement


@pytest.fixture
async def shop(client: Client, sqlite_url: str, placement: Placement) -> AsyncIterator[Shop]:
    """A shop with a worker, on a real Temporal."""
    options = OrderOptions(placement=placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05)
    async with open_shop(client, sqlite_url, options) as shop:
        yield shop


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API behind a real socket."""
    feed = Feed(shop.reads, ended=CLOSED, logged_as="order_id")
    services = AppServices(
        orders=shop.gateway,
        control=shop.control,
        returns=shop.returns,
        read_model=shop.reads,
        stats=Statistics(shop.database).take,
        backlog=TaskQueueBacklog(shop.client, shop.task_queue).measure,
        feed=feed,
        inventory=shop.services.inventory,
        payments=shop.services.payments,
        warehouse=shop.services.warehouse,
        shipping=shop.services.shipping,
        fault_injection=True,
    )
    async with (
        served(create_app(services)) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        yield http
        feed.close()

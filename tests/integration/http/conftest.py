"""The real application over a real shop: rows, services and feed; only Temporal is played (tests/e2e has that)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from flowforge.api.app import create_app
from flowforge.api.dependencies import AppServices
from flowforge.api.feed import Feed
from flowforge.orders.backlog import Backlog
from flowforge.orders.records import CLOSED
from flowforge.orders.stats import Statistics
from flowforge.persistence.database import Database
from flowforge.persistence.migrations.migrate import migrate
from tests.integration.http.played import PlayedOrders
from tests.integration.http.played_control import PlayedControl
from tests.integration.http.played_returns import PlayedReturns
from tests.integration.orders.shop import Shop

ORDER = {"product_id": "SKU-001", "quantity": 2, "customer_id": "customer-1", "payment_method": "tok_visa"}
"""An order that completes."""


@dataclass(frozen=True)
class Api:
    """The application under test, a client for it, and what it works with."""

    app: FastAPI
    http: httpx2.AsyncClient
    orders: PlayedOrders
    control: PlayedControl
    returns: PlayedReturns
    feed: Feed
    shop: Shop

    async def order(self, **fields: object) -> str:
        """Place an order over HTTP; return its order_id."""
        response = await self.http.post("/orders", json={**ORDER, **fields})
        assert response.status_code == 201, response.text
        order_id: str = response.json()["order_id"]
        return order_id


@pytest.fixture(scope="session")
def migrated_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the seeded catalogue; tests of input alone may share it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('http') / 'shop.sqlite3'}"
    migrate(url)
    return url


@pytest.fixture
def fault_injection() -> bool:
    """Whether requests may ask for faults."""
    return True


@pytest.fixture
async def api(database_url: str, *, fault_injection: bool) -> AsyncIterator[Api]:
    """The application over a shop of its own, on either database."""
    async for each in _open(database_url, fault_injection=fault_injection):
        yield each


@pytest.fixture(scope="module")
async def shared_api(migrated_url: str) -> AsyncIterator[Api]:
    """The application over a shop that the other tests of its file use too, for requests that are refused."""
    async for each in _open(migrated_url, fault_injection=True):
        yield each


async def _no_backlog() -> Backlog:
    return Backlog(task_queue="q", unknown_because="Temporal is played")


async def _open(url: str, *, fault_injection: bool) -> AsyncIterator[Api]:
    database = Database(url)
    shop = Shop(database)
    orders = PlayedOrders(shop)
    control = PlayedControl(orders)
    returns = PlayedReturns(orders)
    quick = timedelta(milliseconds=5)
    feed = Feed(shop.reads, ended=CLOSED, logged_as="order_id", quickest=quick, slowest=quick * 4)
    services = AppServices(
        orders=orders,
        control=control,
        returns=returns,
        read_model=shop.reads,
        stats=Statistics(database, good_for=timedelta()).take,
        backlog=_no_backlog,
        feed=feed,
        inventory=shop.services.inventory,
        payments=shop.services.payments,
        warehouse=shop.services.warehouse,
        shipping=shop.services.shipping,
        fault_injection=fault_injection,
        heartbeat=timedelta(milliseconds=50),
    )
    app = create_app(services)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop") as http:
        yield Api(app, http, orders, control, returns, feed, shop)
    feed.close()
    await database.close()

"""A shop of its own for every test, on either database."""

from collections.abc import AsyncIterator

import pytest

from flowforge.persistence.database import Database
from tests.integration.orders.shop import Shop


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A shop with the seeded catalogue and no orders."""
    database = Database(database_url)
    yield Shop(database)
    await database.close()

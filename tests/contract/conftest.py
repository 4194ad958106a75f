"""One world per adapter: a test that takes `world` runs once for each."""

from collections.abc import AsyncIterator

import pytest

from flowforge.persistence.database import Database
from tests.contract.worlds import World, memory_world, sql_world


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Three services with 10 units of SKU-9 in stock."""
    if request.param == "memory":
        yield await memory_world().stocked()
        return
    database = Database(request.getfixturevalue(f"{request.param}_url"))
    yield await sql_world(database).stocked()
    await database.close()

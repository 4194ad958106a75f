"""A database of its own for every test, with the seeded catalogue, and the actions over its services."""

from collections.abc import AsyncIterator

import pytest

from flowforge.persistence.database import Database
from tests.integration.engine_actions.place import Place


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    """The services of one database, as actions."""
    database = Database(database_url)
    async with Place.over(database) as place:
        yield place
    await database.close()

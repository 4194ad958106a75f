"""A shop of its own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowforge.persistence.database import Database
from flowforge.persistence.migrations.migrate import migrate
from tests.integration.orders.shop import Shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with the seeded catalogue and no orders."""
    url = f"sqlite:///{tmp_path / 'shop.sqlite3'}"
    migrate(url)
    database = Database(url)
    yield Shop(database)
    await database.close()

"""One world per adapter: a test that takes `world` runs once for each."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowforge.persistence.database import Database
from flowforge.persistence.migrations.migrate import migrate
from tests.contract.worlds import World, memory_world, sql_world


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database file, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite3"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["memory", "sql"])
async def world(request: pytest.FixtureRequest, migrated_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Three services with 10 units of SKU-9 in stock."""
    if request.param == "memory":
        yield await memory_world().stocked()
        return
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'world.sqlite3')}")
    yield await sql_world(database).stocked()
    await database.close()

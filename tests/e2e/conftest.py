"""Each test of this folder gets a house of its own."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowforge.settings import Settings
from flowforge.temporal.provision import provide
from tests.e2e.processes import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An empty data folder, free ports, and the Temporal tool on PATH."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    path = f"{binary.parent}{os.pathsep}{os.environ['PATH']}"
    house = House(folder=tmp_path / "data", environment={"PATH": path})
    yield house
    for process in house.processes:
        await process.kill_if_alive()

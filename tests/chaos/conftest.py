"""The house in which all chaos tests open their worlds."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chaos.house import House, open_house
from flowforge.temporal.provision import provide


@pytest.fixture(scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Opens worlds."""
    binary = await provide(Path(os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge")), report=print)
    async with open_house(binary, tmp_path_factory.mktemp("chaos")) as house:
        yield house

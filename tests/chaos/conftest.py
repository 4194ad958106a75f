"""The nursery of worker processes that all chaos tests share."""

from collections.abc import AsyncIterator

import pytest

from flowforge.temporal.target import TemporalTarget
from tests.chaos.nursery import Nursery, open_nursery


@pytest.fixture(scope="session")
async def nursery(temporal_target: TemporalTarget, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    """Starts worker processes."""
    async with open_nursery(temporal_target, tmp_path_factory.mktemp("workers")) as nursery:
        yield nursery

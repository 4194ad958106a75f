"""A FlowForge as a user starts it, for strangers' requests; how many of them is an option."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from flowforge.settings import Settings
from flowforge.temporal.provision import provide
from tests.e2e.processes import House, Process

REQUESTS = 1000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long form ask for more."""
    parser.addoption("--requests", type=int, default=REQUESTS, help="how many requests are made up, at least")


@dataclass(frozen=True, kw_only=True)
class Running:
    """The house, and the one process in it that is everything."""

    house: House
    process: Process


@pytest.fixture
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """`main.py all`, serving."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    path = f"{binary.parent}{os.pathsep}{os.environ['PATH']}"
    house = House(folder=tmp_path_factory.mktemp("house"), environment={"PATH": path})
    try:
        yield Running(house=house, process=await house.start_all())
    finally:
        for process in house.processes:
            await process.kill_if_alive()

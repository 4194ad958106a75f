"""What all tests share: a real Temporal, started by the tests themselves or the one that was named."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from flowforge.settings import Settings
from flowforge.temporal.client import connect, connect_with_retry
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from flowforge.temporal.target import TemporalTarget


@pytest.fixture(scope="session")
async def temporal_target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalTarget]:
    """A Temporal to test with: with RUN_TEMPORAL_INTEGRATION=1 the one at TEMPORAL_HOST, else one of our own."""
    if os.environ.get("RUN_TEMPORAL_INTEGRATION") == "1":
        target = TemporalTarget.of(Settings.load(env_file=None))
        await connect_with_retry(target)
        yield target
        return
    binary = await provide(Path(os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge")), report=print)
    async with DevServer(binary, data_dir=tmp_path_factory.mktemp("temporal")) as server:
        yield server.target


@pytest.fixture(scope="session")
async def client(temporal_target: TemporalTarget) -> Client:
    """A connection to the tests' Temporal."""
    return await connect(temporal_target)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's shutdown: a process that ran a Temporal worker can crash in it."""
    code = getattr(config, "_flowforge_exit_code", None)
    if code is not None and config.pluginmanager.hasplugin("terminalreporter"):
        with contextlib.suppress(OSError, ValueError):
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        os._exit(code)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Keep the exit code for the moment when everything else has been printed."""
    if exitstatus != pytest.ExitCode.USAGE_ERROR:  # what was wrong is printed later still, and no worker ran
        session.config._flowforge_exit_code = int(exitstatus)  # type: ignore[attr-defined]

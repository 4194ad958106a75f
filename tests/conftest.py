"""What all tests share: a real Temporal, started by the tests themselves or the one that was named, and databases."""

import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from flowforge.cli.loaded import keep_loaded
from flowforge.persistence.migrations.migrate import migrate
from flowforge.settings import Settings
from flowforge.temporal.client import connect, connect_with_retry
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from flowforge.temporal.target import TemporalTarget
from tests.postgres import PostgresServer, postgres_server

_HEAVY = frozenset({"chaos", "e2e"})
"""Folders of tests that start many processes each."""

_HANGS_AFTER_S = 600
"""One of those that takes longer hangs."""


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server of the tests' own."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database that is up to date, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite3"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """An SQLite database of the test's own, up to date, with the seeded catalogue and no orders."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'flowforge.sqlite3')}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The same on Postgres."""
    with postgres.database(template="migrated") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same on each: a test that takes this runs once on either database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that start many processes take minutes, as some do on a busy machine."""
    for item in items:
        if item.path.parent.name in _HEAVY:
            item.add_marker(pytest.mark.timeout(_HANGS_AFTER_S, func_only=True))


def pytest_collection_finish() -> None:
    """Keep what was loaded out of garbage collections, as the product does: one of all of it can outlast a turn."""
    keep_loaded()


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

"""The development server on real processes: ready, persisted, alone on its file, gone when we are."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from flowforge.errors import StartupError, TemporalUnavailable
from flowforge.settings import Settings
from flowforge.temporal.client import check, connect, connect_with_retry
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from flowforge.temporal.target import TemporalTarget

_OWNER = """
import asyncio, sys
from pathlib import Path
from flowforge.temporal.devserver import DevServer

async def main():
    async with DevServer(Path(sys.argv[1]), data_dir=Path(sys.argv[2])) as server:
        print(server.address, server.pid, flush=True)
        await server.wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
async def binary() -> Path:
    return await provide(Settings.load(env_file=None).data_dir, report=print)


@asynccontextmanager
async def _owner(binary: Path, data_dir: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, int]]:
    """Run a process that owns a development server; give it, the server's address and the server's process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OWNER, str(binary), str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        address, pid = (await process.stdout.readline()).decode().split()
        yield process, address, int(pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _started(client: Client, workflow_id: str) -> None:
    await client.start_workflow("NobodyRunsThis", id=workflow_id, task_queue="none")


async def test_started_server_serves_and_its_state_outlives_it(binary: Path, tmp_path: Path) -> None:
    async with DevServer(binary, data_dir=tmp_path) as server:
        await _started(await connect(server.target), "kept")
    async with DevServer(binary, data_dir=tmp_path) as server:
        client = await connect(server.target)
        assert (await client.get_workflow_handle("kept").describe()).id == "kept"


async def test_stopped_server_is_gone(binary: Path, tmp_path: Path) -> None:
    async with DevServer(binary, data_dir=tmp_path, persisted=False) as server:
        pid, target = server.pid, server.target
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(TemporalUnavailable, match="connection refused"):
        await connect(target)


async def test_owner_killed_outright_takes_the_server_along(binary: Path, tmp_path: Path) -> None:
    async with _owner(binary, tmp_path) as (owner, _address, _pid):
        owner.send_signal(signal.SIGKILL)
        await owner.wait()
        # The file is locked by the server itself: that it can be had means that the orphan is gone.
        async with DevServer(binary, data_dir=tmp_path) as server:
            await check(await connect(server.target))


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(binary: Path, tmp_path: Path) -> None:
    async with _owner(binary, tmp_path) as (owner, address, pid):
        assert os.getpgid(pid) not in {os.getpgid(owner.pid), os.getpgid(0)}
        await check(await connect(TemporalTarget(address=address)))


async def test_second_server_on_one_file_is_refused(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowforge.temporal.devserver._LOCK_WITHIN_S", 0.2)
    async with DevServer(binary, data_dir=tmp_path):
        with pytest.raises(StartupError, match="another Temporal development server is using"):
            await DevServer(binary, data_dir=tmp_path).__aenter__()


async def test_taken_port_is_named(binary: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"port {port} for Temporal is taken; stop the program"):
            await DevServer(binary, data_dir=tmp_path, port=port).__aenter__()
        with pytest.raises(StartupError, match=f"port {port} for Temporal's UI is taken"):
            await DevServer(binary, data_dir=tmp_path, ui_port=port).__aenter__()


async def test_server_that_ends_at_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "temporal"
    broken.write_text("#!/bin/sh\necho out of luck\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(StartupError, match=r"Temporal ended at start: out of luck \(see .*temporal\.log\)"):
        await DevServer(broken, data_dir=tmp_path).__aenter__()


async def test_folder_that_cannot_be_made_is_named(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"cannot write in .*set FLOWFORGE_DATA_DIR"):
        await DevServer(binary, data_dir=tmp_path / "file" / "data").__aenter__()


async def test_given_temporal_that_never_answers_is_given_up_in_one_line() -> None:
    target = TemporalTarget(address="127.0.0.1:1")
    with pytest.raises(StartupError) as caught:
        await connect_with_retry(target, for_s=0.6)
    assert "Temporal at 127.0.0.1:1 does not answer: connection refused (tried for 0.6 s)" in caught.value.message
    assert "\n" not in caught.value.message


async def test_connecting_waits_for_a_temporal_that_comes_late(binary: Path, tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    waiting = asyncio.create_task(connect_with_retry(TemporalTarget(address=f"127.0.0.1:{port}"), for_s=30))
    async with DevServer(binary, data_dir=tmp_path, port=port, persisted=False):
        await check(await waiting)

"""A process as a user starts it: what it prints, how signals end it, and with which code."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from flowforge.errors import StartupError
from flowforge.settings import Settings
from flowforge.temporal.client import check, connect
from flowforge.temporal.ports import free
from flowforge.temporal.provision import cached_binary, provide
from flowforge.temporal.target import TemporalTarget

_ROOT = Path(__file__).parents[2]

_STUBBORN = """
import asyncio
from flowforge.cli.lifecycle import run

async def main(settings, stop):
    print("running", flush=True)
    await stop.wait()
    print("draining", flush=True)
    await asyncio.Event().wait()

run(main, talks_to_temporal=False)
"""

_FAILING = """
from flowforge.cli.lifecycle import run

async def main(settings, stop):
    raise {error}

run(main, talks_to_temporal=False)
"""


@pytest.fixture
async def path() -> str:
    """A PATH on which `temporal` is found."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    return f"{binary.parent}{os.pathsep}{os.environ['PATH']}"


async def _start(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_temporal_command_runs_until_a_signal_and_ends_with_code_0(
    path: str, tmp_path: Path, number: signal.Signals
) -> None:
    port, ui_port = free("127.0.0.1"), free("127.0.0.1")
    ports = ("--port", str(port), "--ui-port", str(ui_port))
    process = await _start("main.py", "temporal", *ports, PATH=path, FLOWFORGE_DATA_DIR=str(tmp_path))
    try:
        said = await _line(process)
        assert said.startswith(f"Temporal is at 127.0.0.1:{port}, its UI at http://localhost:{ui_port}")
        await check(await connect(TemporalTarget(address=f"127.0.0.1:{port}")))
    finally:
        process.send_signal(number)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_taken_port_is_one_line_and_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = await _start("main.py", "temporal", "--port", port, FLOWFORGE_DATA_DIR=str(tmp_path))
        _, errors = await process.communicate()
    expected = f"flowforge: port {port} for Temporal is taken; stop the program that uses it or choose another port\n"
    assert (process.returncode, errors.decode()) == (1, expected)


async def test_wrong_setting_is_one_line_and_code_1() -> None:
    process = await _start("main.py", "temporal", LOG_FORMAT="xml")
    _, errors = await process.communicate()
    expected = "flowforge: LOG_FORMAT='xml' is not allowed; allowed: console, json\n"
    assert (process.returncode, errors.decode()) == (1, expected)


async def test_second_signal_ends_a_process_that_does_not_drain() -> None:
    process = await _start("-c", _STUBBORN)
    assert await _line(process) == "running\n"
    process.send_signal(signal.SIGTERM)
    assert await _line(process) == "draining\n"
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.startswith(b"flowforge: stopped at once")


async def test_fault_at_start_is_one_line() -> None:
    program = "from flowforge.errors import DatabaseUnavailable\n" + _FAILING.format(error="DatabaseUnavailable('no')")
    process = await _start("-c", program)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (1, b"flowforge: no\n")


async def test_error_nobody_foresaw_is_logged_with_its_traceback() -> None:
    process = await _start("-c", _FAILING.format(error="ZeroDivisionError"))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"ZeroDivisionError" in errors
    assert b"Traceback" in errors


async def test_program_on_path_that_does_not_run_gives_way_to_the_cached_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cached = cached_binary(tmp_path)
    cached.parent.mkdir()
    cached.write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "temporal").write_text("#!/bin/sh\nexit 1\n")
    for program in (cached, tmp_path / "temporal"):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await provide(tmp_path, report=pytest.fail) == cached


async def test_program_on_path_that_is_slow_is_waited_for_and_one_that_never_answers_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "temporal"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("flowforge.temporal.provision._TOLD_AFTER_S", 0)
    told: list[str] = []
    assert await provide(tmp_path, report=told.append) == program
    assert told == [f"waiting for {program} to tell its version"]
    program.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    monkeypatch.setattr("flowforge.temporal.provision._ANSWERS_WITHIN_S", 0.1)
    with pytest.raises(StartupError, match=rf"^`{program} --version` does not answer: .+ set TEMPORAL_HOST$"):
        await provide(tmp_path, report=told.append)
    assert not cached_binary(tmp_path).exists()

"""The processes that the benchmark starts, and ends by themselves or with it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.http_client import Connection, HttpError, request_bytes

HOST: Final = "127.0.0.1"
ROOT: Final = Path(__file__).resolve().parents[1]
"""This checkout."""

_LINE_LIMIT: Final = 1 << 24
_LONGEST_TOLD: Final = 2000  # characters
_READY_WITHIN_S: Final = 60.0
_END_WITHIN_S: Final = 30.0


class ChildError(Exception):
    """A process of the benchmark did not do what it is there for."""


@dataclass(frozen=True, slots=True)
class LineChild:
    """A process that measures on request (see `line_service`)."""

    process: Process
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Have it measure.

        Raises:
            ChildError: it ended instead; the end of its log, which is gone with everything else, says why.
        """
        assert self.process.stdin is not None  # noqa: S101 -- both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            code, told = await self.process.wait(), self.log.read_text(errors="replace")
            raise ChildError(f"a process of the benchmark ended with code {code}: {told[-_LONGEST_TOLD:].strip()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.asynccontextmanager
async def line_child(module: str, *arguments: str, folder: Path) -> AsyncIterator[LineChild]:
    """Run `python -m module`, which answers lines, until the block ends."""
    log = folder / f"{module}.log"
    async with _process("-m", module, *arguments, log=log, cwd=folder) as process:
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        if not await process.stdout.readline():
            raise ChildError(f"{module} did not start; see {log}")
        yield LineChild(process, log)


@dataclass(frozen=True, slots=True)
class Application:
    """`main.py all` as a user starts it, with data of its own."""

    process: Process
    port: int

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send one request on a connection of its own."""
        connection = await Connection.open(HOST, self.port)
        try:
            return await connection.request(request_bytes(method, path, f"{HOST}:{self.port}", body=body))
        finally:
            connection.close()

    async def until_ready(self) -> None:
        """Wait until GET /ready answers 200.

        Raises:
            ChildError: it ended, or was not ready within a minute.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_WITHIN_S):
                while self.process.returncode is None:
                    with contextlib.suppress(OSError, HttpError):
                        if (await self.request("GET", "/ready"))[0] == 200:
                            return
                    await asyncio.sleep(0.01)
        raise ChildError("FlowForge was not ready in time, or ended; see its log")


@contextlib.asynccontextmanager
async def application(
    port: int, *, folder: Path, path: str, settings: Mapping[str, str] | None = None, root: Path = ROOT
) -> AsyncIterator[Application]:
    """Run `main.py all` until the block ends.

    Args:
        port: the API's port.
        folder: where its database, and its Temporal's where it starts one, are.
        path: its PATH, on which Temporal is found.
        settings: more environment variables.
        root: the checkout to run.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    environment = {"PATH": path, "FLOWFORGE_DATA_DIR": str(folder), **(settings or {})}
    environment["FLOWFORGE_DB_PATH"] = str(folder / "flowforge.sqlite3")
    command = [str(root / "main.py"), "all", "--on-leash", "--host", HOST, "--port", str(port)]
    command += ["--temporal-port", "0", "--ui-port", "0"]
    async with _process(*command, root=root, log=folder / "all.log", cwd=folder, environment=environment) as process:
        yield Application(process, port)


@contextlib.asynccontextmanager
async def _process(
    *arguments: str, log: Path, cwd: Path, environment: Mapping[str, str] | None = None, root: Path = ROOT
) -> AsyncIterator[Process]:
    """Run Python; its input closes with the block or with us, which all of ours take as their end."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "SYSTEMROOT"}
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=PIPE,
            stdout=PIPE if arguments[0] == "-m" else DEVNULL,
            stderr=output,
            cwd=cwd,
            env={**inherited, "PYTHONPATH": str(root), **(environment or {})},
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C is for us; we end them
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    if process.stdin is not None:
        process.stdin.close()

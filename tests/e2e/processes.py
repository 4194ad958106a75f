"""FlowForge's processes, started as a user starts them: on free ports, with a data folder of their own."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from flowforge.temporal.ports import free

_ROOT = Path(__file__).parents[2]
_WITHIN_S = 120.0

ORDER = {"product_id": "SKU-001", "quantity": 2, "customer_id": "cust_1", "payment_method": "tok_visa"}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a process left behind."""

    code: int | None
    out: str
    err: str

    @property
    def is_clean(self) -> bool:
        """Whether it ended as asked, and without an outburst."""
        return self.code == 0 and not any(sign in self.err for sign in ("Traceback", "[error", "Exception"))


class Process:
    """A running `main.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._out: list[str] = []
        self._err: list[str] = []
        self._err_grew = asyncio.Event()
        self._errors = asyncio.create_task(self._read_errors())

    async def line(self, beginning: str) -> str:
        """Wait for a line of standard output that begins so."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_WITHIN_S):
            while line := (await self._process.stdout.readline()).decode():
                self._out.append(line)
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended without {beginning!r}: {await self.end()}")

    async def error_line(self, beginning: str) -> None:
        """Wait for a line of standard error that begins so."""
        async with asyncio.timeout(_WITHIN_S):
            while not any(line.startswith(beginning) for line in self._err):
                self._err_grew.clear()
                await self._err_grew.wait()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode():
            self._err.append(line)
            self._err_grew.set()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self) -> Ended:
        """Wait for its end."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_WITHIN_S):
            self._out.append((await self._process.stdout.read()).decode())
            await self._errors
            return Ended(code=await self._process.wait(), out="".join(self._out), err="".join(self._err))

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Send it a signal and wait for its end."""
        self.send(number)
        return await self.end()

    async def kill_if_alive(self) -> None:
        """Make sure that it is gone."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@dataclass(kw_only=True)
class House:
    """A data folder, ports, and the processes that live there.

    Attributes:
        environment: what every process is told, on top of where it lives.
    """

    folder: Path
    environment: Mapping[str, str]
    api_port: int = field(default_factory=lambda: free("127.0.0.1"))
    temporal_port: int = field(default_factory=lambda: free("127.0.0.1"))
    ui_port: int = field(default_factory=lambda: free("127.0.0.1"))
    processes: list[Process] = field(default_factory=list)

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / "flowforge.sqlite3"

    @property
    def own_ports(self) -> tuple[str, ...]:
        """The options that keep a process away from everybody else's ports."""
        ports = {"--port": self.api_port, "--temporal-port": self.temporal_port, "--ui-port": self.ui_port}
        return tuple(str(word) for option in ports.items() for word in option)

    async def start(self, *arguments: str, **environment: str) -> Process:
        """Start a command."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "main.py", *arguments),
            cwd=_ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")},
                "FLOWFORGE_DATA_DIR": str(self.folder),
                "FLOWFORGE_DB_PATH": str(self.database),
                **self.environment,
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.processes.append(Process(process))
        return self.processes[-1]

    async def run(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end."""
        return await (await self.start(*arguments, **environment)).end()

    async def start_all(self, **environment: str) -> Process:
        """Start `all` and wait until it serves."""
        process = await self.start("all", *self.own_ports, **environment)
        await process.line("The API is at ")
        return process

    def let_time_pass(self) -> None:
        """Let ten minutes pass for what waits in the database: orders that do not move, and leases."""
        ten_minutes_us = 600_000_000
        with sqlite3.connect(self.database) as connection:
            connection.execute("update orders set updated_at = updated_at - ?", (ten_minutes_us,))
            connection.execute("update leases set expires_at = expires_at - ?", (ten_minutes_us,))
        connection.close()

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a client of the API."""
        url = f"http://127.0.0.1:{self.api_port}"
        async with httpx2.AsyncClient(base_url=url, timeout=_WITHIN_S, trust_env=False) as client:
            yield client


async def place(client: httpx2.AsyncClient, *, wait_s: int | None = None, **wishes: Any) -> dict[str, Any]:
    """Place an order: 2 SKU-001, paid by tok_visa, unless the wishes say otherwise."""
    headers = {} if wait_s is None else {"Prefer": f"wait={wait_s}"}
    answer = await client.post("/orders", json={**ORDER, **wishes}, headers=headers)
    assert answer.status_code == (201 if wait_s is None else 200), answer.text
    placed: dict[str, Any] = answer.json()
    return placed


async def accepted(client: httpx2.AsyncClient, name: str) -> None:
    """Wait until an order by this name exists."""
    while True:
        if (await client.get(f"/orders/{name}")).status_code == 200:
            return
        await asyncio.sleep(0.05)


async def failed_attempt(client: httpx2.AsyncClient, order_id: str, number: int) -> None:
    """Follow an order's events until an attempt of this number has failed."""
    async with client.stream("GET", f"/orders/{order_id}/events") as stream:
        async for line in stream.aiter_lines():
            if f"attempt {number} failed" in line:
                return
    raise AssertionError(f"{order_id} ended without attempt {number} failing")


async def ended(client: httpx2.AsyncClient, order_id: str) -> dict[str, Any]:
    """Follow an order's events to its end; return it."""
    async with client.stream("GET", f"/orders/{order_id}/events") as stream:
        assert "event: end" in [line async for line in stream.aiter_lines()]
    order: dict[str, Any] = (await client.get(f"/orders/{order_id}")).json()
    return order

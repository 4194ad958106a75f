"""Worker processes for the tests: started in a moment, killed, stopped and continued; their ends are awaited."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from flowforge.temporal.target import TemporalTarget
from tests.workflow.shop import Counter

_ROOT = Path(__file__).parents[2]


@dataclass(kw_only=True)
class WorkerProcess:
    """A process that runs the worker command.

    Attributes:
        log: where its output goes.
        exited: its exit code, or the signal that ended it below zero.
        stopped: set when it was stopped by SIGSTOP.
    """

    pid: int
    log: Path
    exited: "asyncio.Future[int]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def died_during(self, order: WorkflowHandle[Any, Any]) -> None:
        """Wait for its end, which must be SIGKILL, and must come before the order's."""
        ending = asyncio.create_task(order.result())
        await asyncio.wait({ending, self.exited}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        assert self.exited.done(), "the order ended before its worker was killed"
        assert self.exited.result() == -signal.SIGKILL, self.log.read_text()

    async def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send it a signal that ends it, if it lives; wait for its end; return its code."""
        self.send(number)
        return await self.exited

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if not self.exited.done():
            os.kill(self.pid, number)


class Nursery:
    """Starts workers."""

    def __init__(self, process: asyncio.subprocess.Process, target: TemporalTarget, folder: Path) -> None:
        self._process = process
        self._target = target
        self._folder = folder
        self._numbers = itertools.count(1)
        self._asked: deque[tuple[Path, asyncio.Future[WorkerProcess]]] = deque()
        self._workers: dict[int, WorkerProcess] = {}

    async def worker(self, counter: Counter, fault_point: str = "", **settings: str) -> WorkerProcess:
        """Start a worker for the orders of a counter, with settings (environment variables) beyond the usual."""
        log = self._folder / f"worker-{next(self._numbers)}.log"
        environment = {
            "TEMPORAL_HOST": self._target.address,
            "TASK_QUEUE": counter.task_queue,
            "DATABASE_URL": str(counter.database.url),
            "FLOWFORGE_FAULT_INJECTION": "1",
            "FLOWFORGE_FAULT_POINT": fault_point,
            "FAIL_AT": "",
            **settings,
        }
        started: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        self._asked.append((log, started))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"environment": environment, "log": str(log)}).encode() + b"\n")
        return await started

    async def listen(self) -> None:
        """Take in what the nursery tells, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            pid = told["pid"]
            match told["event"]:
                case "started":
                    log, started = self._asked.popleft()
                    self._workers[pid] = WorkerProcess(pid=pid, log=log)
                    started.set_result(self._workers[pid])
                case "stopped":
                    self._workers[pid].stopped.set()
                case "exited":
                    self._workers.pop(pid).exited.set_result(told["code"])


@asynccontextmanager
async def open_nursery(target: TemporalTarget, folder: Path) -> AsyncIterator[Nursery]:
    """Open a nursery; leaving the block kills every worker that is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.nursery_process",
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours
    )
    nursery = Nursery(process, target, folder)
    listening = asyncio.create_task(nursery.listen())
    try:
        yield nursery
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening

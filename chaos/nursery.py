"""The product's processes: started in a moment, killed, stopped and continued; their ends are awaited."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

_ROOT: Final = Path(__file__).parents[1]

Command = Literal["worker", "api"]


@dataclass(kw_only=True, eq=False)
class Child:
    """A process that runs a command of the product.

    Attributes:
        log: where its output goes.
        exited: its exit code, or the signal that ended it below zero.
        stopped: set when it was stopped by SIGSTOP.
    """

    pid: int
    log: Path
    exited: "asyncio.Future[int]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.exited.done() and self.exited.result() == -signal.SIGKILL

    async def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send it a signal that ends it, if it lives; wait for its end; return its code."""
        self.send(number)
        return await asyncio.shield(self.exited)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if not self.exited.done():
            os.kill(self.pid, number)


class Nursery:
    """Starts children."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._numbers = itertools.count(1)
        self._asked: deque[tuple[Path, asyncio.Future[Child]]] = deque()
        self._children: dict[int, Child] = {}

    async def start(
        self,
        command: Command,
        environment: Mapping[str, str],
        *,
        largest_file: int | None = None,
        **arguments: Any,
    ) -> Child:
        """Start a command in a process of its own.

        Args:
            command: which.
            environment: what it finds there beyond what we have.
            largest_file: at how many bytes its disk is full, for any one file.
            arguments: the command's own.
        """
        log = self._folder / f"{command}-{next(self._numbers)}.log"
        started: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._asked.append((log, started))
        request = {
            "command": command,
            "arguments": arguments,
            "environment": dict(environment),
            "log": str(log),
            "largest_file": largest_file,
        }
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return await asyncio.shield(started)

    async def listen(self) -> None:
        """Take in what the nursery tells, until it ends."""
        assert self._process.stdout is not None  # noqa: S101 -- it is a pipe
        async for line in self._process.stdout:
            told = json.loads(line)
            pid = told["pid"]
            match told["event"]:
                case "started":
                    log, started = self._asked.popleft()
                    self._children[pid] = Child(pid=pid, log=log)
                    started.set_result(self._children[pid])
                case "stopped":
                    self._children[pid].stopped.set()
                case "exited":
                    self._children.pop(pid).exited.set_result(told["code"])
        for child in self._children.values():  # the nursery has killed them
            child.exited.set_result(-signal.SIGKILL)


@asynccontextmanager
async def open_nursery(folder: Path, *, root: Path = _ROOT) -> AsyncIterator[Nursery]:
    """Open a nursery; leaving the block kills every child that is left.

    Args:
        folder: where the children's logs go.
        root: where the code is that they run; ours by default.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chaos.nursery_process",
        cwd=root,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours
    )
    nursery = Nursery(process, folder)
    listening = asyncio.create_task(nursery.listen())
    try:
        yield nursery
    finally:
        assert process.stdin is not None  # noqa: S101 -- it is a pipe
        process.stdin.close()
        await process.wait()
        await listening

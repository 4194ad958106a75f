"""One process that runs JavaScript, seen from outside: it is started, asked, looked at, and killed."""

import asyncio
import contextlib
import json
import os
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, Final, Self

from flowforge.engine.actions.declaration import Failed, Refused

_READY_WITHIN_S: Final = 20.0
_READY: Final = struct.Struct(">d")
_ANSWER: Final = struct.Struct(">dI")

_CHILD: Final = Path(__file__).with_name("child.py")


class JavaScriptProcess:
    """A process that is ready for requests, one at a time.

    Args:
        process: it, when it has said that it is ready.
        cpu_s: the seconds of computing that it had taken then.
    """

    def __init__(self, process: Process, cpu_s: float) -> None:
        self._process = process
        self._cpu_s = cpu_s

    @classmethod
    async def start(cls) -> Self:
        """Start a process, and wait until it is ready: what a busy machine takes for that is not the code's time.

        Raises:
            Failed: none can be started.
        """
        try:
            # No environment: what is in ours is nobody's business there.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(_CHILD), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
            )
        except OSError as error:
            raise Failed("transform_unavailable", f"no process can be started: {error}") from error
        child = cls(process, 0.0)
        assert process.stdout is not None  # noqa: S101 -- for the type: it is a pipe
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                (child._cpu_s,) = _READY.unpack(await process.stdout.readexactly(_READY.size))
        except BaseException as error:
            await child.kill()
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
                raise Failed("transform_unavailable", "a process that was started does not become ready") from error
            raise
        return child

    @property
    def pid(self) -> int:
        """The system's number of it."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode

    async def ask(self, request: bytes) -> dict[str, Any]:
        """Return the answer to a request, however long it takes.

        Raises:
            Refused: the process came to its end (`transform_crashed`).
        """
        process = self._process
        assert process.stdin is not None  # noqa: S101 -- for the type: both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(struct.pack(">I", len(request)) + request)
            await process.stdin.drain()
            cpu_s, length = _ANSWER.unpack(await process.stdout.readexactly(_ANSWER.size))
            answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Refused("transform_crashed", "the code brought its process to an end") from error
        self._cpu_s = cpu_s
        return answer

    async def used_s(self) -> float | None:
        """Return how many seconds of computing the present request has taken; None where the system does not say."""
        told = told_by_proc(self.pid)
        if told is None:
            told = await _told_by_ps(self.pid)
        return None if told is None else told - self._cpu_s

    async def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        # Its end is near, whatever becomes of whoever asked for it.
        await asyncio.shield(self._process.wait())


def told_by_proc(pid: int) -> float | None:
    """Return the seconds of computing that a process has taken, where there is a /proc."""
    try:
        # The name, in parentheses, may hold anything; utime and stime are the 12th and 13th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _told_by_ps(pid: int) -> float | None:
    """Return the seconds of computing that a process has taken, where there is no /proc."""
    try:
        ps = await asyncio.create_subprocess_exec("ps", "-o", "time=", "-p", str(pid), stdout=PIPE, stderr=DEVNULL)
        told, _ = await ps.communicate()
        return seconds_of(told.decode().strip())
    except (OSError, ValueError):
        return None


def seconds_of(clock: str) -> float:
    """Read what `ps` writes of a time: `[[days-]hours:]minutes:seconds[.hundredths]`.

    Raises:
        ValueError: it is none.
    """
    days, _, rest = clock.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86_400

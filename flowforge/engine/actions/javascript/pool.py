"""A few processes that run JavaScript: each is used by one at a time, killed when it takes too long, and replaced."""

import asyncio
import contextlib
import json
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, Final

from flowforge.engine.actions.declaration import Failed, Refused

PATIENCE_S: Final = 1.5
"""Seconds of real time after which a process is killed that has not answered. It allows its code one of computing."""

_READY_WITHIN_S: Final = 20.0

MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
"""How large a request may be, with the code, its input and the context."""

_CHILD: Final = Path(__file__).with_name("child.py")


class JavaScriptPool:
    """Runs code in up to `size` processes, which are started when they are needed. Belongs to one event loop."""

    def __init__(self, size: int = 2, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[Process] = []

    async def run(self, code: str, value: Any, context: Any) -> Any:
        """Return what a function's body returns for `input` and `context`.

        Args:
            code: the function's body.
            value: its `input`, JSON.
            context: its `context`, JSON.

        Raises:
            Refused: the code throws (`transform_failed`), takes too long (`transform_timeout`), takes too much memory
                (`transform_memory`), calls itself too deep (`transform_too_deep`), kills its process
                (`transform_crashed`), returns too much (`result_too_large`, `result_not_json`), or is given too much
                (`input_too_large`).
            Failed: no process can be started.
        """
        request = json.dumps({"code": code, "input": _text(value), "context": _text(context)}).encode()
        if len(request) > MAX_REQUEST_BYTES:
            raise Refused("input_too_large", f"code and data have {len(request)} bytes, at most {MAX_REQUEST_BYTES}")
        async with self._free:
            child = await self._child()
            try:
                answer = await self._ask(child, request)
            except BaseException:
                await _kill(child)
                raise
            self._idle.append(child)
        if "result" not in answer:
            raise Refused(answer["code"], answer["message"])
        try:
            return json.loads(answer["result"])
        except RecursionError as error:
            raise Refused("result_not_json", "the result nests too deep") from error

    async def close(self) -> None:
        """Kill all processes that are not in use; those in use end with their calls."""
        while self._idle:
            await _kill(self._idle.pop())

    async def _child(self) -> Process:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
            await _kill(child)
        return await _start()

    async def _ask(self, child: Process, request: bytes) -> dict[str, Any]:
        assert child.stdin is not None  # noqa: S101 -- for the type: both are pipes
        assert child.stdout is not None  # noqa: S101
        try:
            async with asyncio.timeout(self._patience_s):
                child.stdin.write(struct.pack(">I", len(request)) + request)
                await child.stdin.drain()
                (length,) = struct.unpack(">I", await child.stdout.readexactly(4))
                answer: dict[str, Any] = json.loads(await child.stdout.readexactly(length))
        except TimeoutError:
            raise Refused("transform_timeout", f"the code has not ended after {self._patience_s:g} s") from None
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Refused("transform_crashed", "the code brought its process to an end") from error
        return answer


async def _start() -> Process:
    """Start a process, and wait until it is ready: what a busy machine takes for that is not the code's time."""
    try:
        # No environment: what is in ours is nobody's business there.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(_CHILD), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
        )
    except OSError as error:
        raise Failed("transform_unavailable", f"no process can be started: {error}") from error
    assert child.stdout is not None  # noqa: S101 -- for the type: it is a pipe
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await child.stdout.readexactly(1)
    except BaseException as error:
        await _kill(child)
        if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
            raise Failed("transform_unavailable", "a process that was started does not become ready") from error
        raise
    return child


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


async def _kill(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    if child.stdin is not None:
        child.stdin.close()
    # Its end is near, whatever becomes of whoever asked for it.
    await asyncio.shield(child.wait())

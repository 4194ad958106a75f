"""A few processes that run JavaScript: each is used by one at a time, killed when it takes too long, and replaced."""

import asyncio
import json
import time
from typing import Any, Final

from flowforge.engine.actions.declaration import Failed, Refused
from flowforge.engine.actions.javascript.process import JavaScriptProcess

PATIENCE_S: Final = 1.5
"""Seconds of real time after which it is looked at how much a process has computed that has not answered."""

ALLOWED_S: Final = 1.0
"""Seconds of computing that code may take: the process itself ends code after them, where code can be ended."""

LONGEST_S: Final = 10.0
"""Seconds of real time in which a machine must have had that much computing for it."""

MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
"""How large a request may be, with the code, its input and the context."""

_SHORTEST_LOOK_S: Final = 0.05


class JavaScriptPool:
    """Runs code in up to `size` processes, which are started when they are needed. Belongs to one event loop."""

    def __init__(self, size: int = 2, *, patience_s: float = PATIENCE_S, longest_s: float = LONGEST_S) -> None:
        self._patience_s = patience_s
        self._longest_s = longest_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[JavaScriptProcess] = []

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
            Failed: no process can be started (`transform_unavailable`), or the machine has no time for it
                (`transform_starved`).
        """
        request = json.dumps({"code": code, "input": _text(value), "context": _text(context)}).encode()
        if len(request) > MAX_REQUEST_BYTES:
            raise Refused("input_too_large", f"code and data have {len(request)} bytes, at most {MAX_REQUEST_BYTES}")
        async with self._free:
            child = await self._child()
            try:
                answer = await self._ask(child, request)
            except BaseException:
                await child.kill()
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
            await self._idle.pop().kill()

    async def _child(self) -> JavaScriptProcess:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
            await child.kill()
        return await JavaScriptProcess.start()

    async def _ask(self, child: JavaScriptProcess, request: bytes) -> dict[str, Any]:
        """Wait for an answer for as long as the code may compute, on a busy machine longer than the clock says."""
        answering = asyncio.create_task(child.ask(request))
        began, look_in_s = time.monotonic(), self._patience_s
        try:
            while not (await asyncio.wait({answering}, timeout=look_in_s))[0]:
                used_s = await child.used_s()
                waited_s = time.monotonic() - began
                if used_s is None or used_s >= ALLOWED_S:
                    raise Refused("transform_timeout", f"the code has not ended after {used_s or waited_s:.1f} s")
                if waited_s >= self._longest_s:
                    raise Failed(
                        "transform_starved", f"in {waited_s:.1f} s the code had {max(used_s, 0):.1f} s of computing"
                    )
                look_in_s = max(min(ALLOWED_S - used_s, self._longest_s - waited_s), _SHORTEST_LOOK_S)
            return await answering
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

"""A process that measures on request: a line of JSON in, a line of JSON out, until its input closes.

What is measured lives in processes of its own, so that none pays for another, and each one's CPU can be told.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

_LONGEST_LINE: Final = 4 * 1024 * 1024  # a request may hold a definition

Measure = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def serve_lines(measure: Measure) -> None:
    """Answer every request on standard input, one after the other."""
    reader = asyncio.StreamReader(_LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"pid": os.getpid()}), flush=True)
    while line := await reader.readline():
        print(json.dumps(await measure(json.loads(line))), flush=True)


async def run_load(count: int, in_flight: int, once: Callable[[int, int], Awaitable[None]]) -> dict[str, Any]:
    """Call `once(lane, number)` `count` times, `in_flight` at once; return the time of all and of each.

    Args:
        count: how many calls.
        in_flight: how many lanes; a lane begins its next call when its last one has ended.
        once: makes one call.

    Returns:
        `wall_s`, and `latencies_ms` in the order in which the calls ended.
    """
    numbers = iter(range(count))
    latencies_ms: list[float] = []

    async def lane(index: int) -> None:
        for number in numbers:
            began = time.perf_counter()
            await once(index, number)
            latencies_ms.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as lanes:
        for index in range(min(in_flight, count)):
            lanes.create_task(lane(index))
    return {"wall_s": time.perf_counter() - began, "latencies_ms": latencies_ms}

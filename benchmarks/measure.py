"""The measurements: rounds in turn, memory over many orders, the time until ready."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.accounting import resident_bytes
from benchmarks.children import HOST, application
from benchmarks.figures import Results
from benchmarks.plan import ALONE, MANY, Plan
from benchmarks.stage import Stage, path_with
from flowforge.temporal.ports import free

Tell = Callable[[str], None]

_WARM_UP: Final = 20
_MEMORY_SAMPLES: Final = 10


async def measure_rounds(stage: Stage, plan: Plan, results: Results, tell: Tell) -> None:
    """Have everybody run in turn, round after round, so that what else the machine does falls on all of them.

    Each round begins with another one, and what comes first is warmed up before the first round.
    """
    for contestant in stage.contestants:
        tell(f"warming up: {contestant.name}")
        await contestant.run(max(2, round(_WARM_UP * contestant.share)), MANY)
    for number in range(plan.rounds):
        shift = number % len(stage.contestants)
        for in_flight in (ALONE, MANY):
            for contestant in (*stage.contestants[shift:], *stage.contestants[:shift]):
                run = await contestant.run(plan.count(in_flight, contestant.share), in_flight)
                results.runs.setdefault((contestant.name, in_flight), []).append(run)
                tell(
                    f"round {number + 1} of {plan.rounds}: {contestant.name}, {in_flight} in flight: "
                    f"{run.per_second:.1f}/s, p50 {run.p50_ms:.1f} ms"
                )


async def measure_memory(stage: Stage, plan: Plan, results: Results, tell: Tell) -> None:
    """Watch FlowForge's memory while many orders pass."""
    pid = stage.application.pid
    results.memory_bytes.append((0, resident_bytes(pid)))
    done = 0
    for sample in range(1, _MEMORY_SAMPLES + 1):
        upto = plan.memory_orders * sample // _MEMORY_SAMPLES
        if upto > done:
            await stage.load.ask(count=upto - done, in_flight=MANY)
            done = upto
            results.memory_bytes.append((done, resident_bytes(pid)))
            tell(f"memory after {done} more orders: {results.memory_bytes[-1][1] / 2**20:.1f} MiB")


async def measure_starts(binary: Path, folder: Path, plan: Plan, results: Results, tell: Tell) -> None:
    """Start `all` with a Temporal of its own, in a folder that is empty the first time."""
    for number in range(plan.starts):
        port = free(HOST)
        began = time.perf_counter()
        async with application(port, folder=folder / "starts", path=path_with(binary)) as starting:
            await starting.until_ready()
            results.ready_s.append(time.perf_counter() - began)
        tell(f"start {number + 1} of {plan.starts}: ready after {results.ready_s[-1]:.2f} s")

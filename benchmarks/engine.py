"""Measures the engine: a definition beside the typed saga, a step of a long one, and the longest runs."""

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import definitions
from benchmarks.accounting import cpu_seconds, resident_bytes
from benchmarks.children import HOST, Application, ChildError, LineChild, application, line_child
from benchmarks.figures import Run
from benchmarks.plan import MANY, Plan
from benchmarks.stage import MUCH_STOCK, path_with
from flowforge.durable.placement import Placement
from flowforge.engine.actions.javascript.pool import JavaScriptPool
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.ports import free

Tell = Callable[[str], None]

ORDERS: Final = "typed saga"
DEFINITION: Final = "definition"
SHORT: Final = 10
FAN: Final = 100
PUBLISHED_STEPS: Final = 500

_CONCURRENCY: Final = 25
_WARM_PUBLISHED: Final = 2
_PATIENCE_S: Final = 30.0
_CODE: Final = "return {total: input.lines.reduce((sum, line) => sum + line.price * line.quantity, 0)}"
_LINES: Final = {"lines": [{"price": 5, "quantity": number} for number in range(20)]}

_TURN: Final = 2 * MANY
"""About so many does one contestant run before it is the other's turn: no machine stays as fast as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """One long run.

    Attributes:
        took_s: from its start to its end.
        status: how it ended.
        events: how long the history of each of its runs at Temporal's was.
        history_bytes: how large.
        memory_bytes: FlowForge's resident memory while it ran.
    """

    took_s: float
    status: str
    events: list[int]
    history_bytes: list[int]
    memory_bytes: list[int]


@dataclass(slots=True, kw_only=True)
class EngineResults:
    """Everything that was measured of the engine.

    Attributes:
        runs: by placement and contestant, one Run a round.
        steps: the same by what was run, for definitions of many steps.
        transform_ms: how long warm transforms took.
        publish_ms: how long publishing took, by what was published.
        long: long runs by name.
    """

    runs: dict[tuple[Placement, str], list[Run]] = field(default_factory=dict)
    steps: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    transform_ms: list[float] = field(default_factory=list)
    publish_ms: dict[str, list[float]] = field(default_factory=dict)
    long: dict[str, Long] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    server_pid: int
    application: Application
    orders: LineChild
    load: LineChild

    async def timed(self, ask: Callable[[], Any]) -> Run:
        """Measure what is asked for."""
        before = self._cpu()
        timing = await ask()
        server, worker = (then - now for then, now in zip(self._cpu(), before, strict=True))
        return Run(
            wall_s=timing["wall_s"],
            latencies_ms=timing["latencies_ms"],
            server_cpu_s=server,
            worker_cpu_s=worker,
            load_cpu_s=None,
        )

    async def publish(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            status, answer = await self.application.request("POST", "/workflows", json.dumps(body).encode())
            if status not in {200, 201}:
                raise ChildError(f"{body['id']} was not published: {status} {answer[:500]!r}")

    def _cpu(self) -> tuple[float, float]:
        return cpu_seconds(self.server_pid), cpu_seconds(self.application.pid)


async def measure_engine(binary: Path, folder: Path, plan: Plan, tell: Tell) -> EngineResults:
    """Measure everything.

    Raises:
        ChildError, StartupError: something did not start, or a run did not end as it should.
    """
    results = EngineResults()
    await _transforms(results, tell)
    async with _stage(binary, folder / "auto", "auto") as stage:
        await _sagas(stage, "auto", plan, results, tell)
    async with _stage(binary, folder / "queue", "queue") as stage:
        await _sagas(stage, "queue", plan, results, tell)
        await _steps(stage, plan, results, tell)
        await _publishing(stage, results, tell)
        await _long_runs(stage, plan, results, tell)
    return results


@contextlib.asynccontextmanager
async def _stage(binary: Path, folder: Path, placement: Placement) -> AsyncIterator[_Stage]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer(binary, data_dir=folder / "engine-server"))
        port = free(HOST)
        settings = {
            "TEMPORAL_HOST": server.address,
            "STEP_PLACEMENT": placement,
            "ACTIONS": "benchmarks.actions",
        }
        ours = folder / "engine"
        running = await stack.enter_async_context(
            application(port, folder=ours, path=path_with(binary), settings=settings)
        )
        await running.until_ready()
        await running.request("PUT", "/inventory/SKU-001", json.dumps({"on_hand": MUCH_STOCK}).encode())
        yield _Stage(
            server_pid=server.pid,
            application=running,
            orders=await stack.enter_async_context(line_child("benchmarks.http_load", HOST, str(port), folder=ours)),
            load=await stack.enter_async_context(
                line_child("benchmarks.engine_load", HOST, str(port), server.address, folder=ours)
            ),
        )


async def _transforms(results: EngineResults, tell: Tell) -> None:
    pool = JavaScriptPool(1, patience_s=_PATIENCE_S)
    try:
        for number in range(220):
            began = time.perf_counter()
            await pool.run(_CODE, _LINES, {})
            if number >= 20:
                results.transform_ms.append((time.perf_counter() - began) * 1000)
    finally:
        await pool.close()
    tell(f"transform, warm: {sorted(results.transform_ms)[len(results.transform_ms) // 2]:.2f} ms")


async def _sagas(stage: _Stage, placement: Placement, plan: Plan, results: EngineResults, tell: Tell) -> None:
    await stage.publish(definitions.SAGA)

    async def orders(count: int) -> Run:
        return await stage.timed(lambda: stage.orders.ask(count=count, in_flight=MANY))

    async def runs(count: int) -> Run:
        asked = {"workflow": definitions.SAGA["id"], "input": definitions.SAGA_INPUT}
        return await stage.timed(lambda: stage.load.ask(**asked, count=count, in_flight=MANY))

    contestants = {ORDERS: orders, DEFINITION: runs}
    for measured in contestants.values():
        await measured(min(plan.orders, MANY))
    count = max(plan.orders // 2, 2)
    turns = max(count // _TURN, 1)
    for number in range(plan.rounds):
        taken: dict[str, list[Run]] = {name: [] for name in contestants}
        for turn in range(turns):
            for name in contestants if (number + turn) % 2 == 0 else reversed(contestants):
                taken[name].append(await contestants[name](count // turns))
        for name, runs_of_it in taken.items():
            run = Run.of_turns(runs_of_it)
            results.runs.setdefault((placement, name), []).append(run)
            tell(f"round {number + 1} of {plan.rounds}: {name}, {placement}: {run.per_second:.1f}/s")


async def _steps(stage: _Stage, plan: Plan, results: EngineResults, tell: Tell) -> None:
    fan = min(plan.steps, FAN)
    bodies = {("chain", count): definitions.chain(count) for count in (SHORT, plan.steps)}
    bodies["fan-out", fan] = definitions.fan_out(fan)
    await stage.publish(*bodies.values())

    async def measured(body: dict[str, Any], count: int) -> Run:
        asked = {"workflow": body["id"], "input": {}, "count": count, "in_flight": 1}
        return await stage.timed(lambda: stage.load.ask(**asked))

    for (_, count), body in bodies.items():
        await measured(body, max(FAN // count, 1))
    for number in range(plan.rounds):
        for (name, count), body in bodies.items():
            run = await measured(body, max(plan.steps // 2 // count, 1))
            results.steps.setdefault((name, count), []).append(run)
            cpu = (run.server_cpu_ms + run.worker_cpu_ms) / count
            tell(f"round {number + 1} of {plan.rounds}: {name} of {count}: {cpu:.1f} ms of CPU a step")


async def _publishing(stage: _Stage, results: EngineResults, tell: Tell) -> None:
    least = {**definitions.chain(PUBLISHED_STEPS), "id": "bench-published"}
    most = definitions.everything(PUBLISHED_STEPS)
    for body, form in ((least, "json"), (most, "json"), (most, "yaml")):
        told = await stage.load.ask(publish=body, form=form, count=_WARM_PUBLISHED + 10)
        name = f"publish of {PUBLISHED_STEPS} steps, {told['bytes'] // 1024} KiB of {form.upper()}"
        results.publish_ms[name] = told["took_ms"][_WARM_PUBLISHED:]
        tell(f"{name}: {max(results.publish_ms[name]):.0f} ms at most")


async def _long_runs(stage: _Stage, plan: Plan, results: EngineResults, tell: Tell) -> None:
    bodies = {
        f"{plan.visits:,} visits in a loop": (definitions.loop(plan.visits), {}),
        f"{plan.items:,} items": (definitions.items(_CONCURRENCY), {"list": list(range(plan.items))}),
        f"{plan.values} x 256 KiB, completes": (definitions.load(plan.values, fails=False), {}),
        f"{plan.values - 1} x 256 KiB, is undone": (definitions.load(plan.values, fails=True), {}),
    }
    for name, (body, given) in bodies.items():
        await stage.publish(body)
        began = time.perf_counter()
        execution = (await stage.load.ask(start=body["id"], input=given))["execution"]
        memory = []
        looked: dict[str, Any] = {"is_over": False}
        while not looked["is_over"]:
            looked = await stage.load.ask(look=execution)
            memory.append(resident_bytes(stage.application.pid))
        story = await stage.load.ask(story=execution)
        results.long[name] = Long(
            took_s=time.perf_counter() - began,
            status=looked["status"],
            events=story["events"],
            history_bytes=story["bytes"],
            memory_bytes=memory,
        )
        tell(f"{name}: {looked['status']} after {results.long[name].took_s:.0f} s")

"""Writes what was measured of the engine as docs/performance-engine.md."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.engine import DEFINITION, FAN, ORDERS, SHORT, EngineResults, Long
from benchmarks.figures import Run, Spread, over_rounds, ratio
from benchmarks.machine import Circumstances
from benchmarks.plan import MANY, Plan
from benchmarks.tables import circumstances_table, met, table, times, value
from flowforge.durable.placement import Placement

FLAT_WITHIN: Final = 0.05

_PLACES: Final[dict[Placement, str]] = {"queue": "through the queue", "auto": "inside the task"}

_INTRODUCTION: Final = """\
# Performance of the engine

Written by `make bench-engine`, and by `make bench`; do not edit. Absolute figures are this machine's; the ratios hold
elsewhere. Each figure, a ratio too, is the median of what the rounds came to, with the least and the most beside it.

"""

_WHAT: Final = f"""\
## What is measured

- **{ORDERS}**: `POST /orders`, **{DEFINITION}**: `POST /workflows/start`, both with `Prefer: wait` until they are
  `completed`, in turns in the same process, {MANY} in flight. Both take the same four steps of the same services, all
  through the task queue (`STEP_PLACEMENT=queue`) or all inside the workflow task (`auto`). Cost is CPU, Temporal's and
  FlowForge's together.
- **chain, fan-out**: steps that do nothing and count as effects, one after the other or side by side, a run at a time.
- **publish**: `POST /workflows` to its answer: the chain's steps, and steps with everything that a step may have:
  templates, a condition, a policy of retries, an undo.
- **long runs**: one run each. Memory is FlowForge's, with worker, API and database in one process; flat means that the
  mean of the second half of its samples is no more than {FLAT_WITHIN:.0%} above the first half's.

"""


def render_engine(results: EngineResults, plan: Plan, where: Circumstances) -> str:
    """Return the report."""
    parts = [
        _INTRODUCTION,
        circumstances_table(
            where, plan.command, f"{plan.rounds} rounds of {max(plan.orders // 2, 2)} runs, and of {plan.steps} steps"
        ),
        "## Targets\n\n",
        table(("", "to reach", "measured", ""), list(_targets(results, plan))),
        _WHAT,
        "## Four fenced steps\n\n",
        _sagas(results),
        "## Many steps\n\n",
        _steps(results),
        "## Long runs\n\n",
        _long(results),
    ]
    return "".join(parts).rstrip("\n") + "\n"


def cost_ms(run: Run) -> float:
    """Return the CPU time of one run, Temporal's and ours."""
    return run.server_cpu_ms + run.worker_cpu_ms


def _targets(results: EngineResults, plan: Plan) -> Iterator[tuple[str, ...]]:
    for placement, place in _PLACES.items():
        cost = ratio(results.runs[placement, DEFINITION], results.runs[placement, ORDERS], cost_ms)
        yield (
            f"CPU of four fenced steps as a definition, to the typed saga's, {MANY} in flight, {place}",
            "≤ 1.3",
            times(cost),
            met(cost.median <= 1.3),
        )
    for name, count in (("chain", plan.steps), ("fan-out", min(plan.steps, FAN))):
        found = _per_step(results, name, count)
        yield (
            f"CPU a step, {name} of {count}, to a chain of {SHORT}",
            "≤ 1.5",
            times(found),
            met(found.median <= 1.5),
        )
    for name, long in results.long.items():
        if "KiB" in name:
            continue
        growth = _growth(long)
        yield (
            f"memory while {name}, second half to first",
            f"≤ +{FLAT_WITHIN:.0%}",
            f"{growth - 1:+.1%}",
            met(growth - 1 <= FLAT_WITHIN and long.status == "completed"),
        )
    for name, long in results.long.items():
        if "KiB" in name:
            wanted = "compensated" if "undone" in name else "completed"
            yield name, wanted, long.status, met(long.status == wanted)
    transform = statistics.median(results.transform_ms)
    yield "transform, warm, p50", "≤ 2 ms", f"{transform:.2f} ms", met(transform <= 2)
    for name, publish_ms in results.publish_ms.items():
        slowest = max(publish_ms)
        measured = f"{slowest:.0f} ms (p50 {statistics.median(publish_ms):.0f})"
        yield f"{name}, slowest of {len(publish_ms)}", "≤ 200 ms", measured, met(slowest <= 200)


def _per_step(results: EngineResults, name: str, count: int) -> Spread:
    longer, shorter = results.steps[name, count], results.steps["chain", SHORT]
    pairs = zip(longer, shorter, strict=True)
    return Spread.of([cost_ms(one) / count / (cost_ms(other) / SHORT) for one, other in pairs])


def _sagas(results: EngineResults) -> str:
    rows = [
        (
            f"{name}, {_PLACES[placement]}",
            value(over_rounds(runs, lambda run: run.per_second)),
            value(over_rounds(runs, lambda run: run.p50_ms)),
            value(over_rounds(runs, lambda run: run.server_cpu_ms)),
            value(over_rounds(runs, lambda run: run.worker_cpu_ms)),
        )
        for (placement, name), runs in results.runs.items()
    ]
    return table(("", "per second", "p50, ms", "CPU of Temporal, ms a run", "CPU of FlowForge, ms a run"), rows)


def _steps(results: EngineResults) -> str:
    rows = []
    for (name, count), runs in results.steps.items():
        rows.append(
            (
                f"{name} of {count}",
                value(over_rounds(runs, lambda run, count=count: run.server_cpu_ms / count)),  # type: ignore[misc]
                value(over_rounds(runs, lambda run, count=count: run.worker_cpu_ms / count)),  # type: ignore[misc]
                value(over_rounds(runs, lambda run, count=count: run.wall_s * 1000 / run.count / count)),  # type: ignore[misc]
                times(_per_step(results, name, count)),
            )
        )
    head = ("", "CPU of Temporal, ms a step", "CPU of FlowForge, ms a step", "ms a step", "CPU, to a chain of 10")
    return table(head, rows)


def _long(results: EngineResults) -> str:
    rows = [
        (
            name,
            long.status,
            f"{long.took_s:.0f}",
            str(len(long.events)),
            f"{max(long.events):,}",
            f"{max(long.history_bytes) / 2**20:.1f}",
            " ".join(f"{sample / 2**20:.0f}" for sample in _tenths(long.memory_bytes)),
        )
        for name, long in results.long.items()
    ]
    head = ("", "ended", "s", "runs at Temporal's", "events, longest", "MiB, largest history", "memory over time, MiB")
    return table(head, rows)


def _growth(long: Long) -> float:
    half = max(len(long.memory_bytes) // 2, 1)
    return statistics.mean(long.memory_bytes[-half:]) / statistics.mean(long.memory_bytes[:half])


def _tenths(samples: Sequence[int]) -> list[int]:
    return [samples[at * (len(samples) - 1) // 9] for at in range(10)] if len(samples) > 10 else list(samples)

"""Writes what was measured as docs/performance.md."""

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.contestants import FLOOR, FLOWFORGE, FLOWFORGE_UNTUNED, REGULAR, UNTUNED
from benchmarks.figures import Results, Run, Spread, over_rounds, ratio
from benchmarks.machine import Circumstances
from benchmarks.plan import ALONE, MANY, Plan
from benchmarks.tables import circumstances_table, met, table, times, value

_FLAT_WITHIN: Final = 0.05
"""By how much memory may differ from its first half's to its second half's mean and still be called flat."""

_READY_WITHIN_S: Final = 5.0
_NAMES: Final = (FLOOR, FLOWFORGE, REGULAR, UNTUNED, FLOWFORGE_UNTUNED)

_INTRODUCTION: Final = """\
# Performance

Written by `make bench`; do not edit. Absolute figures are this machine's; the ratios hold elsewhere.

"""

_WHAT: Final = f"""\
## What is compared

- **{FLOOR}**: a workflow of four local activities that do nothing, started eagerly, worker and client in one process on
  one connection, no HTTP, no database, on the server that the product uses too. No order on Temporal can be cheaper.
- **{FLOWFORGE}**: `POST /orders` with `Prefer: wait`, to the answer that says `completed`: HTTP, validation, the saga
  with its four steps, five transactions of SQLite with `synchronous=FULL`, the order's row and its events.
- **{REGULAR}**: the floor's workflow with its activities through the task queue.
- **untuned server**: `temporal server start-dev --db-filename` as it comes; the workflow with regular activities is
  started there as clients do that ask for nothing special, which is not eagerly.

All take their turns in every round, and every ratio is taken within its round; a figure is the median of the rounds,
with the lowest and highest in parentheses. CPU is what the processes used, per order: Temporal's, the worker's
(FlowForge's holds the API and the database as well), and that of the load generator, which is a process of its own.

"""


def render(results: Results, plan: Plan, where: Circumstances) -> str:
    """Return the report."""
    parts = [
        _INTRODUCTION,
        circumstances_table(
            where, plan.command, f"{plan.rounds} rounds; {plan.orders} orders at {MANY}, {plan.count(ALONE, 1)} at 1"
        ),
        "## Targets\n\n",
        table(("", "to reach", "measured", ""), list(_targets(results))),
        _WHAT,
    ]
    for in_flight in (ALONE, MANY):
        parts += [f"## {in_flight} in flight\n\n", _speed(results, in_flight), _cpu(results, in_flight)]
    parts += [_memory(results), _starts(results)]
    return "".join(parts).rstrip("\n") + "\n"


def _targets(results: Results) -> Iterator[tuple[str, ...]]:
    latency = ratio(results.runs[FLOWFORGE, ALONE], results.runs[FLOOR, ALONE], lambda run: run.p50_ms)
    yield "p50 at 1 in flight, to the floor's", "≤ 1.5", times(latency), met(latency.median <= 1.5)
    speed = ratio(results.runs[FLOWFORGE, MANY], results.runs[FLOOR, MANY], lambda run: run.per_second)
    yield f"throughput at {MANY}, to the floor's", "≥ 0.75", times(speed), met(speed.median >= 0.75)
    for in_flight in (ALONE, MANY):
        tuned = ratio(results.runs[FLOWFORGE, in_flight], results.runs[UNTUNED, in_flight], lambda run: run.per_second)
        yield (
            f"throughput at {in_flight}, to the untuned server's with regular activities",
            "≥ 10",
            times(tuned),
            met(tuned.median >= 10),
        )
    if growth := _growth(results):
        yield (
            "growth of memory, second half to first",
            f"within {_FLAT_WITHIN:.0%}",
            f"{growth - 1:+.1%}",
            met(abs(growth - 1) <= _FLAT_WITHIN),
        )
    if results.ready_s:
        slowest = max(results.ready_s)
        yield (
            "`all` is ready, slowest start",
            f"≤ {_READY_WITHIN_S:g} s",
            f"{slowest:.2f} s",
            met(slowest <= _READY_WITHIN_S),
        )


def _speed(results: Results, in_flight: int) -> str:
    base = results.runs[FLOOR, in_flight]
    figures: list[tuple[str, Callable[[Run], float]]] = [
        ("per second", lambda run: run.per_second),
        ("p50, ms", lambda run: run.p50_ms),
        ("p99, ms", lambda run: run.p99_ms),
    ]
    rows = []
    for name in _NAMES:
        runs = results.runs[name, in_flight]
        cells = [name]
        for _, figure in figures:
            cells += [value(over_rounds(runs, figure)), times(ratio(runs, base, figure))]
        rows.append(tuple(cells))
    head = [cell for title, _ in figures for cell in (title, "to the floor")]
    return table(("", *head), rows)


def _cpu(results: Results, in_flight: int) -> str:
    rows = []
    for name in _NAMES:
        runs = results.runs[name, in_flight]
        load = [run.load_cpu_ms for run in runs if run.load_cpu_ms is not None]
        rows.append(
            (
                name,
                str(runs[0].count),
                value(over_rounds(runs, lambda run: run.server_cpu_ms)),
                value(over_rounds(runs, lambda run: run.worker_cpu_ms)),
                value(Spread.of(load)) if load else "in the worker's",
            )
        )
    return table(("CPU, ms per order", "orders a round", "Temporal", "worker", "load"), rows)


def _memory(results: Results) -> str:
    growth = _growth(results)
    if growth is None:
        return ""
    text = (
        "## Memory\n\nFlowForge's resident memory while orders pass, "
        f"{MANY} in flight, after the rounds above. Flat means: the mean of the second half is within "
        f"{_FLAT_WITHIN:.0%} of the first half's. It is {growth - 1:+.1%}.\n\n"
    )
    return text + table(
        ("orders", "MiB"), [(str(count), f"{used / 2**20:.1f}") for count, used in results.memory_bytes]
    )


def _starts(results: Results) -> str:
    if not results.ready_s:
        return ""
    text = (
        "## Start\n\nSeconds from starting `main.py all` to `GET /ready` answering 200, Temporal's binary on disk; "
        "the first start makes the database and Temporal's file.\n\n"
    )
    return text + table(
        ("start", "seconds"), [(str(number), f"{each:.2f}") for number, each in enumerate(results.ready_s, 1)]
    )


def _growth(results: Results) -> float | None:
    used = [each for _, each in results.memory_bytes[1:]]
    if len(used) < 2:
        return None
    half = len(used) // 2
    return (sum(used[-half:]) / half) / (sum(used[:half]) / half)

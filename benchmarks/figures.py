"""What was measured, and the arithmetic on it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One contestant's work without a pause, at one number in flight.

    Attributes:
        wall_s: how long all of it took.
        latencies_ms: how long each took.
        server_cpu_s: what Temporal's process used meanwhile.
        worker_cpu_s: what the process of the worker used; FlowForge's holds the API too.
        load_cpu_s: what the process that asked used, where it is another one.
    """

    wall_s: float
    latencies_ms: Sequence[float]
    server_cpu_s: float
    worker_cpu_s: float
    load_cpu_s: float | None

    @classmethod
    def of_turns(cls, turns: Sequence["Run"]) -> "Run":
        """Return what turns of one contestant come to together, none of which says what the load's process used."""
        return cls(
            wall_s=sum(turn.wall_s for turn in turns),
            latencies_ms=[latency for turn in turns for latency in turn.latencies_ms],
            server_cpu_s=sum(turn.server_cpu_s for turn in turns),
            worker_cpu_s=sum(turn.worker_cpu_s for turn in turns),
            load_cpu_s=None,
        )

    @property
    def count(self) -> int:
        """How many were completed."""
        return len(self.latencies_ms)

    @property
    def per_second(self) -> float:
        """Throughput."""
        return self.count / self.wall_s

    @property
    def p50_ms(self) -> float:
        """The median latency."""
        return statistics.median(self.latencies_ms)

    @property
    def p99_ms(self) -> float:
        """The latency that one in a hundred exceeds (of fewer than a hundred: the longest)."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    @property
    def server_cpu_ms(self) -> float:
        """Temporal's CPU time for one."""
        return self.server_cpu_s / self.count * 1000

    @property
    def worker_cpu_ms(self) -> float:
        """The worker's CPU time for one."""
        return self.worker_cpu_s / self.count * 1000

    @property
    def load_cpu_ms(self) -> float | None:
        """The load generator's CPU time for one."""
        return None if self.load_cpu_s is None else self.load_cpu_s / self.count * 1000


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several rounds: the median, and the extremes."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum values up."""
        return cls(statistics.median(values), min(values), max(values))


def over_rounds(runs: Sequence[Run], figure: Callable[[Run], float]) -> Spread:
    """Return a figure of every round, summed up."""
    return Spread.of([figure(run) for run in runs])


def ratio(runs: Sequence[Run], to: Sequence[Run], figure: Callable[[Run], float]) -> Spread:
    """Return a figure as a multiple of another contestant's in the same round; the rest cancels out."""
    return Spread.of([figure(run) / figure(base) for run, base in zip(runs, to, strict=True)])


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything that one run of the benchmark found.

    Attributes:
        runs: by contestant and number in flight, one Run a round.
        memory_bytes: orders placed before, and FlowForge's resident memory then.
        ready_s: how long each start took until /ready said so; the first on an empty folder.
    """

    runs: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    memory_bytes: list[tuple[int, int]] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)

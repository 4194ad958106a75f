"""Who is compared: the floor, and FlowForge, on a tuned and on an untuned server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.accounting import cpu_seconds
from benchmarks.children import Application, LineChild
from benchmarks.figures import Run

FLOOR: Final = "floor"
REGULAR: Final = "regular activities"
FLOWFORGE: Final = "FlowForge"
UNTUNED: Final = "untuned server, regular activities"
FLOWFORGE_UNTUNED: Final = "untuned server, FlowForge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way to bring four steps to their end.

    Attributes:
        name: as the report calls it.
        server_pid: Temporal's process.
        worker_pid: the worker's process.
        load_pid: the process that asks, where it is not the worker's.
        ask: has the measuring process do `count` of them, `in_flight` at once.
        share: how many to run, as a part of what the fastest runs; slow ones would hold up the rest.
    """

    name: str
    server_pid: int
    worker_pid: int
    load_pid: int | None
    ask: Callable[[int, int], Awaitable[dict[str, Any]]]
    share: float = 1.0

    async def run(self, count: int, in_flight: int) -> Run:
        """Measure once."""
        before = self._cpu()
        timing = await self.ask(count, in_flight)
        server, worker, load = (then - now for then, now in zip(self._cpu(), before, strict=True))
        return Run(
            wall_s=timing["wall_s"],
            latencies_ms=timing["latencies_ms"],
            server_cpu_s=server,
            worker_cpu_s=worker,
            load_cpu_s=None if self.load_pid is None else load,
        )

    def _cpu(self) -> tuple[float, float, float]:
        load = 0.0 if self.load_pid is None else cpu_seconds(self.load_pid)
        return cpu_seconds(self.server_pid), cpu_seconds(self.worker_pid), load


def floor(
    name: str, child: LineChild, server_pid: int, *, local: bool, eager: bool = True, share: float = 1.0
) -> Contestant:
    """Return the floor's workflow as a contestant, with local or with regular activities, started eagerly or not."""

    async def ask(count: int, in_flight: int) -> dict[str, Any]:
        return await child.ask(local=local, eager=eager, count=count, in_flight=in_flight)

    return Contestant(name=name, server_pid=server_pid, worker_pid=child.pid, load_pid=None, ask=ask, share=share)


def flowforge(
    name: str, application: Application, load: LineChild, server_pid: int, *, share: float = 1.0
) -> Contestant:
    """Return orders over HTTP as a contestant."""

    async def ask(count: int, in_flight: int) -> dict[str, Any]:
        return await load.ask(count=count, in_flight=in_flight)

    return Contestant(
        name=name, server_pid=server_pid, worker_pid=application.pid, load_pid=load.pid, ask=ask, share=share
    )

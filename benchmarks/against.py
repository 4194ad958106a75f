"""Compares the speed of this checkout with that of another commit: both run at once, and take orders in turns.

    python -m benchmarks.against COMMIT [--turns 12] [--orders 100] [--out docs/performance-change.md]

Each has a Temporal and a database of its own, on the same disk. A turn is short, and every other turn begins with the
other one, so that whatever else the machine does meets both alike. What counts is the ratio within a turn.
"""

import argparse
import asyncio
import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks import contestants
from benchmarks.children import ROOT
from benchmarks.contestants import Contestant
from benchmarks.figures import Run, over_rounds, ratio
from benchmarks.plan import ALONE, MANY
from benchmarks.run import folder_in
from benchmarks.stage import flowforge
from benchmarks.tables import table, times, value
from flowforge.settings import Settings
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide

_WARM_UP: Final = 100
_FIGURES: Final[Mapping[str, Callable[[Run], float]]] = {
    "orders per second": lambda run: run.per_second,
    "p50, ms": lambda run: run.p50_ms,
    "CPU of the worker, ms per order": lambda run: run.worker_cpu_ms,
}

Runs = dict[tuple[str, int], list[Run]]


async def main() -> None:
    """Measure in turns, and write the table."""
    arguments = _arguments()
    settings = Settings.load()
    binary = await provide(settings.data_dir, report=lambda _: None)
    with _checkout_of(arguments.commit) as other, folder_in(settings.data_dir) as folder:
        runs = await _measure(other, binary, folder, turns=arguments.turns, orders=arguments.orders)
    text = _report(arguments, runs)
    await asyncio.to_thread(arguments.out.write_text, text, encoding="utf-8")
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against")
    parser.add_argument("commit")
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--orders", type=int, default=100, help="of each in a turn with 50 in flight; a quarter with 1")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance-change.md")
    return parser.parse_args()


@contextlib.contextmanager
def _checkout_of(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-against-") as name:
        folder = Path(name) / "before"
        _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


async def _measure(other: Path, binary: Path, folder: Path, *, turns: int, orders: int) -> Runs:
    runs: Runs = {}
    async with contextlib.AsyncExitStack() as stack:
        both: list[Contestant] = []
        for name, root in (("before", other), ("after", ROOT)):
            server = await stack.enter_async_context(DevServer(binary, data_dir=folder / name / "temporal"))
            starting = flowforge(server, binary, folder / name, root)
            application, load = await stack.enter_async_context(starting)
            both.append(contestants.flowforge(name, application, load, server.pid))
        for contestant in both:
            await contestant.run(_WARM_UP, MANY)
        for turn in range(turns):
            for in_flight, count in ((ALONE, orders // 4), (MANY, orders)):
                for contestant in both if turn % 2 else reversed(both):
                    run = await contestant.run(count, in_flight)
                    runs.setdefault((contestant.name, in_flight), []).append(run)
                    told = f"{run.per_second:.1f}/s, {run.worker_cpu_ms:.1f} ms of CPU"
                    print(f"turn {turn + 1} of {turns}: {contestant.name}, {in_flight} in flight: {told}", flush=True)
    return runs


def _report(arguments: argparse.Namespace, runs: Runs) -> str:
    rows: list[Sequence[str]] = []
    for in_flight in (ALONE, MANY):
        before, after = runs["before", in_flight], runs["after", in_flight]
        for name, figure in _FIGURES.items():
            columns = value(over_rounds(before, figure)), value(over_rounds(after, figure))
            rows.append((str(in_flight), name, *columns, times(ratio(after, before, figure))))
    commits = f"{arguments.commit} (before) and {_git('rev-parse', '--short', 'HEAD')} (after)"
    return (
        "# Performance, before and after\n\n"
        f"Written by `python -m benchmarks.against {arguments.commit}`; do not edit. {commits} ran side by side and "
        f"took orders in {arguments.turns} turns; the median of the turns, and the extremes.\n\n"
        + table(("in flight", "", "before", "after", "ratio within a turn"), rows).rstrip()
        + "\n"
    )


def _git(*arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


if __name__ == "__main__":
    asyncio.run(main())

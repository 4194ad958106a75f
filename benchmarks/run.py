"""The benchmark from beginning to end."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.engine import measure_engine
from benchmarks.engine_report import render_engine
from benchmarks.figures import Results
from benchmarks.machine import circumstances
from benchmarks.measure import Tell, measure_memory, measure_rounds, measure_starts
from benchmarks.plan import Plan
from benchmarks.report import render
from benchmarks.stage import stage


async def run(plan: Plan, *, binary: Path, data_dir: Path, tell: Tell) -> str:
    """Measure everything, write the reports, and return them.

    Args:
        plan: how much.
        binary: the `temporal` command line tool.
        data_dir: where the measured processes keep their data: a real disk, since orders are written to it.
        tell: is told how it goes.

    Raises:
        ChildError, StartupError: something did not start, or an order did not complete.
    """
    results, texts = Results(), list[str]()
    where = await circumstances(binary)
    with folder_in(data_dir) as folder:
        if "orders" in plan.parts:
            await measure_starts(binary, folder, plan, results, tell)
            async with stage(binary, folder) as set_up:
                await measure_rounds(set_up, plan, results, tell)
                await measure_memory(set_up, plan, results, tell)
            texts.append(render(results, plan, where))
            await asyncio.to_thread(_write, plan.out, texts[-1])
        if "engine" in plan.parts:
            texts.append(render_engine(await measure_engine(binary, folder, plan, tell), plan, where))
            await asyncio.to_thread(_write, plan.engine_out, texts[-1])
    return "\n".join(texts)


@contextlib.contextmanager
def folder_in(data_dir: Path) -> Iterator[Path]:
    """Make a folder for what is measured, which goes with the block."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=data_dir.absolute(), ignore_cleanup_errors=True) as name:
        yield Path(name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

"""The benchmark, with tiny numbers: it runs to its end and its report has every figure."""

import asyncio
import os
import sys
from pathlib import Path

from flowforge.settings import Settings
from flowforge.temporal.provision import provide

_ROOT = Path(__file__).parents[2]
_HEADINGS = (
    "# Performance",
    "## Targets",
    "## What is compared",
    "## 1 in flight",
    "## 50 in flight",
    "## Memory",
    "## Start",
)
_CONTESTANTS = (
    "floor",
    "FlowForge",
    "regular activities",
    "untuned server, regular activities",
    "untuned server, FlowForge",
)
_ENGINE_ROWS = (
    "typed saga, through the queue",
    "definition, through the queue",
    "typed saga, inside the task",
    "definition, inside the task",
    "chain of 10",
    "chain of 20",
    "fan-out of 20",
    "6 visits in a loop",
    "60 items",
    "4 x 256 KiB, completes",
    "3 x 256 KiB, is undone",
)


async def test_bench_with_few_orders_writes_every_figure(tmp_path: Path) -> None:
    few = ("--orders", "6", "--rounds", "1", "--memory-orders", "10", "--starts", "1")
    lines = await _bench(tmp_path, "orders", "--out", *few)
    for heading in _HEADINGS:
        assert heading in lines
    for contestant in _CONTESTANTS:
        # Once with its speed and once with its CPU, with 1 and with 50 in flight.
        rows = [line.split("|")[2:-1] for line in lines if line.startswith(f"| {contestant} |")]
        assert [len(row) for row in rows] == [6, 4, 6, 4]
        assert all(cell.strip() for row in rows for cell in row)
    assert len([line for line in lines if "reached" in line or "missed" in line]) == 6


async def test_bench_of_the_engine_with_few_runs_writes_every_figure(tmp_path: Path) -> None:
    few = ("--orders", "6", "--rounds", "1", "--steps", "20", "--items", "60", "--values", "4")
    lines = await _bench(tmp_path, "engine", "--engine-out", *few)
    for row in _ENGINE_ROWS:
        cells = [line.split("|")[2:-1] for line in lines if line.startswith(f"| {row} |")][-1]
        assert len(cells) >= 4
        assert all(cell.strip() for cell in cells)
    assert len([line for line in lines if "reached" in line or "missed" in line]) == 12


async def _bench(folder: Path, part: str, into: str, *few: str) -> list[str]:
    """Run one part of the benchmark; return its report's lines."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    out = folder / "reports" / "report.md"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "main.py",
        "bench",
        *("--only", part, into, str(out), *few),
        cwd=_ROOT,
        env={
            **os.environ,
            "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}",
            "FLOWFORGE_DATA_DIR": str(folder / "data"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    report = out.read_text(encoding="utf-8")
    assert printed.decode().strip() == report.strip()
    assert not list((folder / "data").glob("bench-*"))
    return report.splitlines()

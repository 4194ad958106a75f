"""Compares the speed of this checkout with that of another commit: both are measured in turns, in one run.

    python -m benchmarks.against COMMIT [--turns 4] [--out docs/performance-change.md]

Each turn is a short `main.py bench` of either, so that whatever else the machine does meets both alike. What counts is
the ratio of the medians.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_SHORT: Final = ("--rounds", "1", "--orders", "200", "--memory-orders", "0", "--starts", "0")
_SECTION: Final = re.compile(r"^## (1|50) in flight$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")

_FIGURES: Final[Mapping[str, tuple[int, int]]] = {
    "orders per second": (0, 1),
    "p50, ms": (0, 3),
    "CPU of the worker, ms per order": (1, 3),
}
"""For each figure which of the section's rows for FlowForge has it, and in which column."""

Measured = dict[tuple[str, str], list[float]]


def main() -> None:
    """Measure in turns, and write the table."""
    arguments = _arguments()
    before: Measured = {}
    after: Measured = {}
    with tempfile.TemporaryDirectory(prefix="bench-against-") as name:
        folder = Path(name)
        other = folder / "before"
        _git("worktree", "add", "--quiet", "--detach", str(other), arguments.commit)
        try:
            for turn in range(arguments.turns):
                print(f"turn {turn + 1} of {arguments.turns}", flush=True)
                for where, measured in ((other, before), (_ROOT, after)):
                    _measure(where, folder / "report.md", measured)
        finally:
            _git("worktree", "remove", "--force", str(other))
    text = _report(_git("rev-parse", "--short", arguments.commit), before, after, arguments.turns)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against")
    parser.add_argument("commit")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "performance-change.md")
    return parser.parse_args()


def _measure(where: Path, report: Path, measured: Measured) -> None:
    # Commits from before there were definitions measure orders only, and have no word for it.
    only = ("--only", "orders") if (where / "benchmarks" / "engine.py").exists() else ()
    command = (sys.executable, "main.py", "bench", *_SHORT, *only, "--out", str(report))
    subprocess.run(command, cwd=where, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own benchmark
    for in_flight, section in _SECTION.findall(report.read_text(encoding="utf-8")):
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| FlowForge |")]
        for figure, (row, column) in _FIGURES.items():
            found = _NUMBER.search(rows[row][column + 1])
            if found is None:
                raise ValueError(f"the report has no {figure} at {in_flight} in flight")
            measured.setdefault((in_flight, figure), []).append(float(found[0]))


def _report(commit: str, before: Measured, after: Measured, turns: int) -> str:
    now_at = _git("rev-parse", "--short", "HEAD")
    told = f"{commit} (before) and {now_at} (after) were measured {turns} times each, in turns; medians."
    lines = [
        "# Performance, before and after",
        "",
        f"Written by `python -m benchmarks.against {commit}`; do not edit. {told}",
        "",
        "| in flight | | before | after | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (in_flight, figure), figures in before.items():
        was, now = statistics.median(figures), statistics.median(after[in_flight, figure])
        lines.append(f"| {in_flight} | {figure} | {was:.1f} | {now:.1f} | {now / was:.2f} |")
    return "\n".join((*lines, ""))


def _git(*arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


if __name__ == "__main__":
    main()

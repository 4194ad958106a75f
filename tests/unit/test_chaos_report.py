"""The report of the fault campaign: each scenario's latest outcome stays, with the seed and commit it came from."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import Circumstances
from chaos.judge import Verdict
from chaos.plan import FULL_MINUTES, Plan
from chaos.report import BEGIN, END, write

ORDER = ("points", "storm")
WHERE = Circumstances(date="2026-01-01", commit="abc", machine="one", software="two", load_average="0.1")


def plan(out: Path, *, seed: int = 7, minutes: float = FULL_MINUTES) -> Plan:
    return Plan.of(seed=seed, minutes=minutes, kills=None, command="chaos", out=out)


def verdict(name: str, *violations: str) -> Verdict:
    ends, hits = Counter(completed=1_200, failed=3), Counter({"a:before": 5})
    return Verdict(name=name, ends=ends, hits=hits, violations=list(violations))


def test_outcomes_of_two_runs_stand_side_by_side_each_with_its_commit(tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    write(plan(out), WHERE, "storm", verdict("random kills"), ORDER)
    write(plan(out, seed=8), replace(WHERE, commit="def"), "points", verdict("each point"), ORDER)
    text = out.read_text()
    assert text.index("| each point | 1,203 |") < text.index("| random kills | 1,203 |")
    assert "| `points` | 8 | def | 2026-01-01 | the whole |" in text
    assert "| `storm` | 7 | abc |" in text
    assert "| `a:before` | 5 | 5 |" in text


def test_run_again_replaces_what_the_scenario_came_to_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    out.write_text(f"before\n{BEGIN}{END}after\n")
    write(plan(out), WHERE, "storm", verdict("random kills", "one was lost"), ORDER)
    assert "one was lost" in out.read_text()
    write(plan(out, minutes=3), WHERE, "storm", verdict("random kills"), ORDER)
    text = out.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "one was lost" not in text
    assert "**shorter**" in text
    assert [each["scenario"] for each in json.loads(out.with_suffix(".json").read_text())] == ["storm"]

"""Writes what was done and what came of it: as data, and as tables into docs/reliability.md, between two marks.

Every scenario keeps what its latest run came to, with that run's seed and commit; a run replaces those that it made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks.machine import Circumstances
from benchmarks.tables import table
from chaos.judge import Verdict
from chaos.plan import Plan

BEGIN: Final = "<!-- written by make chaos: do not edit -->\n"
END: Final = "<!-- end of what make chaos wrote -->\n"

_ENDS: Final = ("completed", "failed", "cancelled", "returned")
_SHOWN: Final = 10

Entry = Mapping[str, Any]
"""What one scenario came to: `scenario`, `seed`, `command`, `whole`, `where` (the circumstances), `verdict`."""


def write(plan: Plan, where: Circumstances, scenario: str, verdict: Verdict, order: Sequence[str]) -> None:
    """Put one scenario's outcome into the data beside the report, and the tables of all into the report.

    Args:
        plan: of the run.
        where: on what machine, at which commit.
        scenario: its name.
        verdict: its outcome.
        order: the names of all scenarios, as the tables have them.
    """
    data = plan.out.with_suffix(".json")
    entries: list[Entry] = json.loads(data.read_text(encoding="utf-8")) if data.exists() else []
    entry = {
        "scenario": scenario,
        "seed": plan.seed,
        "command": plan.command,
        "whole": plan.is_whole,
        "where": asdict(where),
        "verdict": vars(verdict),
    }
    kept = [each for each in entries if each["scenario"] != scenario and each["scenario"] in order]
    entries = sorted([*kept, entry], key=lambda each: order.index(each["scenario"]))
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    text = plan.out.read_text(encoding="utf-8") if plan.out.exists() else f"# Reliability\n\n{BEGIN}{END}"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    plan.out.write_text(f"{before}{BEGIN}\n{render(entries)}\n{END}{after}", encoding="utf-8")


def render(entries: Sequence[Entry]) -> str:
    """Return the tables of all scenarios."""
    verdicts = [each["verdict"] for each in entries]
    parts = [
        table(
            ("fault", "orders", *_ENDS, "drained after, s", "took, s", "violations"),
            list(map(_summary, verdicts)),
        ),
        table(
            ("scenario", "seed", "commit", "date", "extent", "load average before"),
            [
                (
                    f"`{each['scenario']}`",
                    str(each["seed"]),
                    each["where"]["commit"],
                    each["where"]["date"],
                    "the whole" if each["whole"] else "**shorter**: its counts stand for nothing but themselves",
                    each["where"]["load_average"],
                )
                for each in entries
            ],
        ),
        *(
            f"On {what}.\n"
            for what in dict.fromkeys(f"{e['where']['machine']}; {e['where']['software']}" for e in entries)
        ),
        "\n",
        table(("fault", "what was done", "times"), list(_done(verdicts))),
        _hits(verdicts),
    ]
    for verdict in verdicts:
        violations = verdict["violations"]
        if violations:
            parts.append(f"Violations, {verdict['name']}:\n\n")
            parts += [f"- {violation}\n" for violation in violations[:_SHOWN]]
            parts.append(f"- and {len(violations) - _SHOWN} more\n" * (len(violations) > _SHOWN))
            parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _summary(verdict: Entry) -> tuple[str, ...]:
    violations = len(verdict["violations"])
    return (
        verdict["name"],
        f"{sum(verdict['ends'].values()):,}",
        *(f"{verdict['ends'].get(status, 0):,}" for status in _ENDS),
        f"{verdict['drained_s']:.1f}" if verdict["drained_s"] else "",
        f"{verdict['took_s']:.0f}",
        f"**{violations}**" if violations else "0",
    )


def _done(verdicts: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    for verdict in verdicts:
        name = verdict["name"]
        for what, times in [*verdict["done"].items(), *verdict["counted"].items()]:
            yield name, what, f"{times:,}" if isinstance(times, int) else times
            name = ""


def _hits(verdicts: Sequence[Entry]) -> str:
    hit = [verdict for verdict in verdicts if verdict["hits"]]
    if not hit:
        return ""
    points = sorted({point for verdict in hit for point in verdict["hits"]})
    head = ("fault point", *(verdict["name"] for verdict in hit))
    rows = [(f"`{point}`", *(str(verdict["hits"].get(point, 0)) for verdict in hit)) for point in points]
    return "How often each fault point was hit:\n\n" + table(head, rows)

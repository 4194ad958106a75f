"""Writes what was done and what came of it into docs/reliability.md, between two marks; the rest is written by hand."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.machine import Circumstances
from chaos.judge import Verdict
from chaos.plan import Plan

BEGIN: Final = "<!-- written by make chaos: do not edit -->\n"
END: Final = "<!-- end of what make chaos wrote -->\n"

_SHOWN: Final = 10


def write(plan: Plan, where: Circumstances, verdicts: Sequence[Verdict]) -> None:
    """Put the tables into the report's file, in place of those that are there."""
    text = plan.out.read_text(encoding="utf-8") if plan.out.exists() else f"# Reliability\n\n{BEGIN}{END}"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    plan.out.write_text(f"{before}{BEGIN}\n{render(plan, where, verdicts)}\n{END}{after}", encoding="utf-8")


def render(plan: Plan, where: Circumstances, verdicts: Sequence[Verdict]) -> str:
    """Return the tables."""
    violations = sum(len(verdict.violations) for verdict in verdicts)
    extent = "the whole" if plan.is_whole else "**a shorter run**: its counts stand for nothing but themselves"
    parts = [
        _table(
            ("", ""),
            [
                ("date", where.date),
                ("commit", where.commit),
                ("command", f"`{plan.command}`"),
                ("seed", str(plan.seed)),
                ("extent", extent),
                ("machine", where.machine),
                ("software", where.software),
                ("load average before", where.load_average),
                ("violations", f"**{violations}**" if violations else "0"),
            ],
        ),
        _table(
            ("fault", "orders", "completed", "failed", "cancelled", "drained after, s", "took, s", "violations"),
            [
                (
                    verdict.name,
                    f"{verdict.orders:,}",
                    *(f"{verdict.ends[status]:,}" for status in ("completed", "failed", "cancelled")),
                    f"{verdict.drained_s:.1f}" if verdict.drained_s else "",
                    f"{verdict.took_s:.0f}",
                    str(len(verdict.violations)),
                )
                for verdict in verdicts
            ],
        ),
        _table(("fault", "what was done", "times"), list(_done(verdicts))),
        _hits(verdicts),
    ]
    for verdict in verdicts:
        if verdict.violations:
            parts.append(f"Violations, {verdict.name}:\n\n")
            parts += [f"- {violation}\n" for violation in verdict.violations[:_SHOWN]]
            parts.append(f"- and {len(verdict.violations) - _SHOWN} more\n" * (len(verdict.violations) > _SHOWN))
            parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _done(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, ...]]:
    for verdict in verdicts:
        name = verdict.name
        for what, times in [*verdict.done.items(), *verdict.counted.items()]:
            yield name, what, f"{times:,}" if isinstance(times, int) else times
            name = ""


def _hits(verdicts: Sequence[Verdict]) -> str:
    hit = [verdict for verdict in verdicts if verdict.hits]
    if not hit:
        return ""
    points = sorted({point for verdict in hit for point in verdict.hits})
    head = ("fault point", *(verdict.name for verdict in hit))
    rows = [(f"`{point}`", *(str(verdict.hits[point]) for verdict in hit)) for point in points]
    return "How often each fault point was hit:\n\n" + _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"

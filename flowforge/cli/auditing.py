"""The audit's questions and their answers, as a table."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.composition import Fulfilment
from flowforge.engine.audit import audit as audit_runs
from flowforge.engine.lost import find_lost as find_lost_runs
from flowforge.errors import TemporalUnavailable
from flowforge.orders.audit import audit
from flowforge.orders.lost import find_lost
from flowforge.settings import Settings
from flowforge.temporal.client import connect
from flowforge.temporal.target import TemporalTarget

_SHOWN: Final = 20
_NARROWEST: Final = 80

Verdict = Literal["ok", "violated", "listed", "not checked"]

_STYLES: Final[dict[Verdict, str]] = {
    "ok": "green",
    "violated": "bold red",
    "listed": "yellow",
    "not checked": "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one check.

    Attributes:
        count: how many offenders there are.
        offenders: the first of them; where nothing was checked, why not.
    """

    area: str
    name: str
    verdict: Verdict
    count: int = 0
    offenders: tuple[str, ...] = ()


async def examine(settings: Settings, fulfilment: Fulfilment) -> list[Answer]:
    """Run every check of the database, and compare open orders with Temporal where it answers."""
    answers = []
    for finding in [*await fulfilment.database.read(audit), *await fulfilment.database.read(audit_runs)]:
        verdict: Verdict = "violated" if finding.is_violation else "listed" if finding.count else "ok"
        check = finding.check
        answers.append(
            Answer(area=check.area, name=check.name, verdict=verdict, count=finding.count, offenders=finding.examples)
        )
    return [*answers, *await _compare_with_temporal(settings, fulfilment)]


def report(answers: list[Answer]) -> int:
    """Print the answers; return the exit code."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for answer in answers:
        verdict = f"{answer.verdict} ({answer.count})" if answer.count else answer.verdict
        told = Text(answer.name)
        for offender in answer.offenders:
            told.append(f"\n  {offender}", style=_STYLES[answer.verdict])
        if answer.count > len(answer.offenders):
            told.append(f"\n  and {answer.count - len(answer.offenders)} more")
        table.add_row(answer.area, Text(verdict, style=_STYLES[answer.verdict]), told)
    console.print(table)
    violated = sum(answer.verdict == "violated" for answer in answers)
    console.print()
    if violated:
        console.print(f"{violated} of {len(answers)} checks are violated", style=_STYLES["violated"])
        return 1
    unchecked = sum(answer.verdict == "not checked" for answer in answers)
    console.print(f"{len(answers) - unchecked} checks, no violation", style=_STYLES["ok"])
    return 0


async def _compare_with_temporal(settings: Settings, fulfilment: Fulfilment) -> list[Answer]:
    orders = Answer(area="liveness", name="every open order has a running workflow in Temporal", verdict="ok")
    runs = Answer(area="runs", name="every open run has a running workflow in Temporal", verdict="ok")
    try:
        client = await connect(TemporalTarget.of(settings))
        lost = await find_lost(client, fulfilment.reads)
        lost_runs = await find_lost_runs(client, fulfilment.database)
    except TemporalUnavailable as away:
        return [replace(each, verdict="not checked", offenders=(away.message,)) for each in (orders, runs)]
    return [
        _lost(
            replace(orders, name=orders.name + (f" (of the newest {lost.checked})" if lost.is_capped else "")),
            [f"{order.order_id} ({order.status})" for order in lost.orders],
        ),
        _lost(
            replace(runs, name=runs.name + (f" (of the oldest {lost_runs.checked})" if lost_runs.is_capped else "")),
            [f"{run.execution_id} ({run.status})" for run in lost_runs.runs],
        ),
    ]


def _lost(answer: Answer, offenders: list[str]) -> Answer:
    if not offenders:
        return answer
    return replace(answer, verdict="violated", count=len(offenders), offenders=tuple(offenders[:_SHOWN]))

"""`executions show` and `executions history`: all there is to know about one run."""

from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.executions.listing import started_at
from flowforge.cli.executions.look import compact, reason, status_text, took
from flowforge.cli.orders.look import age, console, moment, plain, print_json
from flowforge.cli.orders.showing import print_event
from flowforge.client import FlowForge
from flowforge.remote.answers import Execution, RunEvent, StepResult

_LONGEST_VALUE: Final = 200
_STEP_LOOK: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("·", "dim"),
    "running": ("…", "cyan"),
    "waiting": ("…", "yellow"),
    "success": ("✔", "green"),
    "failed": ("✖", "bold red"),
    "skipped": ("-", "dim"),
    "compensated": ("↩", "magenta"),
}
_UNDO_LOOK: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("·", "dim"),
    "running": ("…", "magenta"),
    "done": ("↩", "magenta"),
    "not_needed": ("=", "dim"),
    "failed": ("✖", "bold red"),
    "written_off": ("✖", "yellow"),
}


async def print_run(flowforge: FlowForge, execution_id: str, *, as_json: bool) -> None:
    """Print a run: its steps with what came of them, its undos, what it waits for."""
    run = await flowforge.status(execution_id)
    if as_json:
        print_json(run.as_json())
        return
    screen = console()
    screen.print(Text.assemble((run.execution_id, "bold"), "  "), status_text(run.status), sep="", soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, fact in _facts(run):
        table.add_row(f"  {label}", Text(plain(fact)))
    screen.print(table)
    _print_steps(screen, run)
    _print_undos(screen, run)
    _print_waiting(screen, run)
    print_what_to_do(screen, run)


async def print_history(flowforge: FlowForge, execution_id: str, *, as_json: bool) -> None:
    """Print everything that has happened to a run."""
    events = await flowforge.history(execution_id)
    if as_json:
        print_json([event.as_json() for event in events])
        return
    run = await flowforge.status(execution_id)
    for event in events:
        print_run_event(console(), event, began=started_at(run))


def print_run_event(screen: Console, event: RunEvent, *, began: str) -> None:
    """Print an event: how long after the run began, of what, and what of it."""
    print_event(screen, {**event.as_json(), "step": event.step_id or "the run"}, began)


def _facts(run: Execution) -> Iterator[tuple[str, str]]:
    started = started_at(run)
    yield "workflow", f"{run.workflow_id}, revision {run.revision}"
    yield "started", f"{moment(started)}, {age(started)} ago"
    if run.end_time is not None:
        yield "took", took(run.duration)
    yield "input", _short(compact(run.input))
    if run.output is not None:
        yield "output", _short(compact(run.output))
    if run.cancel_reason is not None:
        yield "cancelled", run.cancel_reason
    elif run.error is not None:
        yield "failed", reason(run)
    if run.generation > 1:
        yield "generation", str(run.generation)
    yield from _links(run)
    if run.tenant_id is not None:
        yield "tenant", run.tenant_id
    if run.metadata:
        yield "labels", compact(run.metadata)
    yield "Temporal", run.temporal_url


def _links(run: Execution) -> Iterator[tuple[str, str]]:
    if run.parent_execution_id is not None:
        yield "started by", run.parent_execution_id
    if run.replay_of is not None:
        yield "replays", run.replay_of
    for other in run.replays:
        yield "replayed by", other


def _print_steps(screen: Console, run: Execution) -> None:
    if not run.step_results:
        return
    screen.print("\n[bold]Steps[/]")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True, style="dim", justify="right")
    table.add_column(ratio=1, overflow="fold")
    for step in run.step_results.values():
        mark, style = _STEP_LOOK.get(step.status, ("?", ""))
        name = step.step_id if step.visit == 1 else f"{step.step_id}, visit {step.visit}"
        table.add_row(Text(f"  {mark}", style), Text(plain(name)), _took(step), _came_of(step))
    screen.print(table)


def _took(step: StepResult) -> str:
    tries = "" if step.attempts < 2 else f"{step.attempts} attempts, "
    return "" if step.duration is None else f"{tries}{step.duration} ms"


def _came_of(step: StepResult) -> Text:
    if step.error is not None:
        return Text(plain(f"{step.error.code}: {step.error.message}"), style="red")
    return Text("" if step.result is None else _short(compact(step.result)), style="dim")


def _print_undos(screen: Console, run: Execution) -> None:
    if not run.compensations:
        return
    screen.print("\n[bold]Undone[/]")
    for undo in run.compensations:
        mark, style = _UNDO_LOOK.get(undo.status, ("?", ""))
        what = plain(f" {undo.name}: {undo.action} {undo.status.replace('_', ' ')}")
        screen.print(Text.assemble("  ", (mark, style), what))
        if undo.error is not None:
            screen.print(Text(f"    {plain(f'{undo.error.code}: {undo.error.message}')}", style="red"))
        if undo.written_off is not None:
            screen.print(Text(f"    written off by {plain(undo.written_off)}", style="yellow"))
    if sum(run.compensation_counts.values()) > len(run.compensations):
        counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in run.compensation_counts.items())
        screen.print(f"  … of all: {counts}", markup=False)


def _print_waiting(screen: Console, run: Execution) -> None:
    if not run.waiting:
        return
    screen.print("\n[bold]Waits[/]")
    for each in run.waiting:
        awaited = "" if each.event is None else f" for the event {each.event}"
        until = "" if each.wake_at is None else f" until {moment(each.wake_at.isoformat())}"
        why = "" if each.reason is None else f": {each.reason}"
        screen.print(Text(plain(f"  {each.step_id}{awaited}{until}{why}")))


def print_what_to_do(screen: Console, run: Execution) -> None:
    """Print what an operator may do about a run that waits for one."""
    if run.status != "needs_attention":
        return
    screen.print("\nIt waits for you. When the cause is out of the way, or if it never will be:", style="bold red")
    name = plain(run.execution_id)
    stuck = list(dict.fromkeys(undo.step_id for undo in run.compensations if undo.status == "failed"))
    lines = [f"{verb} {name} {plain(step)}" for step in stuck for verb in ("retry-compensation", "write-off")]
    for line in lines or [f"retry {name}", f"compensate {name}"]:
        reasoned = " --reason …" if line.startswith("write-off") else ""
        screen.print(f"  main.py executions {line}{reasoned}", markup=False, soft_wrap=True)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"

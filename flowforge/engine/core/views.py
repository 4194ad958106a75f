"""What a state means to people and to readers, and what a shell has to start anew when it takes a state over."""

from dataclasses import dataclass
from typing import Literal

from flowforge.engine.core.commands import Command, Decide, Run, StartTimer, Undo
from flowforge.engine.core.events import Question
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import RUN, State

RunStatus = Literal[
    "pending",
    "running",
    "waiting",
    "paused",
    "compensating",
    "completed",
    "failed",
    "compensated",
    "cancelled",
    "needs_attention",
]
"""What a run is called. One that an operator holds after a failure needs attention."""

StepView = Literal["pending", "running", "waiting", "success", "failed", "skipped", "compensated"]
"""What a step is called."""

_BY_PHASE: dict[str, RunStatus] = {
    "new": "pending",
    "held": "needs_attention",
    "stopping": "compensating",
    "undoing": "compensating",
    "attention": "needs_attention",
    "completed": "completed",
    "failed": "failed",
    "compensated": "compensated",
    "cancelled": "cancelled",
}
_UNDONE = frozenset({"done", "not_needed", "written_off"})
_NOTHING_UNDONE = frozenset({"new", "forward", "held", "stopping"})
_AT_REST = frozenset({"waiting", "suspended"})


def run_status(state: State) -> RunStatus:
    """Return what a run is called."""
    if state.phase in _BY_PHASE:
        return _BY_PHASE[state.phase]
    if state.paused:
        return "paused"
    stages = {task.stage for task in state.tasks.values()}
    return "waiting" if stages and stages <= _AT_REST else "running"


def step_view(state: State, step: str) -> StepView:
    """Return what a step is called; one whose undos are all done is compensated, however it had ended."""
    found = state.steps.get(step)
    if found is None or found.status == "pending":
        return "pending"
    if state.phase not in _NOTHING_UNDONE:
        undos = [entry.status for entry in state.undos if entry.key.step == step]
        if undos and all(status in _UNDONE for status in undos):
            return "compensated"
    match found.status:
        case "succeeded":
            return "success"
        case "skipped":
            return "skipped"
        case "failed" | "cancelled":
            return "failed"
    stages = {task.stage for key, task in state.tasks.items() if key.step == step}
    return "waiting" if stages and stages <= _AT_REST else "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The steps of a run by what became of them, in the order of the definition."""

    current: tuple[str, ...]
    completed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


def progress(plan: Plan, state: State) -> Progress:
    """Return which steps are under way, succeeded, failed or were skipped."""
    found: dict[str, list[str]] = {"active": [], "succeeded": [], "failed": [], "cancelled": [], "skipped": []}
    found["cancelled"] = found["failed"]
    for step in plan.steps:
        known = state.steps.get(step)
        if known is not None and known.status != "pending":  # it is to be come to again, and nothing has begun yet
            found[known.status].append(step)
    return Progress(
        current=tuple(found["active"]),
        completed=tuple(found["succeeded"]),
        failed=tuple(found["failed"]),
        skipped=tuple(found["skipped"]),
    )


def outstanding(plan: Plan, state: State) -> tuple[Command, ...]:
    """Return the commands whose answers a state waits for: what a shell issues when it takes the state over.

    Timers have their full length: a shell that knows since when they run has them start with the rest. An action that
    is being cancelled is run, for whoever issues this cancels it at once.
    """
    found: list[Command] = []
    for key, task in state.tasks.items():
        if task.stage in {"condition", "items", "transition", "output"}:
            question: Question = task.stage
            found.append(Decide(None if key == RUN else key, question))
        elif task.stage in {"running", "cancelling"}:
            found.append(Run(key))
        elif task.stage in {"undoing", "delayed"}:
            found.append(Undo(key))
        elif task.stage == "waiting":
            wait = plan.steps[key.step].definition.wait
            if wait is not None:
                found.append(StartTimer(key, wait))
        elif task.wait is not None and task.wait.timeout is not None:
            found.append(StartTimer(key, task.wait.timeout))
    return tuple(found)

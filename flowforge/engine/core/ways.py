"""What comes after a step has ended: whom its end lets start, skips, or turns the run back."""

from dataclasses import replace
from typing import Any, Final

from flowforge.engine.core.commands import Decide, Finish
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, Outcome, StepError
from flowforge.engine.core.plan import CONDITION, PlannedStep
from flowforge.engine.core.state import RUN, StepState, StepStatus, Task, Way
from flowforge.engine.core.turn import Turn
from flowforge.engine.core.unwinding import fail
from flowforge.engine.definition.step import Step, Transitions

CANCELLED: Final = StepError(code="cancelled", message="cancelled")
"""Why something did not succeed of which nothing else is known."""


def step_ended(turn: Turn, key: Key, outcome: Outcome, *, to_branch: bool = False) -> None:
    """Note how a step as a whole ended, and go on.

    Args:
        turn: what is going on.
        key: the step in its visit.
        outcome: how it ended.
        to_branch: whether a failure goes to the error branch whatever else the step says.
    """
    step = turn.plan.steps[key.step].definition
    if outcome.kind == "succeeded":
        keep(turn, step, outcome.result)
        shut = step.action == CONDITION and outcome.result is False and not turn.plan.definition.is_state_machine
        _close(turn, key, outcome, "succeeded", "shut" if shut else "open")
        _go_on(turn, step, key, failed=False)
        return
    if turn.phase not in {"forward", "held"}:
        _close(turn, key, outcome, "cancelled" if outcome.kind == "cancelled" else "failed", "shut")
        return
    if to_branch or step.on_error == "branch":
        _close(turn, key, outcome, "failed", "branch")
        _go_on(turn, step, key, failed=True)
    elif step.on_error == "continue":
        keep(turn, step, outcome.result)
        _close(turn, key, outcome, "failed", "open")
        _go_on(turn, step, key, failed=False)
    elif isinstance(step.transitions, Transitions) and step.transitions.on_failure is not None:
        _close(turn, key, outcome, "failed", "branch")
        _go_on(turn, step, key, failed=True)
    else:
        _close(turn, key, outcome, "failed", "shut")
        fail(turn, Failure(kind="failed", error=outcome.error or CANCELLED, step=step.id))


def is_fatal(step: Step) -> bool:
    """Tell whether a failure of a step turns the run back."""
    onward = isinstance(step.transitions, Transitions) and step.transitions.on_failure is not None
    return step.on_error in {"fail", "retry"} and not onward


def step_skipped(turn: Turn, key: Key) -> None:
    """Note that a step does not run, and go on."""
    turn.steps[key.step] = StepState(status="skipped", visit=key.visit, way="shut")
    _go_on(turn, turn.plan.steps[key.step].definition, key, failed=False)


def way_chosen(turn: Turn, key: Key, index: int | None, error: StepError | None) -> None:
    """Take one of a state machine's ways, by its place in the step's list."""
    ways = turn.plan.steps[key.step].definition.transitions
    if error is None and index is not None and isinstance(ways, tuple):
        follow(turn, ways[index].to)
        return
    reason = error or StepError(code="no_transition", message=f"no transition of {key.step} has a true condition")
    turn.steps[key.step] = replace(turn.steps[key.step], way="")  # the step is done; a retry decides anew
    fail(turn, Failure(kind="failed", error=reason, step=key.step))


def follow(turn: Turn, to: str | None) -> None:
    """Go to a state machine's next step; with none the run is at its end."""
    if to is not None:
        turn.todo.append(to)


def readiness(turn: Turn, step: PlannedStep) -> Way:
    """Tell whether a step of a graph can start (`open`), never will (`shut`), or has to wait (``)."""
    if step.sources:
        ends = [turn.steps.get(source) for source in step.sources]
        if not any(end is not None and end.way == "branch" for end in ends):
            return "shut" if all(end is not None and end.way for end in ends) else ""
    needs = step.definition.depends_on
    if not needs:
        return "open"
    ways = [_way_to(turn, before, step) for before in needs]
    if step.definition.join == "any" and "open" in ways:
        return "open"
    if "" in ways:
        return ""
    return "open" if "open" in ways else "shut"


def complete(turn: Turn) -> None:
    """End a run in which nothing is left to do; its output is decided first."""
    if not turn.plan.definition.is_state_machine:
        for step in turn.plan.steps:
            known = turn.steps.get(step)
            if known is None or known.status == "pending":
                visit = 1 if known is None else known.visit
                turn.steps[step] = StepState(status="skipped", visit=visit, way="shut")
    if turn.plan.definition.output is not None:
        turn.tasks[RUN] = Task(stage="output")
        turn.emit(Decide(None, "output"))
    else:
        finish(turn, None)


def finish(turn: Turn, output: Any) -> None:
    """End the run as completed."""
    turn.output = output
    turn.phase = "completed"
    turn.emit(Finish("completed"))


def keep(turn: Turn, step: Step, result: Any) -> None:
    """Keep a result under the names by which expressions read it."""
    turn.values[step.id] = result
    if step.output_key is not None:
        turn.values[step.output_key] = result


def _close(turn: Turn, key: Key, outcome: Outcome, status: StepStatus, way: Way) -> None:
    error = None if outcome.kind == "succeeded" else outcome.error or CANCELLED
    turn.steps[key.step] = replace(turn.steps[key.step], status=status, way=way, kind=outcome.kind, error=error)


def _go_on(turn: Turn, step: Step, key: Key, *, failed: bool) -> None:
    if not turn.plan.definition.is_state_machine:
        turn.todo.extend(turn.plan.steps[step.id].followers)
        return
    if turn.phase != "forward":
        return
    ways = step.transitions
    if failed:
        follow(turn, step.error_branch or (ways.on_failure if isinstance(ways, Transitions) else None))
    elif isinstance(ways, tuple):
        turn.tasks[key] = Task(stage="transition")
        turn.emit(Decide(key, "transition"))
    elif ways is not None:
        follow(turn, ways.on_success)


def _way_to(turn: Turn, before: str, step: PlannedStep) -> Way:
    end = turn.steps.get(before)
    if end is None:
        return ""
    if end.way == "branch":
        return "open" if before in step.sources else "shut"
    return end.way

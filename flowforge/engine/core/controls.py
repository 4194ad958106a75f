"""What people do to a run: pause it, wake it, call it off, have a held one undone or tried again."""

from dataclasses import replace

from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Resumed, Retry
from flowforge.engine.core.forward import enter, wake
from flowforge.engine.core.items import pump
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, StepError
from flowforge.engine.core.plan import PlannedStep
from flowforge.engine.core.state import Items, StepState, Task
from flowforge.engine.core.turn import Turn
from flowforge.engine.core.unwinding import stop


def pause(turn: Turn) -> None:
    """Let no further action start."""
    if turn.phase == "forward":
        turn.paused = True


def resume(turn: Turn, event: Resumed) -> None:
    """Go on after a pause; where there was none, wake the first unit of work that waits."""
    if turn.paused:
        turn.paused = False
        return
    waiting = turn.in_order("suspended") if turn.phase == "forward" else []
    if waiting:
        wake(turn, waiting[0][0], event.data)


def cancel(turn: Turn, reason: str) -> None:
    """Call the run off; one that turns back already, or is over, does not notice."""
    if turn.phase in {"new", "forward", "held"}:
        turn.failure = Failure(kind="cancelled", error=StepError(code="cancelled", message=reason))
        stop(turn)


def overrule(turn: Turn, reason: str) -> None:
    """Turn a completed run back that had been called off before."""
    if turn.phase == "completed":
        turn.failure = Failure(kind="cancelled", error=StepError(code="cancelled", message=reason))
        stop(turn)


def expire(turn: Turn) -> None:
    """Turn the run back because its time is over."""
    if turn.phase == "forward":
        error = StepError(code="deadline", message="the run did not finish before its deadline")
        turn.failure = Failure(kind="deadline", error=error)
        stop(turn)


def compensate(turn: Turn) -> None:
    """Have a held run undone."""
    if turn.phase == "held":
        stop(turn)


def retry(turn: Turn, event: Retry) -> None:
    """Go on from where the run failed: what succeeded is kept, what failed or was called off is started again.

    A step that was refused is visited anew, with a new key: its old one has its answer. Of any other it is not known
    whether it happened, so it keeps its key, and whoever honours keys does it once.
    """
    if turn.phase != "held" and not (turn.phase == "failed" and not turn.undos):
        return
    again = [step for step in turn.plan.steps.values() if _may_run_again(turn.steps.get(step.definition.id))]
    if event.step is not None:
        if event.step not in {step.definition.id for step in again}:
            return
        again = [step for step in again if step.definition.id == event.step]
    turn.values.update(event.values)
    turn.phase, turn.failure = "forward", None
    for step in again:
        _run_again(turn, step)
    for name, state in turn.steps.items():
        if state.way == "" and state.status != "active":  # it had ended, and where to go next was not decided yet
            turn.tasks[Key(name, state.visit)] = Task(stage="transition")
            turn.emit(Decide(Key(name, state.visit), "transition"))
    if not turn.plan.definition.is_state_machine:
        turn.todo.extend(turn.plan.steps)


def _may_run_again(state: StepState | None) -> bool:
    return state is not None and state.way == "shut" and state.status in {"failed", "cancelled"}


def _run_again(turn: Turn, step: PlannedStep) -> None:
    state = turn.steps[step.definition.id]
    if state.items is not None:
        _run_items_again(turn, step, state, state.items)
        return
    refused = state.kind == "refused"
    key = Key(step.definition.id, state.visit + refused)
    if turn.undo_at(key) is not None:
        turn.repeated |= {key}
    enter(turn, key)


def _run_items_again(turn: Turn, step: PlannedStep, state: StepState, items: Items) -> None:
    again = tuple(
        Key(step.definition.id, failed.visit + (failed.kind == "refused"), failed.item) for failed in items.failed
    )
    turn.repeated |= {key for key in again if turn.undo_at(key) is not None}
    items = replace(items, again=(*items.again, *again), failed=(), error=None)
    visit = max((state.visit, *(key.visit for key in again)))  # a loop that comes again has yet another key
    turn.steps[step.definition.id] = StepState(status="active", visit=visit, items=items)
    pump(turn, step.definition.id)

"""The way forward: from a step that can start, through its condition, its wait and its action, to its end."""

from dataclasses import replace
from typing import Any

from flowforge.engine.core.commands import Decide, StartTimer, StopTimer
from flowforge.engine.core.events import Decided, EventArrived, ItemList, Suspended
from flowforge.engine.core.items import item_ended, items_known
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, Outcome, StepError, Wait
from flowforge.engine.core.state import RUN, Stage, StepState, Task
from flowforge.engine.core.stored import part_of
from flowforge.engine.core.turn import Turn
from flowforge.engine.core.unwinding import fail
from flowforge.engine.core.ways import complete, finish, readiness, step_ended, step_skipped, way_chosen


def begin(turn: Turn) -> None:
    """Start at the beginning."""
    if turn.phase != "new":
        return
    turn.phase = "forward"
    first = turn.plan.definition.initial_step_id
    turn.todo.extend([first] if first is not None else turn.plan.steps)


def drain(turn: Turn) -> None:
    """Look at everything that became possible, until nothing is left; then see whether the run is at its end."""
    while turn.phase == "forward":
        if turn.instant:
            settled(turn, *turn.instant.popleft())
        elif turn.todo:
            _look_at(turn, turn.todo.popleft())
        else:
            turn.feed()
            if not turn.instant:
                break
    while turn.instant:  # nothing was called, nothing needs to be stopped
        settled(turn, *turn.instant.popleft())
    if turn.phase == "forward" and not turn.tasks:
        complete(turn)


def enter(turn: Turn, key: Key) -> None:
    """Come to a step, for this visit."""
    before = turn.steps.get(key.step)
    if before is not None and before.items is not None:
        _keep_items_for_undo(turn, key.step, before.items.value)
    if key.visit > turn.plan.max_visits:
        error = StepError(code="too_many_visits", message=f"{key.step} was visited {turn.plan.max_visits} times")
        turn.steps[key.step] = StepState(status="failed", visit=key.visit - 1, way="shut", kind="refused", error=error)
        fail(turn, Failure(kind="failed", error=error, step=key.step))
        return
    if before is not None and before.visit == key.visit and turn.undo_at(key) is not None:
        turn.repeated |= {key}
    turn.steps[key.step] = StepState(status="active", visit=key.visit)
    _next_stage(turn, key, after=None)


def decided(turn: Turn, event: Decided) -> None:
    """Go on with the answer to a question."""
    key = event.key or RUN
    if turn.take(key, event.question) is None:
        return
    if event.question == "output":
        if event.error is not None:
            fail(turn, Failure(kind="failed", error=event.error))
        else:
            finish(turn, event.answer)
    elif event.question == "transition":
        way_chosen(turn, key, event.answer, event.error)
    elif event.error is not None:
        step_ended(turn, key, Outcome(kind="failed", error=event.error, began=False))
    elif isinstance(event.answer, ItemList):
        items_known(turn, key, event.answer)
    elif event.answer:
        _next_stage(turn, key, after="condition")
    else:
        step_skipped(turn, key)


def settled(turn: Turn, key: Key, outcome: Outcome) -> None:
    """Note how an action ended."""
    if turn.take(key, "running", "cancelling") is not None:
        _ended(turn, key, outcome)


def suspended(turn: Turn, event: Suspended) -> None:
    """Have a unit of work wait; one that is being cancelled does not."""
    task = turn.take(event.key, "running", "cancelling")
    if task is None:
        return
    if task.stage == "cancelling":
        _ended(turn, event.key, Outcome(kind="cancelled"))
        return
    data = _mail_for(turn, event.wait)
    if data is not None:
        _ended(turn, event.key, Outcome(kind="succeeded", result=data[0]))
        return
    turn.tasks[event.key] = Task(stage="suspended", wait=event.wait)
    if event.wait.timeout is not None:
        turn.emit(StartTimer(event.key, event.wait.timeout))


def timer_fired(turn: Turn, key: Key) -> None:
    """Go on after a wait."""
    if turn.take(key, "waiting") is not None:
        _next_stage(turn, key, after="waiting")
        return
    task = turn.take(key, "suspended")
    if task is None or task.wait is None:
        return
    wait = task.wait
    if wait.event is None or wait.on_timeout == "continue":
        _ended(turn, key, Outcome(kind="succeeded"))
        return
    error = StepError(code="event_timeout", message=f"{wait.event} did not come in time")
    _ended(turn, key, Outcome(kind="timed_out", error=error), to_branch=wait.on_timeout == "branch")


def event_arrived(turn: Turn, event: EventArrived) -> None:
    """Wake the first unit of work that waits for an event of this name, or keep it for one that will."""
    waiting = [
        key for key, task in turn.in_order("suspended") if task.wait is not None and task.wait.event == event.name
    ]
    if waiting:
        wake(turn, waiting[0], event.data)
    elif turn.phase in {"forward", "held"}:
        turn.mail = (*turn.mail, (event.name, event.data))


def wake(turn: Turn, key: Key, data: Any) -> None:
    """End a wait, with data as its result; one that comes before an action has none."""
    if turn.take(key, "waiting") is not None:
        turn.emit(StopTimer(key))
        _next_stage(turn, key, after="waiting")
        return
    task = turn.take(key, "suspended")
    if task is None:
        return
    if task.wait is not None and task.wait.timeout is not None:
        turn.emit(StopTimer(key))
    _ended(turn, key, Outcome(kind="succeeded", result=data))


def _look_at(turn: Turn, step: str) -> None:
    known = turn.steps.get(step)
    if turn.plan.definition.is_state_machine:
        enter(turn, Key(step, 1 if known is None else known.visit + 1))
    elif known is None or known.status == "pending":
        key = Key(step) if known is None else Key(step, known.visit)
        ready = readiness(turn, turn.plan.steps[step])
        if ready == "open":
            enter(turn, key)
        elif ready == "shut":
            step_skipped(turn, key)


def _next_stage(turn: Turn, key: Key, *, after: Stage | None) -> None:
    step = turn.plan.steps[key.step].definition
    if step.condition is not None and after is None:
        turn.tasks[key] = Task(stage="condition")
        turn.emit(Decide(key, "condition"))
    elif step.wait is not None and after != "waiting":
        turn.tasks[key] = Task(stage="waiting")
        turn.emit(StartTimer(key, step.wait))
    elif step.for_each is not None:
        turn.tasks[key] = Task(stage="items")
        turn.emit(Decide(key, "items"))
    else:
        turn.launch(key)


def _ended(turn: Turn, key: Key, outcome: Outcome, *, to_branch: bool = False) -> None:
    if outcome.kind == "succeeded":
        if turn.plan.steps[key.step].has_undo:
            turn.change_undo(key, answered=True, result=outcome.result)
    elif not outcome.began:
        turn.forget_undo(key)
    if key.item is not None:
        item_ended(turn, key, outcome)
    else:
        step_ended(turn, key, outcome, to_branch=to_branch)


def _mail_for(turn: Turn, wait: Wait) -> tuple[Any] | None:
    for at, (name, data) in enumerate(turn.mail):
        if name == wait.event:
            turn.mail = (*turn.mail[:at], *turn.mail[at + 1 :])
            return (data,)
    return None


def _keep_items_for_undo(turn: Turn, step: str, values: Any) -> None:
    """Let each undo of an earlier visit keep its item: the step is about to have others."""
    turn.undos = tuple(
        replace(entry, item=(part_of(values, entry.key.item),))
        if entry.key.step == step and entry.key.item is not None and not entry.item
        else entry
        for entry in turn.undos
    )

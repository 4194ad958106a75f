"""The way back: stop what is in flight, wait until it has settled, then undo, the last started first.

No undo keeps the others from running. One that fails for good leaves the run open, for an operator to retry it or
write it off; everything else is undone all the same.

A step that may have begun unseen is undone whatever the run knows of it: where nothing was done, its undo sees to it
that nothing will be.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Final

from flowforge.engine.core.commands import Cancel, End, Finish, StopTimer, Undo
from flowforge.engine.core.events import UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, StepError
from flowforge.engine.core.state import FailedItem, Task, UndoEntry
from flowforge.engine.core.turn import Turn

_ABANDONED: Final = StepError(code="abandoned", message="its workflow was gone, so it was undone")


def fail(turn: Turn, failure: Failure) -> None:
    """Turn the run back, or hold it where its definition says so; only the first failure counts."""
    if turn.phase != "forward":
        return
    turn.failure = failure
    if failure.kind == "failed" and turn.plan.definition.failure_policy == "hold":
        turn.phase = "held"
    else:
        stop(turn)


def stop(turn: Turn) -> None:
    """Cancel what is in flight and let go of everything else that was under way."""
    turn.phase = "stopping"
    turn.todo.clear()
    turn.backlog = ()
    for key, task in turn.in_order("running"):
        turn.tasks[key] = replace(task, stage="cancelling")
        turn.emit(Cancel(key))
    for key, task in turn.in_order("condition", "waiting", "items", "queued", "suspended", "transition", "output"):
        del turn.tasks[key]
        _let_go(turn, key, task)
        if task.stage == "waiting" or (task.wait is not None and task.wait.timeout is not None):
            turn.emit(StopTimer(key))
    close_steps(turn)


def close_steps(turn: Turn) -> None:
    """Call those steps cancelled of which nothing is under way any more."""
    busy = {key.step for key in turn.tasks}
    for step, state in turn.steps.items():
        if state.status == "active" and step not in busy:
            turn.steps[step] = replace(state, status="cancelled", way="shut", kind=state.kind or "cancelled")


def _let_go(turn: Turn, key: Key, task: Task) -> None:
    """Remember what was not finished, for whoever has the run go on later."""
    state = turn.steps.get(key.step)
    if state is None:
        return
    if task.stage == "transition":
        turn.steps[key.step] = replace(state, way="")
    elif state.items is not None and key.item is not None:
        unfinished = FailedItem(item=key.item, visit=key.visit, kind="cancelled")
        items = replace(state.items, failed=(*state.items.failed, unfinished))
        turn.steps[key.step] = replace(state, items=items)


def abandon(turn: Turn, cancelled: str | None) -> None:
    """Turn the run back, or begin the undos anew that were under way; nothing is in flight any more."""
    turn.tasks.clear()
    turn.backlog = ()
    if turn.phase in {"new", "forward", "held"}:
        if cancelled is not None:
            turn.failure = Failure(kind="cancelled", error=StepError(code="cancelled", message=cancelled))
        elif turn.failure is None:
            turn.failure = Failure(kind="failed", error=_ABANDONED)
        stop(turn)
    elif turn.phase in {"undoing", "attention"}:
        turn.phase = "undoing"
        if turn.cursor < len(turn.undos) and turn.undos[turn.cursor].status == "running":
            turn.cursor += 1  # the last one that was begun is the next one in order; any other had its turn
        _again(turn, lambda at, entry: at >= turn.cursor and entry.status in {"running", "failed"})
        _go_on(turn)


def begin_undo(turn: Turn) -> None:
    """Begin to undo; nothing is in flight any more."""
    turn.phase = "undoing"
    turn.undos = (*turn.undos, *_unseen(turn))
    turn.cursor = len(turn.undos)
    _go_on(turn)


def _unseen(turn: Turn) -> Iterator[UndoEntry]:
    """Yield undos of actions that may have begun unseen; if they did, then after all that the run knows of."""
    steps = turn.plan.steps
    if not any(step.begins_unseen for step in steps.values()):
        return
    known = {entry.key for entry in turn.undos}
    for name in TopologicalSorter({name: step.definition.depends_on for name, step in steps.items()}).static_order():
        if steps[name].begins_unseen and Key(name) not in known:
            yield UndoEntry(key=Key(name), starts=0)


def undo_settled(turn: Turn, event: UndoSettled) -> None:
    """Note how an undo ended, and go on with the next one."""
    if turn.take(event.key, "undoing", "delayed") is not None:
        turn.change_undo(event.key, status=event.status, error=event.error)
        _go_on(turn)


def undo_delayed(turn: Turn, key: Key) -> None:
    """Begin the next undo beside one that takes long."""
    if turn.take(key, "undoing") is not None:
        turn.tasks[key] = Task(stage="delayed")
        _go_on(turn)


def retry_undos(turn: Turn, step: str) -> None:
    """Try a step's failed undos again, the last started first; they had their turn, and keep no other one waiting."""
    if _again(turn, lambda _, entry: entry.key.step == step and entry.status == "failed"):
        turn.phase = "undoing"
        _go_on(turn)


def write_off(turn: Turn, step: str, words: str) -> None:
    """Give a step's failed undos up."""
    turn.undos = tuple(
        replace(entry, status="written_off", written_off=words)
        if entry.key.step == step and entry.status == "failed"
        else entry
        for entry in turn.undos
    )
    _go_on(turn)


def _again(turn: Turn, is_meant: Callable[[int, UndoEntry], bool]) -> bool:
    """Queue undos that are to be tried again, the last started first; tell whether there are any."""
    meant = {entry.key for at, entry in enumerate(turn.undos) if is_meant(at, entry)}
    turn.undos = tuple(
        replace(entry, status="running", error=None) if entry.key in meant else entry for entry in turn.undos
    )
    turn.backlog = (*turn.backlog, *(entry.key for entry in reversed(turn.undos) if entry.key in meant))
    return bool(meant)


def _go_on(turn: Turn) -> None:
    """Begin as many undos as may be under way at once, or see what the end of the last one means."""
    if turn.phase not in {"undoing", "attention"}:
        return
    room = max(turn.plan.max_in_flight - len(turn.tasks), 0)
    starting, turn.backlog = turn.backlog[:room], turn.backlog[room:]
    for key in starting:
        turn.tasks[key] = Task(stage="delayed")
        turn.emit(Undo(key))
    if len(starting) == room or any(task.stage == "undoing" for task in turn.tasks.values()):
        return
    if turn.cursor > 0:
        turn.cursor -= 1
        key = turn.undos[turn.cursor].key
        turn.change_undo(key, status="running")
        turn.tasks[key] = Task(stage="undoing")
        turn.emit(Undo(key))
    elif not turn.tasks:
        if any(entry.status == "failed" for entry in turn.undos):
            turn.phase = "attention"
        else:
            _end(turn)


def _end(turn: Turn) -> None:
    cancelled = turn.failure is not None and turn.failure.kind == "cancelled"
    end: End = "cancelled" if cancelled else "compensated" if turn.undos else "failed"
    turn.phase = end
    turn.emit(Finish(end))

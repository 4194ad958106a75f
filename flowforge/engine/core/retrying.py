"""How a run is begun again: on from where it failed, with what succeeded kept, or from nothing once all is undone.

Nothing that was done and is kept is ever done again: whoever asks for that is told why not, before anything changes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Retry
from flowforge.engine.core.forward import begin, enter
from flowforge.engine.core.items import pump
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import CHILD, Plan, PlannedStep
from flowforge.engine.core.revising import misfits
from flowforge.engine.core.state import Items, State, StepState, Task
from flowforge.engine.core.step_bindings import StepBindings
from flowforge.engine.core.turn import Turn
from flowforge.engine.definition.step import targets

_STOPPED: Final = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a run cannot be begun again as somebody wishes.

    Attributes:
        code: stable, machine-readable.
        message: one sentence for people.
        step: the step that it is about, where it is about one.
    """

    code: str
    message: str
    step: str | None = None


def goes_on(state: State) -> bool:
    """Tell whether a retry goes on from where the run failed: nothing of it is undone, nor being undone."""
    return state.phase == "held" or (state.phase in {"failed", "cancelled"} and not state.undos)


def starts_over(state: State) -> bool:
    """Tell whether a retry begins from nothing: everything of the run that can be undone is."""
    return state.phase == "compensated" or (state.phase == "cancelled" and bool(state.undos))


def under_all_names(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an operator edits under every name by which it is read: a result has its step's id and `outputKey`.

    An `outputKey` that several steps share is the latest one's, and stands for itself.
    """
    shared = Counter(step.definition.output_key for step in plan.steps.values())
    found = dict(values)
    for name, step in plan.steps.items():
        key = step.definition.output_key
        if key is None or shared[key] > 1:
            continue
        if name in values:
            found.setdefault(key, values[name])
        elif key in values:
            found[name] = values[key]
    return found


def obstacles(plan: Plan, state: State, event: Retry, *, before: Plan | None = None) -> tuple[Obstacle, ...]:
    """Return all reasons why a run does not take a retry; none if it does.

    Args:
        plan: what would be walked.
        state: where the run is.
        event: the retry.
        before: what was walked so far, where that is another revision.
    """
    if starts_over(state):
        if event.step is None:
            return ()
        message = "everything was undone, so the run starts over: there is no step to go on from"
        return (Obstacle(code="starts_over", message=message, step=event.step),)
    if not goes_on(state):
        return (Obstacle(code="not_ended", message="the run has not failed"),)
    found = list(_of_step(plan, state, event.step)) if event.step is not None else []
    found.extend(_of_items(plan, state, event))
    if before is not None and before is not plan:
        again = _again(plan, state, event.step if event.step in plan.steps else None)
        found.extend(
            Obstacle(code=code, message=words, step=step) for code, words, step in misfits(before, plan, state, again)
        )
    return tuple(found)


def retry(turn: Turn, state: State, event: Retry) -> None:
    """Begin a run again.

    A step that was refused is visited anew, with a new key: its old one has its answer. Of any other it is not known
    whether it happened, so it keeps its key, and whoever honours keys does it once.
    """
    if obstacles(turn.plan, state, event):
        return
    if starts_over(state):
        names = _names(turn.plan)
        edited = {name: value for name, value in state.values.items() if name not in names}
        turn.start_over({**edited, **event.values})
        begin(turn)
        return
    event = replace(event, values=under_all_names(turn.plan, event.values))
    again = _again(turn.plan, state, event.step)
    for step in [step for step in turn.steps if step not in turn.plan.steps]:
        del turn.steps[step]  # skipped, and not in the newer revision
    turn.values.update(event.values)
    turn.phase, turn.failure, turn.paused = "forward", None, False
    if turn.plan.definition.is_state_machine:
        _go_on_in_machine(turn, event.step)
    else:
        _go_on_in_graph(turn, again, event)


def _go_on_in_machine(turn: Turn, step: str | None) -> None:
    stopped = [name for name, state in turn.steps.items() if _is_stopped(state)]
    if step is not None and step not in stopped:
        for name, state in turn.steps.items():
            if name in stopped or state.way == "":
                turn.steps[name] = replace(state, way="branch")  # it was gone on from elsewhere
        enter(turn, Key(step, turn.steps[step].visit + 1))
        return
    for name in stopped:
        _run_again(turn, turn.plan.steps[name])
    for name, state in turn.steps.items():
        if state.way == "" and state.status != "active":  # it had ended, and where to go next was not decided yet
            turn.tasks[Key(name, state.visit)] = Task(stage="transition")
            turn.emit(Decide(Key(name, state.visit), "transition"))


def _go_on_in_graph(turn: Turn, again: frozenset[str], event: Retry) -> None:
    waiting = {event.step} | _downstream(turn.plan, event.step) if event.step is not None else set()
    stopped = [step for step in turn.plan.steps if step in again]
    for name in stopped:
        step, state = turn.plan.steps[name], turn.steps[name]
        if name in waiting and not (name == event.step and _is_stopped(state)):
            turn.steps[name] = StepState(status="pending", visit=_visit_again(step, state))
            for value in {name, step.definition.output_key} - {None} - set(event.values):
                turn.values.pop(str(value), None)
        else:
            _run_again(turn, step)
    turn.todo.extend(turn.plan.steps)


def _again(plan: Plan, state: State, step: str | None) -> frozenset[str]:
    """Return the steps that run again of those that the run has come to."""
    found = {name for name, known in state.steps.items() if _is_stopped(known)}
    if step is not None and not plan.definition.is_state_machine:
        found |= {name for name in {step} | _downstream(plan, step) if name in state.steps}
    elif step is not None:
        found.add(step)
    return frozenset(found)


def _of_step(plan: Plan, state: State, step: str) -> Iterator[Obstacle]:
    """Yield what keeps a run from going on from a step."""
    if step not in plan.steps:
        yield Obstacle(code="unknown_step", message=f"there is no step {step!r}", step=step)
        return
    known = state.steps.get(step)
    if known is None:
        yield Obstacle(code="not_come_to", message=f"the run has not come to {step!r}", step=step)
        return
    if plan.definition.is_state_machine:
        if _is_stopped(known):
            return
        later = _reachable(plan, step)
    else:
        later = {step} | _downstream(plan, step)
    for name in (name for name in plan.steps if name in later and name in state.steps):
        found = state.steps[name]
        if found.status == "active":
            yield Obstacle(code="in_flight", message=f"{name} is under way", step=name)
        elif _is_kept(plan.steps[name], found, at=step, is_machine=plan.definition.is_state_machine):
            message = f"{name} has done something that is kept, and would do it again: have the run undone first"
            yield Obstacle(code="kept_effect", message=message, step=name)


def _of_items(plan: Plan, state: State, event: Retry) -> Iterator[Obstacle]:
    """Yield which edits would not reach a step that goes on with the items that it had."""
    edited = under_all_names(plan, event.values).keys()
    if not edited:
        return
    stopped = {name for name, known in state.steps.items() if _is_stopped(known) and known.items is not None}
    if event.step is not None and event.step in plan.steps:  # what comes after it lists its items anew
        stopped &= {event.step} if plan.definition.is_state_machine else stopped - _downstream(plan, event.step)
    for name in (name for name in plan.steps if name in stopped):
        reads = StepBindings(plan.steps[name].definition).items_reads
        if reads is None or not reads.isdisjoint(edited):
            message = f"{name} goes on with the items that it had: a replay is a new run, with other input"
            yield Obstacle(code="items_kept", message=message, step=name)


def _is_kept(step: PlannedStep, state: StepState, *, at: str, is_machine: bool) -> bool:
    """Tell whether to run a step again might repeat what it has done."""
    if not step.has_effect or state.status in {"skipped", "pending"}:
        return False
    if state.items is not None and not (_is_stopped(state) and step.definition.id == at):
        failed = {each.item for each in state.items.failed if each.kind == "refused"}
        return len(failed) < state.items.next  # the items may be others the next time
    if state.status == "succeeded":
        return True
    return is_machine and state.kind != "refused"  # it would be come to under another key


def _run_again(turn: Turn, step: PlannedStep) -> None:
    state = turn.steps[step.definition.id]
    if state.items is not None:
        _run_items_again(turn, step, state, state.items)
        return
    enter(turn, Key(step.definition.id, _visit_again(step, state)))


def _run_items_again(turn: Turn, step: PlannedStep, state: StepState, items: Items) -> None:
    again = tuple(
        Key(step.definition.id, failed.visit + (failed.kind == "refused" or _is_child(step)), failed.item)
        for failed in items.failed
    )
    turn.repeated |= {key for key in again if turn.undo_at(key) is not None}
    items = replace(items, again=(*items.again, *again), failed=(), error=None)
    visit = max((state.visit, *(key.visit for key in again)))  # a loop that comes again has yet another key
    turn.steps[step.definition.id] = StepState(status="active", visit=visit, items=items)
    pump(turn, step.definition.id)


def _visit_again(step: PlannedStep, state: StepState) -> int:
    """Return in which visit a step runs again: a new one, unless it might have happened and nobody knows."""
    is_unknown = state.status in _STOPPED and state.kind != "refused" and state.items is None and not _is_child(step)
    return state.visit if is_unknown or state.status in {"skipped", "pending"} else state.visit + 1


def _is_child(step: PlannedStep) -> bool:
    """Tell whether a step starts another run: one that did not complete has undone itself, so a new one is due."""
    return step.definition.action == CHILD


def _is_stopped(state: StepState) -> bool:
    return state.way == "shut" and state.status in _STOPPED


def _downstream(plan: Plan, step: str) -> set[str]:
    """Return the steps of a graph that come after one, however far."""
    return _closure(step, lambda name: plan.steps[name].followers)


def _reachable(plan: Plan, step: str) -> set[str]:
    """Return the steps of a state machine that it may come to from one, itself included."""
    return {step} | _closure(step, lambda name: targets(plan.steps[name].definition))


def _closure(step: str, after: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    todo = [*after(step)]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(after(name))
    return found


def _names(plan: Plan) -> set[str]:
    """Return the names under which the results of steps are kept."""
    steps = [planned.definition for planned in plan.steps.values()]
    return {step.id for step in steps} | {step.output_key for step in steps if step.output_key is not None}

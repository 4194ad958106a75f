"""Whether a run that is under way may go on with another revision of its definition: what it keeps must be in it."""

from collections.abc import Iterator
from typing import NamedTuple

from flowforge.engine.core.plan import Plan, PlannedStep
from flowforge.engine.core.state import State, StepState


class Misfit(NamedTuple):
    """Why a revision does not suit a run."""

    code: str
    message: str
    step: str | None = None


def misfits(before: Plan, after: Plan, state: State, again: frozenset[str]) -> Iterator[Misfit]:
    """Yield all reasons why a run cannot go on with another revision.

    Args:
        before: what it walked so far.
        after: what it would walk.
        state: where it is.
        again: the steps that it runs again.
    """
    if before.definition.is_state_machine is not after.definition.is_state_machine:
        yield Misfit("form_changed", "a graph cannot go on as a state machine, nor the other way round")
        return
    yield from _of_unseen(before, after, state)
    for name, known in state.steps.items():
        if known.status in {"skipped", "pending"}:
            continue
        old, new = before.steps[name], after.steps.get(name)
        if new is None:
            yield Misfit("step_missing", f"the run has come to {name}, which the revision does not have", name)
            continue
        has_undo = any(entry.key.step == name for entry in state.undos)
        yield from _of_undo(old, new, has_undo=has_undo, is_kept=name not in again)
        if name not in again:
            yield from _of_kept(old, new)
        elif known.kind != "refused" and old.has_effect and _deed(old) != _deed(new):
            message = f"whether {name} has happened is not known, so its action must be the same"
            yield Misfit("action_changed", message, name)
        elif _goes_on_with_items(known) and new.definition.for_each is None:
            yield Misfit("items_changed", f"{name} has begun with its items, and has none in the revision", name)


def _of_unseen(before: Plan, after: Plan, state: State) -> Iterator[Misfit]:
    for name, old in before.steps.items():
        if not old.begins_unseen or name in state.steps:
            continue
        new = after.steps.get(name)
        if new is None or not new.begins_unseen or _deed(old) != _deed(new) or _undo(old) != _undo(new):
            message = f"whether {name} has begun is not known, so it must be there as it was, with its undo"
            yield Misfit("action_changed", message, name)


def _undo(step: PlannedStep) -> str | None:
    return None if step.definition.compensation is None else step.definition.compensation.action


def _of_kept(old: PlannedStep, new: PlannedStep) -> Iterator[Misfit]:
    name = old.definition.id
    if _deed(old) != _deed(new):
        yield Misfit("action_changed", f"{name} is kept, so its action must be the same", name)
    if (old.definition.for_each is None) is not (new.definition.for_each is None):
        yield Misfit("items_changed", f"{name} is kept, so it must have items as before, or none as before", name)
    if set(old.definition.depends_on) != set(new.definition.depends_on) or set(old.sources) != set(new.sources):
        yield Misfit("dependencies_changed", f"{name} is kept, so it must depend on the same steps", name)


def _of_undo(old: PlannedStep, new: PlannedStep, *, has_undo: bool, is_kept: bool) -> Iterator[Misfit]:
    name = old.definition.id
    had_own, has_own = old.definition.compensation is not None, new.definition.compensation is not None
    if has_undo and (not new.has_undo or had_own is not has_own):
        yield Misfit("undo_missing", f"{name} may have to be undone, and the revision does not say how", name)
    elif is_kept and new.has_undo and not has_undo and new.has_effect:
        yield Misfit("undo_added", f"{name} is kept and was done without an undo, which the revision has", name)


def _deed(step: PlannedStep) -> tuple[str, str | None]:
    return step.definition.action, step.definition.task_queue


def _goes_on_with_items(state: StepState) -> bool:
    return state.items is not None and state.items.next > 0

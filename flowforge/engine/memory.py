"""What a run's row keeps for the day on which its workflow is gone: enough to undo all that it did.

Every undo is there before its action begins, with the result of its step once there is one, and so are the values that
compensations read. Where nothing can be undone nothing is kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowforge.engine.core.bindings import Bindings
from flowforge.engine.core.codec import dump_undo, load_undo
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import Items, Phase, State, StepState, UndoEntry
from flowforge.engine.core.stored import Stored, read, write
from flowforge.engine.core.table import Table, differing
from flowforge.engine.saving import Remembered


class Memory:
    """Tells, turn by turn, what is to be kept.

    Args:
        plan: what the run walks.
        bindings: what its compensations read.

    Attributes:
        count: how many undos it has told of.
    """

    def __init__(self, plan: Plan, bindings: Bindings) -> None:
        self._is_needed = any(step.has_undo for step in plan.steps.values())
        self._plan = plan
        self._bindings = bindings
        self._known = State()
        self.count = 0

    def go_on(self, count: int, state: State) -> None:
        """Go on where another run was."""
        self.count, self._known = count, state

    def turn(self, state: State) -> tuple[Remembered, ...]:
        """Return what has changed since the last turn."""
        before, self._known = self._known, state
        if not self._is_needed:
            return ()
        return (
            *self._changed_undos(before.undos, state.undos),
            *self._changed_values(before.values, state.values),
            *self._changed_items(before.steps, state.steps),
        )

    def _changed_undos(self, before: tuple[UndoEntry, ...], after: tuple[UndoEntry, ...]) -> Iterator[Remembered]:
        if before is after:
            return
        # Of the thousands that a step over items registers, all but the last few are as they were.
        pairs = enumerate(zip(before, after, strict=False))
        same = next((at for at, (old, new) in pairs if old is not new), min(len(before), len(after)))
        known = {entry.key: entry for entry in before[same:]}
        for entry in after[same:]:
            told = known.pop(entry.key, None)
            if told is entry:
                continue
            if told is None:
                self.count += 1
            place = self.count if told is None else 0
            yield Remembered(kind="undo", name=str(entry.key), place=place, content=dump_undo(entry, value=write))
        for key in known:
            yield Remembered(kind="undo", name=str(key), is_forgotten=True)

    def _changed_values(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Remembered]:
        reads = self._bindings.undo_reads
        for name, value in differing(before, after):
            if reads is None or name in reads:
                yield Remembered(kind="value", name=name, content=write(value))

    def _changed_items(self, before: Mapping[str, StepState], after: Mapping[str, StepState]) -> Iterator[Remembered]:
        for name, step in differing(before, after):
            if step.items is None or not self._plan.steps[name].has_undo:
                continue
            told = before.get(name)
            if told is None or told.items is None or told.items.value is not step.items.value:
                yield Remembered(kind="items", name=name, content=write(step.items.value))


def recalled(
    remembered: Iterable[Remembered],
    *,
    phase: Phase,
    steps: Mapping[str, StepState],
    results: Mapping[str, Any],
    failure: Failure | None,
    generation: int = 1,
) -> State:
    """Return a run's state as far as undoing it takes.

    Args:
        remembered: what its row kept, undos in the order of their starts.
        phase: where it is; `undoing` also where it was about to.
        steps: what became of its steps.
        results: those of its steps that are known.
        failure: why it turns back, where it does.
        generation: how often it began from nothing.
    """
    undos: list[UndoEntry] = []
    values, known = Table(results), Table(steps)
    for each in remembered:
        match each.kind:
            case "undo":
                undos.append(load_undo(each.content, value=read))
            case "value":
                values[each.name] = read(each.content)
            case "items" if each.name in known:
                step, listed = known[each.name], read(each.content)
                count = (listed.count or 0) if isinstance(listed, Stored) else len(listed)
                items = Items(count=count, value=listed, next=count)
                known[each.name] = StepState(status=step.status, visit=step.visit, error=step.error, items=items)
    cursor = next((at for at, entry in enumerate(undos) if entry.status != "pending"), len(undos))
    return State(
        generation=generation,
        phase="stopping" if phase == "undoing" and cursor == len(undos) else phase,
        steps=known,
        undos=tuple(undos),
        cursor=cursor,
        failure=failure,
        values=values,
    )


def unanswered(state: State) -> tuple[Key, ...]:
    """Return the actions of which it is not known whether they still run somewhere."""
    is_forward = state.phase in {"forward", "held", "stopping"}
    return tuple(entry.key for entry in state.undos if is_forward and not entry.answered)

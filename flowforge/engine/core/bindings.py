"""What a definition's expressions and templates come to in a run: conditions, items, ways on, params and output.

Both shells ask here, so that a definition means the same in a test and in a workflow. It is compiled once a plan.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Decided
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.step_bindings import BindingError, Names, StepBindings, all_of, names_of, render_output
from flowforge.engine.core.stored import Stored, part_of
from flowforge.engine.definition.names import UNDO
from flowforge.engine.definition.step import Step
from flowforge.engine.templates import Template


class Bindings:
    """A plan's expressions and templates, compiled when they are first needed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps: dict[str, StepBindings] = {}

    def decide(self, command: Decide, data: dict[str, Any]) -> Decided:
        """Answer a question.

        Args:
            command: the question.
            data: what expressions may read, as `data_for` gives it.
        """
        try:
            answer = self._answer(command, data)
        except BindingError as failed:
            return Decided(key=command.key, question=command.question, error=failed.error)
        return Decided(key=command.key, question=command.question, answer=answer)

    def params(self, key: Key, data: dict[str, Any]) -> Any:
        """Return what a step's action is given.

        Raises:
            BindingError: a path leads nowhere.
        """
        return self._of(key).params(data)

    def undo_params(self, key: Key, data: dict[str, Any]) -> Any:
        """Return what a step's compensation is given; `data` has `undo` in it.

        Raises:
            BindingError: a path leads nowhere.
        """
        return self._of(key).undo_params(data)

    def reads(self, asked: Decide | Key, *, undo: bool = False) -> Names:
        """Return which names a question reads, or the params of a step or of its undo; None stands for all of them."""
        if isinstance(asked, Key):
            return self._of(asked).undo_reads if undo else self._of(asked).params_reads
        if asked.key is None:
            return self._output_reads
        step = self._of(asked.key)
        match asked.question:
            case "condition":
                return step.condition_reads
            case "items":
                return step.items_reads
            case _:
                return step.ways_reads

    @cached_property
    def undo_reads(self) -> Names:
        """Which names the compensations read; None for all of them."""
        return all_of(self._of(Key(name)).undo_reads for name, step in self._plan.steps.items() if step.has_undo)

    def _of(self, key: Key) -> StepBindings:
        found = self._steps.get(key.step)
        if found is None:
            found = self._steps[key.step] = StepBindings(self._plan.steps[key.step].definition)
        return found

    def _answer(self, command: Decide, data: dict[str, Any]) -> Any:
        if command.key is None:
            return render_output(self._output, data)
        step = self._of(command.key)
        match command.question:
            case "condition":
                return step.holds(data)
            case "items":
                return step.items(data)
            case _:
                return step.way_on(data)

    @cached_property
    def _output(self) -> Template:
        return Template.parse(self._plan.definition.output)

    @cached_property
    def _output_reads(self) -> Names:
        return names_of(self._output)


def needs(elsewhere: Mapping[str, Stored], reads: Names) -> bool:
    """Tell whether something that is read is kept elsewhere, so that it has to be fetched first."""
    return bool(elsewhere) if reads is None else not reads.isdisjoint(elsewhere)


def written(step: Step) -> dict[str, Any]:
    """Return a step as its definition has it, for whoever fetches what it reads."""
    return step.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def data_for(plan: Plan, state: State, given: Mapping[str, Any], key: Key | None = None) -> dict[str, Any]:
    """Return what expressions may read: the input's keys, results by step id and output key, and the item.

    Args:
        plan: what is walked.
        state: where the run is.
        given: the run's input.
        key: for whom.
    """
    data = {**given, **state.values}
    if key is None or key.item is None:
        return data
    each = plan.steps[key.step].definition.for_each
    if each is not None:
        data[each.as_] = _item(state, key)
    return data


def undo_data_for(plan: Plan, state: State, given: Mapping[str, Any], key: Key, forward_key: str) -> dict[str, Any]:
    """Return what a compensation may read: the same, and `undo` with the forward key and the result, or null.

    Args:
        plan: what is walked.
        state: where the run is.
        given: the run's input.
        key: whose undo it is.
        forward_key: the idempotency key under which the action was called.
    """
    entry = next(entry for entry in state.undos if entry.key == key)
    data = data_for(plan, state, given, key)
    return {**data, UNDO: {"key": forward_key, "result": entry.result}}


def _item(state: State, key: Key) -> Any:
    kept = next((entry.item for entry in reversed(state.undos) if entry.key == key), ())
    items = state.steps[key.step].items
    if kept or items is None or key.item is None:
        return kept[0] if kept else None
    return part_of(items.value, key.item)

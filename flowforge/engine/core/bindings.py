"""What a definition's expressions and templates come to in a run: conditions, items, ways on, params and output.

Both shells ask here, so that a definition means the same in a test and in a workflow. It is compiled once a plan.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Decided, ItemList
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import StepError
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.definition.selectors import (
    FullInput,
    KeyInput,
    KeysInput,
    PathInput,
    Selector,
    StaticInput,
    TemplateInput,
)
from flowforge.engine.definition.step import Step
from flowforge.engine.expressions.errors import ExpressionFailure
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.placeholders import OPENING
from flowforge.engine.templates import Template, TemplateFailure

MAX_ITEMS: Final = 100_000
"""How many items a `forEach` may have."""

_WHOLE: Final = "input"
"""Under which name an input that is no object is given beside params."""


class BindingError(Exception):
    """Something has no value with this run's data.

    Attributes:
        error: what a step fails with.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = StepError(code=code, message=message)


class Bindings:
    """A plan's expressions and templates, compiled when they are first needed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps: dict[str, _StepBindings] = {}

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

    def reads(self, key: Key | None) -> frozenset[str] | None:
        """Return which names a step (or the run's output) reads, so that no other value needs to be fetched.

        None stands for all of them.
        """
        return self._output_reads if key is None else self._of(key).reads

    def _of(self, key: Key) -> "_StepBindings":
        found = self._steps.get(key.step)
        if found is None:
            found = self._steps[key.step] = _StepBindings(self._plan.steps[key.step].definition)
        return found

    def _answer(self, command: Decide, data: dict[str, Any]) -> Any:
        if command.key is None:
            return _render(self._output, data)
        step = self._of(command.key)
        match command.question:
            case "condition":
                return step.condition is None or _holds(step.condition, data)
            case "items":
                return step.items(data)
            case _:
                return step.way_on(data)

    @cached_property
    def _output(self) -> Template:
        return Template.parse(self._plan.definition.output)

    @cached_property
    def _output_reads(self) -> frozenset[str] | None:
        return _names(self._output)


class _StepBindings:
    def __init__(self, step: Step) -> None:
        self._step = step
        self.condition = None if step.condition is None else Expression.parse(step.condition)
        self._params = None if step.params is None else Template.parse(step.params)
        compensation = None if step.compensation is None else step.compensation.params
        self._undo_params = None if compensation is None else Template.parse(compensation)
        self._input = _template_of(step.input)
        ways = step.transitions if isinstance(step.transitions, tuple) else ()
        self._ways = [None if way.condition is None else Expression.parse(way.condition) for way in ways]
        items = None if step.for_each is None else step.for_each.items
        is_expression = isinstance(items, str) and OPENING not in items
        self._items = Expression.parse(str(items)) if is_expression else Template.parse(items)

    def items(self, data: dict[str, Any]) -> ItemList:
        found = _evaluate(self._items, data) if isinstance(self._items, Expression) else _render(self._items, data)
        if not isinstance(found, list):
            raise BindingError("not_a_list", f"the items of {self._step.id} are no list")
        if len(found) > MAX_ITEMS:
            raise BindingError("too_many_items", f"{self._step.id} has {len(found)} items, at most {MAX_ITEMS}")
        return ItemList(count=len(found), value=found)

    def way_on(self, data: dict[str, Any]) -> int | None:
        ways = enumerate(self._ways)
        return next((index for index, way in ways if way is None or _holds(way, data)), None)

    def params(self, data: dict[str, Any]) -> Any:
        if self._step.input is None:
            return dict(data) if self._params is None else _render(self._params, data)
        given = self._given(self._step.input, data)
        if self._params is None:
            return given
        params = _render(self._params, data)
        if not isinstance(params, dict):
            raise BindingError("params_no_object", f"{self._step.id} has an input besides params that are no object")
        return {**params, **(given if isinstance(given, dict) else {_WHOLE: given})}

    def undo_params(self, data: dict[str, Any]) -> Any:
        return dict(data) if self._undo_params is None else _render(self._undo_params, data)

    @cached_property
    def reads(self) -> frozenset[str] | None:
        step = self._step
        reads_all = step.params is None and step.input is None
        if step.compensation is not None and step.compensation.params is None:
            reads_all = True
        if reads_all or isinstance(step.input, FullInput):
            return None
        parts = [self.condition, self._params, self._undo_params, self._items, self._input, *self._ways]
        names = [_names(part) for part in parts if part is not None]
        if None in names:
            return None
        keys = {step.input.key} if isinstance(step.input, KeyInput) else set()
        keys |= set(step.input.keys) if isinstance(step.input, KeysInput) else set()
        return frozenset(keys).union(*(found for found in names if found is not None))

    def _given(self, selector: Selector, data: dict[str, Any]) -> Any:
        match selector:
            case KeyInput(key=key):
                return _named(key, _key(data, key))
            case KeysInput(keys=keys):
                return {key: _key(data, key) for key in keys}
            case FullInput():
                return dict(data)
            case StaticInput(value=value):
                return value
            case PathInput(path=path) if self._input is not None:
                last = self._input.references[0].path[-1]
                return _named(str(last) or path, _render(self._input, data))
        return None if self._input is None else _render(self._input, data)


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
    return {**data, "undo": {"key": forward_key, "result": entry.result}}


def _item(state: State, key: Key) -> Any:
    kept = next((entry.item for entry in reversed(state.undos) if entry.key == key), None)
    items = state.steps[key.step].items
    if kept is not None or items is None or key.item is None:
        return kept
    return items.value[key.item] if isinstance(items.value, list | tuple) else items.value


def _template_of(selector: Selector | None) -> Template | None:
    if isinstance(selector, TemplateInput):
        return Template.parse(selector.template)
    return Template.parse(f"${{{selector.path}}}") if isinstance(selector, PathInput) else None


def _named(name: str, value: Any) -> Any:
    """Return an object as it is, to be merged, and anything else under its name."""
    return value if isinstance(value, dict) else {name: value}


def _key(data: Mapping[str, Any], key: str) -> Any:
    if key not in data:
        raise BindingError("missing_path", f"there is no `{key}`")
    return data[key]


def _names(part: Template | Expression) -> frozenset[str] | None:
    roots = [reference.root for reference in part.references]
    return None if None in roots else frozenset(root for root in roots if root is not None)


def _holds(expression: Expression, data: dict[str, Any]) -> bool:
    try:
        return expression.holds(data)
    except ExpressionFailure as failure:
        raise BindingError(failure.reason.value, str(failure)) from failure


def _evaluate(expression: Expression, data: dict[str, Any]) -> Any:
    try:
        return expression.evaluate(data)
    except ExpressionFailure as failure:
        raise BindingError(failure.reason.value, str(failure)) from failure


def _render(template: Template, data: dict[str, Any]) -> Any:
    try:
        return template.render(data)
    except TemplateFailure as failure:
        raise BindingError(failure.reason.value, str(failure)) from failure

"""What the expressions and templates of one step come to, wherever its data are at hand."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from flowforge.engine.core.events import ItemList
from flowforge.engine.core.outcomes import StepError
from flowforge.engine.core.plan import CONDITION
from flowforge.engine.definition.names import UNDO
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
from flowforge.engine.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.expressions.values import truthy
from flowforge.engine.placeholders import OPENING
from flowforge.engine.sizes import is_kept_whole
from flowforge.engine.templates import Template, TemplateFailure

MAX_ITEMS: Final = 25_000
"""How many items a `forEach` may have."""

Names = frozenset[str] | None
"""Names of data that something reads; None stands for all of them."""

_WHOLE: Final = "input"
"""Under which name an input that is no object is given beside params."""

_EXPRESSION: Final = "expression"
_NAMES_A_KEY: Final = "inputKey"
"""Which of the params of a `transform` names a key of the context."""


class BindingError(Exception):
    """Something has no value with this run's data.

    Attributes:
        error: what a step fails with.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = StepError(code=code, message=message)


class StepBindings:
    """A step's expressions and templates, compiled.

    Every method takes what may be read, and raises BindingError where there is no value.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._condition = None if step.condition is None else Expression.parse(step.condition)
        self._params = None if step.params is None else Template.parse(step.params)
        compensation = None if step.compensation is None else step.compensation.params
        self._undo_params = None if compensation is None else Template.parse(compensation)
        self._input = _template_of(step.input)
        ways = step.transitions if isinstance(step.transitions, tuple) else ()
        self._ways = [None if way.condition is None else Expression.parse(way.condition) for way in ways]
        items = None if step.for_each is None else step.for_each.items
        is_expression = isinstance(items, str) and OPENING not in items
        self._items = Expression.parse(str(items)) if is_expression else Template.parse(items)

    def holds(self, data: dict[str, Any]) -> bool:
        """Tell whether the step's condition is met."""
        return self._condition is None or _holds(self._condition, data)

    def items(self, data: dict[str, Any]) -> ItemList:
        """Return the items of its forEach."""
        found = _evaluate(self._items, data) if isinstance(self._items, Expression) else render(self._items, data)
        if not isinstance(found, list):
            raise BindingError("not_a_list", f"the items of {self._step.id} are no list")
        if len(found) > MAX_ITEMS:
            raise BindingError("too_many_items", f"{self._step.id} has {len(found)} items, at most {MAX_ITEMS}")
        return ItemList(count=len(found), value=found)

    def way_on(self, data: dict[str, Any]) -> int | None:
        """Return which of a state machine's ways is open, by its place."""
        ways = enumerate(self._ways)
        return next((index for index, way in ways if way is None or _holds(way, data)), None)

    def params(self, data: dict[str, Any]) -> Any:
        """Return what the step's action is given; of a condition what was filled in counts as it is."""
        given = self._filled(data)
        if self._step.action != CONDITION or not isinstance(given, dict):
            return given
        asked = given.get(_EXPRESSION)
        if not isinstance(asked, str) or asked in self._expressions:
            return given
        return {**given, _EXPRESSION: truthy(asked)}

    @cached_property
    def _expressions(self) -> frozenset[str]:
        """What the author of a condition wrote to be evaluated."""
        step = self._step
        sources = (step.params, step.input.value if isinstance(step.input, StaticInput) else None)
        texts = [source.get(_EXPRESSION) for source in sources if isinstance(source, dict)]
        return frozenset(text for text in texts if isinstance(text, str) and OPENING not in text)

    def _filled(self, data: dict[str, Any]) -> Any:
        if self._step.input is None:
            return dict(data) if self._params is None else render(self._params, data)
        given = self._given(self._step.input, data)
        if self._params is None:
            return given
        params = render(self._params, data)
        if not isinstance(params, dict):
            raise BindingError("params_no_object", f"{self._step.id} has an input besides params that are no object")
        return {**params, **(given if isinstance(given, dict) else {_WHOLE: given})}

    def undo_params(self, data: dict[str, Any]) -> Any:
        """Return what its compensation is given."""
        return dict(data) if self._undo_params is None else render(self._undo_params, data)

    @cached_property
    def condition_reads(self) -> Names:
        """What the condition reads."""
        return frozenset() if self._condition is None else names_of(self._condition)

    @cached_property
    def items_reads(self) -> Names:
        """What the list of items reads."""
        return names_of(self._items)

    @cached_property
    def ways_reads(self) -> Names:
        """What the conditions of its ways on read."""
        return all_of(names_of(way) for way in self._ways if way is not None)

    @cached_property
    def params_reads(self) -> Names:
        """What its params read."""
        step = self._step
        if (step.input is None and self._params is None) or isinstance(step.input, FullInput):
            return None
        keys = {step.input.key} if isinstance(step.input, KeyInput) else set()
        keys |= set(step.input.keys) if isinstance(step.input, KeysInput) else set()
        named = step.params.get(_NAMES_A_KEY) if isinstance(step.params, dict) else None
        keys |= {named} if isinstance(named, str) else set()
        parts = [names_of(part) for part in (self._params, self._input) if part is not None]
        return all_of([frozenset(keys), *parts, self._asked])

    @cached_property
    def _asked(self) -> Names:
        """What the expression of a `condition` reads, which is among its params."""
        asked = self._step.params.get(_EXPRESSION) if isinstance(self._step.params, dict) else None
        if self._step.action != CONDITION or not isinstance(asked, str):
            return frozenset()
        try:
            return names_of(Expression.parse(asked))
        except ExpressionSyntaxError:
            return None  # a template that makes an expression: nobody knows what it will read

    @cached_property
    def undo_reads(self) -> Names:
        """What the params of its compensation read: what is undone, at least."""
        return None if self._undo_params is None else all_of([names_of(self._undo_params), frozenset({UNDO})])

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
                return _named(str(last) or path, render(self._input, data))
        return None if self._input is None else render(self._input, data)


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


def names_of(part: Template | Expression) -> Names:
    """Return which names a template or an expression reads."""
    roots = [reference.root for reference in part.references]
    return None if None in roots else frozenset(root for root in roots if root is not None)


def all_of(parts: Iterable[Names]) -> Names:
    """Return the names of several parts."""
    found = list(parts)
    return None if None in found else frozenset[str]().union(*(part for part in found if part is not None))


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


def render_output(template: Template, data: dict[str, Any]) -> Any:
    """Return what a run gives back.

    Raises:
        BindingError: a path leads nowhere, or it is a number that cannot be kept.
    """
    found = render(template, data)
    if not is_kept_whole(found):
        raise BindingError("unusable_value", "the output is a number of more than 64 bits")
    return found


def render(template: Template, data: dict[str, Any]) -> Any:
    """Fill a template in.

    Raises:
        BindingError: a path leads nowhere.
    """
    try:
        return template.render(data)
    except TemplateFailure as failure:
        raise BindingError(failure.reason.value, str(failure)) from failure

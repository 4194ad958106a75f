"""From marked functions, and classes of actions, to actions; from the names of modules to those in them."""

import importlib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from flowforge.engine.actions.declaration import MARK, ActionContext, Mark, Workflow
from flowforge.engine.actions.registry import Action
from flowforge.errors import StartupError

_ANYTHING: Final = (Any, dict, Mapping, object, inspect.Parameter.empty)


def load_actions(modules: str) -> list[Action]:
    """Return the actions of modules, in their order.

    Args:
        modules: names with dots, separated by commas or spaces, as ACTIONS has them; may be empty.

    Raises:
        StartupError: a module cannot be imported, has no action, or one that cannot be understood.
    """
    found: list[Action] = []
    for name in modules.replace(",", " ").split():
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise StartupError(f"ACTIONS={name}: cannot be imported ({type(error).__name__}: {error})") from error
        actions = list(actions_in(module))
        if not actions:
            raise StartupError(f"ACTIONS={name}: has no function with @action, and no Workflow")
        found += actions
    return found


def actions_in(module: ModuleType) -> Iterator[Action]:
    """Yield the actions that a module defines or imports by name.

    Raises:
        StartupError: one of them cannot be understood.
    """
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, Workflow) and value is not Workflow:
            yield from actions_of(value())
        elif inspect.isfunction(value) and isinstance(mark := getattr(value, MARK, None), Mark):
            yield action_of(value, mark)


def actions_of(workflow: Workflow) -> Iterator[Action]:
    """Yield the actions of an instance: each of its public methods.

    Raises:
        StartupError: one of them cannot be understood.
    """
    for name, method in inspect.getmembers(workflow, inspect.ismethod):
        mark = getattr(method, MARK, None)
        if isinstance(mark, Mark):
            yield action_of(method, mark)
        elif not name.startswith("_"):
            yield action_of(method, Mark(name=name))


def action_of(function: Callable[..., Any], mark: Mark | None = None) -> Action:
    """Return a function as the action that it says it is, or that `mark` says.

    Raises:
        StartupError: it takes no params, too much, or something that JSON does not have.
    """
    mark = mark or getattr(function, MARK)
    parameters = list(inspect.signature(function).parameters.values())
    if not 1 <= len(parameters) <= 2:
        raise StartupError(f"the action {mark.name!r} takes (params, context), or params alone")
    taken = typing.get_type_hints(function, include_extras=True).get(parameters[0].name, Any)
    adapter = None if (typing.get_origin(taken) or taken) in _ANYTHING else _adapter(taken, mark.name)
    return Action(
        name=mark.name,
        description=mark.description or _first_line(function),
        category=mark.category,
        has_effect=mark.effect,
        fenced=mark.fenced,
        waits=mark.waits,
        once=mark.once,
        only_undoes=mark.only_undoes,
        schema=None if adapter is None else _schema(adapter, mark.name),
        read=None if adapter is None else adapter.validate_python,
        run=function if len(parameters) == 2 else _without_context(function),
        is_plain=not inspect.iscoroutinefunction(function),
    )


def _without_context(function: Callable[..., Any]) -> Callable[[Any, ActionContext], Any]:
    return lambda params, _context: function(params)


def _adapter(taken: Any, name: str) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(taken)
    except PydanticUserError as error:
        raise StartupError(
            f"the params of the action {name!r} are of no type that JSON has: {error.message}"
        ) from error


def _schema(adapter: TypeAdapter[Any], name: str) -> dict[str, Any]:
    try:
        return adapter.json_schema()
    except PydanticUserError as error:
        raise StartupError(f"the params of the action {name!r} have no JSON Schema: {error.message}") from error


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]

"""What stands in for actions: values, functions, answers one after the other, refusals, faults, and slow ones."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flowforge.engine.actions.basic import basic_actions
from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.declaration import ActionContext, Failed, Refused, Wait
from flowforge.engine.actions.registry import Action
from flowforge.engine.actions.results import answer_of
from flowforge.engine.definition.step import Step

UNDO: Final = "undo "
"""What stands before a step's id to mock its undo."""

_BASIC: Final = {each.name: each for each in basic_actions() if each.run is not None}


@dataclass(frozen=True, slots=True)
class Returns:
    """An answer that is exactly this value, also where it is a list or a function."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Takes:
    """An answer that takes some virtual time."""

    length: timedelta
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Hangs:
    """No answer at all: the attempt ends when its time is over."""


@dataclass(frozen=True, slots=True)
class Insists:
    """No answer until it is told to stop; then it turns out to have been done all the same."""

    answer: Any = None


class NotMockedError(Exception):
    """A step came to be run whose action nothing stands in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of one attempt.

    Attributes:
        answer: what the action answered; None where it did not.
        refusal: why it said no.
        failure: what went wrong.
        takes: how long it took; None for ever.
        insists: what it answers once it is told to stop; None where it just stops.
    """

    answer: ActionAnswer | None = None
    refusal: Refused | None = None
    failure: Failed | None = None
    takes: timedelta | None = timedelta()
    insists: ActionAnswer | None = None


class Mocks:
    """Stands in for actions: by the step's id (`undo ` before it for its undo), else by the action's name.

    Args:
        mocks: what stands in, as `TestHarness` explains.
    """

    def __init__(self, mocks: Mapping[str, Any]) -> None:
        self._mocks = dict(mocks)
        self._calls: dict[str, int] = {}

    def has(self, step: Step) -> bool:
        """Tell whether something stands in for a step."""
        return step.id in self._mocks or step.action in self._mocks

    def call(self, step: Step, params: Any, context: ActionContext) -> Answered:
        """Run one attempt.

        Raises:
            NotMockedError: nothing stands in for the step's action.
        """
        name = f"{UNDO}{step.id}" if context.call.undo else step.id
        for known in (name, context.call.action):
            if known in self._mocks:
                return self._answer(self._next(known, self._mocks[known]), params, context)
        if context.call.undo:
            return Answered(answer=ActionAnswer())
        if step.action in _BASIC:
            return self._answer(_BASIC[step.action], params, context)
        raise NotMockedError(f'{step.id}: nothing stands in for the action "{step.action}"; mock it, or the step')

    def _next(self, name: str, mock: Any) -> Any:
        """Return what stands in this time: of a list one after the other, the last for all that come later."""
        if not isinstance(mock, list):
            return mock
        count = self._calls.get(name, 0)
        self._calls[name] = count + 1
        return mock[min(count, len(mock) - 1)] if mock else None

    def _answer(self, mock: Any, params: Any, context: ActionContext) -> Answered:
        takes: timedelta | None = timedelta()
        if isinstance(mock, Takes):
            takes, mock = mock.length, mock.answer
        if isinstance(mock, Hangs):
            return Answered(takes=None)
        if isinstance(mock, Insists):
            return Answered(takes=None, insists=answer_of(mock.answer))
        try:
            return Answered(answer=answer_of(_value(mock, params, context)), takes=takes)
        except Refused as refusal:
            return Answered(refusal=refusal, takes=takes)
        except Failed as failure:
            return Answered(failure=failure, takes=takes)
        except (AssertionError, NotMockedError):
            raise  # the test's own
        except Exception as error:  # noqa: BLE001  whatever an action raises is a fault of its own
            return Answered(failure=Failed("internal", f"{type(error).__name__}: {error}"), takes=takes)


def _value(mock: Any, params: Any, context: ActionContext) -> Any:
    if isinstance(mock, Returns):
        return mock.value
    if isinstance(mock, Exception):
        raise mock
    if isinstance(mock, Action) and mock.run is not None:
        given = params if mock.read is None else mock.read(params)
        return _finished(mock.run(given, context))
    if isinstance(mock, Wait | ActionAnswer) or not callable(mock):
        return mock
    return _finished(_called(mock, params, context))


def _called(function: Callable[..., Any], params: Any, context: ActionContext) -> Any:
    count = len(inspect.signature(function).parameters)
    return function(*(params, context)[:count])


def _finished(found: Any) -> Any:
    """Return what a function gave, or a coroutine once it has ended."""
    if not inspect.iscoroutine(found):
        return found
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(found)
    return _elsewhere(found)


def _elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: this one has a loop, which waits for us."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append((asyncio.run(work), None))
        except Exception as error:  # noqa: BLE001  raised again where it belongs
            found.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = found[0]
    if error is not None:
        raise error
    return value

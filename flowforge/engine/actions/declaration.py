"""How an action is written in Python: a function with a name, what it is told, and what it may answer or raise."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeVar

from flowforge.engine.actions.contract import ActionCall, WaitAnswer
from flowforge.engine.definition.names import EVENT_NAME
from flowforge.engine.durations import MAX, parse
from flowforge.engine.validation.catalogue import Waits

Function = TypeVar("Function", bound=Callable[..., Any])

MARK: Final = "__flowforge_action__"
"""Under which attribute a function says that it is an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a function says of itself as an action; see `action`."""

    name: str
    description: str | None = None
    category: str = "custom"
    effect: bool = True
    fenced: bool = False
    waits: Waits = "never"
    once: bool = False
    only_undoes: bool = False


def action(
    name: str,
    *,
    description: str | None = None,
    category: str = "custom",
    effect: bool = True,
    fenced: bool = False,
    waits: Waits = "never",
    once: bool = False,
    only_undoes: bool = False,
) -> Callable[[Function], Function]:
    """Mark a function `(params, context)` or `(params)` as an action; it is found when its module is loaded.

    The type of `params` says what it takes: a Pydantic model, a dataclass, a TypedDict, or a dict for anything.

    Args:
        name: its name in definitions.
        description: for people; by default the first line of its docstring.
        category: under which it is listed.
        effect: whether it changes something in the world, which would have to be undone.
        fenced: whether it refuses an effect that comes after its undo.
        waits: whether it may answer `Wait` for an event: `in time`, where the wait has a timeout of its own, or
            `for ever`. Only what says so is reckoned with in proofs.
        once: whether there may be one step of it in a run: a second one would get the outcome of the first.
        only_undoes: whether it refuses (`not_an_undo`) unless it is called as a compensation.
    """
    mark = Mark(
        name=name,
        description=description,
        category=category,
        effect=effect,
        fenced=fenced,
        waits=waits,
        once=once,
        only_undoes=only_undoes,
    )

    def marked(function: Function) -> Function:
        setattr(function, MARK, mark)
        return function

    return marked


class Workflow:
    """A class whose public methods are actions, named as they are or as `@action` says.

    It is made once, without arguments, when its module is loaded.
    """


class Refused(Exception):
    """The action says no, for good: nothing happened, and trying again would not help.

    Attributes:
        code: stable, snake_case.
        message: one sentence for people.
        details: more for programs, JSON.
    """

    def __init__(self, code: str, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})


class Failed(Exception):
    """The action did not work, and may work when it is tried again.

    Attributes:
        code: stable, snake_case.
        message: one sentence for people.
        retry_after: when, if that is known.
        details: more for programs, JSON.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after: timedelta | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.details = dict(details or {})


@dataclass(frozen=True, slots=True)
class Wait:
    """An answer: the step goes on when an event comes, or after a time. What comes with the event is its result.

    Attributes:
        event: the event's name; None for time alone.
        timeout: a timedelta, `3d` or milliseconds; None for never.
        on_timeout: what it means when an event was waited for and did not come.
        schema: a JSON Schema that the event's data must meet.
        reason: for people.
    """

    event: str | None = None
    timeout: timedelta | str | float | None = None
    on_timeout: Literal["fail", "continue", "branch"] = "fail"
    schema: Any = None
    reason: str | None = None

    def answer(self) -> WaitAnswer:
        """Return this as runs know it.

        Raises:
            ValueError: it waits for nothing, for something that nobody can send, or its timeout is no length of time.
        """
        if self.event is not None and EVENT_NAME.fullmatch(self.event) is None:
            raise ValueError(f"{self.event[:40]!r} is no name of an event")
        if self.on_timeout not in {"fail", "continue", "branch"}:
            raise ValueError("on_timeout is fail, continue or branch")
        length = self.timeout if isinstance(self.timeout, timedelta | None) else parse(self.timeout)
        if length is not None and not timedelta() <= length <= MAX:
            raise ValueError(f"a wait is at most {MAX.days} days long, and none goes back")
        if self.event is None and length is None:
            raise ValueError("a wait has an event, a timeout, or both")
        return WaitAnswer(
            event=self.event,
            timeout_ms=None if length is None else -(-length // timedelta(milliseconds=1)),
            on_timeout=self.on_timeout,
            schema=self.schema,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """An undo's answer: there was nothing to undo.

    Attributes:
        result: what it says besides.
    """

    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """What an action is told besides its params.

    Attributes:
        call: the call, with the idempotency key, which is the same for every attempt.
        attempt: which attempt this is, from 1.
        max_attempts: after how many it is given up; None where that is never.
        scheduled_at: when the first attempt was asked for, aware UTC; the same for every attempt.
        stop_requested: set when the attempt is to end early; for plain functions, which cannot be interrupted.
    """

    call: ActionCall
    attempt: int = 1
    max_attempts: int | None = None
    scheduled_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stop_requested: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.call.key

    @property
    def data(self) -> Mapping[str, Any]:
        """The run's input and the results of earlier steps; for an undo, `undo` too."""
        return self.call.context

    @property
    def undone_result(self) -> Any:
        """What the step that is being undone had answered; None where it died before it answered."""
        undo = self.call.context.get("undo")
        return undo.get("result") if isinstance(undo, Mapping) else None

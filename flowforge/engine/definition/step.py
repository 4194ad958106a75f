"""One step of a definition, and what belongs to it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from flowforge.engine.definition.selectors import Selector
from flowforge.engine.definition.strict import Called, Count, Duration, Items, Strict, Timeout

OnError = Literal["fail", "continue", "retry", "branch"]
Join = Literal["all", "any"]

NOOP = "noop"
"""The action that does nothing and succeeds."""


class RetryPolicy(Strict):
    """How often and after how long a fault is tried again. A refusal never is.

    Attributes:
        max_attempts: how often in all; None for as long as the run's or the step's time lasts.
        initial_delay: before the second attempt.
        backoff_multiplier: by how much each delay is longer than the one before.
        max_delay: the longest delay.
        non_retryable: error codes after which nothing is tried again.
    """

    max_attempts: Count | None = None
    initial_delay: Duration | None = None
    backoff_multiplier: Annotated[float, Field(strict=True, ge=1, le=100)] | None = None
    max_delay: Duration | None = None
    non_retryable: tuple[str, ...] = ()


class Compensation(Strict):
    """How a step is undone.

    Attributes:
        action: the undo's action.
        params: its params; without them it receives the context, with `undo` in it.
        retry_policy: how it is tried; by default without limit.
        timeout: how long one attempt may take.
    """

    action: Called
    params: Any = None
    retry_policy: RetryPolicy | None = None
    timeout: Timeout | None = None


class ForEach(Strict):
    """Has a step run once for each of several items.

    Attributes:
        items: a list, or a template that gives one.
        as_: the name under which params find the item.
        concurrency: how many items may be under way at once.
    """

    items: Items
    as_: str = Field("item", alias="as")
    concurrency: Annotated[int, Field(strict=True, ge=1, le=50)] = 1


class Transitions(Strict):
    """Where a state machine goes after a step; None ends it.

    Attributes:
        on_success: the step after this one succeeded.
        on_failure: the step after this one failed; without it a failure fails the run.
    """

    on_success: str | None = None
    on_failure: str | None = None


class Transition(Strict):
    """One of several ways on: taken when it is the first whose condition is true.

    Attributes:
        condition: an expression; without one the way is always open.
        to: the next step; None ends the run.
    """

    condition: str | None = None
    to: str | None


def _form(value: Any) -> str:
    return "$map" if isinstance(value, Mapping | Transitions) else "$list"


WaysOn = Annotated[
    Annotated[Transitions, Tag("$map")] | Annotated[tuple[Transition, ...], Tag("$list")],
    Discriminator(_form),
]
"""A state machine's ways on: by how the step ended, or a list of conditions."""


class Step(Strict):
    """One step: an action, when it runs, and how it is undone.

    Attributes:
        id: its name in expressions, keys and the history.
        name: its name for people.
        action: what it does.
        params: what the action is given, with `${path}` in its strings; without params and input it is the context.
        depends_on: the steps that come before it.
        condition: an expression; false skips the step.
        wait: how long to wait before the action.
        timeout: how long the step may take in all, with its attempts and waits for events.
        retry_policy: how faults are tried again.
        on_error: what a failure does: `fail` the run (`retry` too, once the attempts are used up), `continue` as if the
            step had succeeded, or `branch` to `error_branch`.
        error_branch: the step that runs only after this one failed.
        input: what of the context is merged into the params.
        output_key: another name for the result.
        compensation: how it is undone; None where there is nothing to undo.
        for_each: runs it once for each of several items.
        join: start when `all` that it depends on have ended, or when `any` has succeeded.
        fenced: whether its action refuses an effect that comes after its undo; None as the action declares.
        task_queue: where the action's worker listens: the action is then an activity of that name, in any language.
        heartbeat_timeout: after how long a silence the worker of a `task_queue` is taken for dead, where its activity
            heartbeats; None not before its attempt's time is over.
        transitions: where a state machine goes next.
    """

    id: str
    name: str | None = None
    action: Called
    params: Any = None
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    wait: Duration | None = None
    timeout: Timeout | None = None
    retry_policy: RetryPolicy | None = None
    on_error: OnError = "fail"
    error_branch: str | None = None
    input: Selector | None = None
    output_key: str | None = None
    compensation: Compensation | None = None
    for_each: ForEach | None = None
    join: Join = "all"
    fenced: bool | None = None
    task_queue: Called | None = None
    heartbeat_timeout: Timeout | None = None
    transitions: WaysOn | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.id


def targets(step: Step) -> tuple[str, ...]:
    """Return the steps to which a step of a state machine may lead, in the order of the definition."""
    ways = step.transitions
    if isinstance(ways, Transitions):
        found: tuple[str | None, ...] = (ways.on_success, ways.on_failure)
    else:
        found = tuple(way.to for way in ways or ())
    return tuple(dict.fromkeys(to for to in (*found, step.error_branch) if to is not None))

"""Actions that need nothing but their params: noop, log, fail, condition, delay, wait; and what `workflow` takes."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from flowforge.engine.actions.declaration import ActionContext, Refused, Wait, action
from flowforge.engine.actions.loading import action_of
from flowforge.engine.actions.registry import Action
from flowforge.engine.core.plan import CHILD
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.waits import wait_of
from flowforge.engine.definition.step import NOOP
from flowforge.engine.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.expressions.values import truthy

_LOG: Final = logging.getLogger("flowforge.engine.log")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_CLOSED: Final = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})


class FailParams(BaseModel):
    """What `fail` takes."""

    code: str = Field("failed", pattern="^[A-Za-z0-9_.-]{1,100}$")
    message: str = "the definition says so"


class ConditionParams(BaseModel):
    """What `condition` takes."""

    model_config = _CLOSED

    expression: Any = Field(description="an expression over the context, or a value that counts as true or false")


class WaitParams(BaseModel):
    """What `delay` and `wait` take; see the core's `wait_of`."""

    model_config = _CLOSED

    duration: str | float | None = Field(None, description="a length of time, for example 3d, or milliseconds")
    until: str | None = Field(None, description="an instant, ISO 8601 with its offset")
    event: str | None = None
    timeout: str | float | None = None
    on_timeout: str = Field("fail", alias="onTimeout", pattern="^(fail|continue|branch)$")
    event_schema: Any = Field(None, alias="schema", description="a JSON Schema that the event's data must meet")
    reason: str | None = None


class ChildParams(BaseModel):
    """What `workflow` takes."""

    model_config = _CLOSED

    workflow_id: str = Field(alias="workflowId")
    revision: int | None = Field(None, ge=1)
    input: Any = None


@action(NOOP, category="flow", effect=False)
async def noop(_params: Any, _context: ActionContext) -> None:
    """Do nothing and succeed."""


@action("log", category="flow", effect=False)
async def log(params: Any, context: ActionContext) -> Any:
    """Write the params to the worker's log; they are the result."""
    level = _LEVELS.get(str(params.get("level", "info")).lower(), logging.INFO) if isinstance(params, dict) else 20
    _LOG.log(level, "%s of %s: %s", context.call.step_id, context.call.execution_id, params)
    return params


@action("fail", category="flow", effect=False)
async def fail(params: FailParams, _context: ActionContext) -> None:
    """Fail with a code and a message, for good."""
    raise Refused(params.code, params.message)


@action("condition", category="flow", effect=False)
async def condition(params: ConditionParams, context: ActionContext) -> bool:
    """Evaluate an expression; false skips what depends on it."""
    if not isinstance(params.expression, str):
        return truthy(params.expression)
    try:
        return Expression.parse(params.expression).holds(dict(context.data))
    except ExpressionSyntaxError as error:
        raise Refused("bad_expression", str(error)) from error
    except ExpressionFailure as failure:
        raise Refused(failure.reason.value, str(failure)) from failure


@action("delay", category="flow", effect=False)
async def delay(_params: WaitParams, context: ActionContext) -> Wait:
    """Go on after a `duration`, or not before an instant (`until`)."""
    return _wait(context)


@action("wait", category="flow", effect=False)
async def wait(_params: WaitParams, context: ActionContext) -> Wait:
    """Go on when an event comes, or after a time; what comes with the event is the result."""
    return _wait(context)


def basic_actions() -> Iterator[Action]:
    """Yield these actions."""
    for function in (noop, log, fail, condition, delay, wait):
        yield action_of(function)
    yield Action(
        name=CHILD,
        description="Run another definition, cancelled and undone with this run.",
        category="flow",
        schema=ChildParams.model_json_schema(),
        run=None,
    )


def _wait(context: ActionContext) -> Wait:
    try:
        found = wait_of(context.call.params, now=datetime.now(UTC))
    except BindingError as error:
        raise Refused(error.error.code, error.error.message) from error
    length: timedelta | None = found.timeout
    return Wait(found.event, length, found.on_timeout, found.schema, found.reason)
